"""The thread that tells of changes."""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING

import pytest

from pounce_workers import WatchedFiles, Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT = 10


class Source:
    """A source that the test feeds."""

    def __init__(self) -> None:
        self.fed: queue.SimpleQueue[frozenset[str] | Exception | None] = queue.SimpleQueue()

    def __call__(self, files: WatchedFiles, stop: threading.Event) -> Iterator[frozenset[str]]:
        while (one := self.fed.get()) is not None:
            if isinstance(one, Exception):
                raise one
            yield one


@pytest.fixture
def told() -> queue.SimpleQueue[tuple[str, ...]]:
    return queue.SimpleQueue()


def test_only_files_that_count_are_told(tmp_path: Path, told: queue.SimpleQueue[tuple[str, ...]]) -> None:
    source = Source()
    watcher = Watcher(WatchedFiles.of([tmp_path]), told.put, source=source)
    watcher.start()
    one, two, other = (str(tmp_path / name) for name in ("a.py", "b.py", "c.html"))
    source.fed.put(frozenset({other}))
    source.fed.put(frozenset({two, other, one}))
    assert told.get(timeout=TIMEOUT) == (one, two)
    source.fed.put(None)
    watcher.stop()
    assert told.empty()


def test_polling_tells_of_a_real_file_and_stops_soon(tmp_path: Path, told: queue.SimpleQueue[tuple[str, ...]]) -> None:
    watcher = Watcher(WatchedFiles.of([tmp_path]), told.put, delay=0.002)
    watcher.start()
    (tmp_path / "main.py").touch()
    assert told.get(timeout=TIMEOUT) == (str(tmp_path / "main.py"),)
    watcher.stop(TIMEOUT)
    watcher.stop()
    assert not any(thread.name == "pounce-watcher" for thread in threading.enumerate())


def test_a_long_pause_does_not_hold_the_stop(tmp_path: Path) -> None:
    watcher = Watcher(WatchedFiles.of([tmp_path]), lambda _: None, delay=3600)
    watcher.start()
    watcher.stop(TIMEOUT)
    assert not any(thread.name == "pounce-watcher" for thread in threading.enumerate())


def test_stopped_from_its_own_callback(tmp_path: Path) -> None:
    stopped = threading.Event()

    def stop(_: tuple[str, ...]) -> None:
        watcher.stop()
        stopped.set()

    watcher = Watcher(WatchedFiles.of([tmp_path]), stop, delay=0.002)
    watcher.start()
    (tmp_path / "main.py").touch()
    assert stopped.wait(TIMEOUT)
    watcher.stop(TIMEOUT)


def test_stopped_before_it_began(tmp_path: Path) -> None:
    Watcher(WatchedFiles.of([tmp_path]), lambda _: None).stop()


def test_an_error_of_the_callback_is_logged_and_the_next_change_told(
    tmp_path: Path, told: queue.SimpleQueue[tuple[str, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()

    def tell(paths: tuple[str, ...]) -> None:
        told.put(paths)
        if paths[0].endswith("bad.py"):
            raise ValueError("no")

    watcher = Watcher(WatchedFiles.of([tmp_path]), tell, source=source)
    watcher.start()
    for name in ("bad.py", "good.py"):
        source.fed.put(frozenset({str(tmp_path / name)}))
    assert [told.get(timeout=TIMEOUT) for _ in range(2)][1] == (str(tmp_path / "good.py"),)
    source.fed.put(None)
    watcher.stop(TIMEOUT)
    assert "could not be handled" in caplog.text


def test_a_source_that_fails_gives_way_to_polling(
    tmp_path: Path, told: queue.SimpleQueue[tuple[str, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    source = Source()
    watcher = Watcher(WatchedFiles.of([tmp_path]), told.put, source=source, delay=0.002)
    source.fed.put(OSError("OS file watch limit reached"))
    watcher.start()
    # Written again until it is seen: when the polling begins is not to be known.
    for number in range(1000):
        (tmp_path / "main.py").write_text("x" * number)
        try:
            assert told.get(timeout=0.05) == (str(tmp_path / "main.py"),)
            break
        except queue.Empty:
            continue
    else:
        pytest.fail("no change was told")
    watcher.stop(TIMEOUT)
    assert "OS file watch limit reached" in caplog.text


def test_polling_that_fails_ends_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def fail(files: WatchedFiles, stop: threading.Event, *, delay: float) -> Iterator[frozenset[str]]:
        ended.set()
        raise ValueError("unforeseen")
        yield frozenset()

    monkeypatch.setattr("pounce_workers.supervision.watcher.polling", fail)
    watcher = Watcher(WatchedFiles.of([tmp_path]), lambda _: None)
    watcher.start()
    assert ended.wait(TIMEOUT)
    watcher.stop(TIMEOUT)
    assert "cannot be watched any longer" in caplog.text
