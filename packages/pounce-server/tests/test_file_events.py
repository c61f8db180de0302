"""Both sources of changes, with real files and the same table of what people and programs do to them."""

from __future__ import annotations

import queue
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pounce.features import WATCHFILES
from pounce.file_events import change_source
from pounce_workers import WatchedFiles, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_workers import ChangeSource

    Act = Callable[[Path], object]

TIMEOUT = 10


class Told:
    """A watcher on a folder, and what it told."""

    def __init__(self, root: Path, source: ChangeSource | None) -> None:
        self.root = root
        self.changes: queue.SimpleQueue[tuple[str, ...]] = queue.SimpleQueue()
        self.watcher = Watcher(WatchedFiles.of([root]), self.changes.put, source=source, delay=0.01)
        self.watcher.start()
        self._await_begin()

    def _await_begin(self) -> None:
        """Return when changes are told: the system's watch begins some time after the start."""
        for number in range(500):
            (self.root / "begin.py").write_text(str(number))
            try:
                self.changes.get(timeout=0.1)
            except queue.Empty:
                continue
            break
        self.quiet()

    def quiet(self, seconds: float = 0.3) -> list[str]:
        """The paths of further changes, until there is none for a while."""
        found: list[str] = []
        while True:
            try:
                found += self.changes.get(timeout=seconds)
            except queue.Empty:
                return found

    def next(self) -> set[str]:
        return {str(Path(path).relative_to(self.root)) for path in self.changes.get(timeout=TIMEOUT)}


@pytest.fixture(params=["polling", "watchfiles"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Told]:
    source = change_source() if request.param == "watchfiles" else None
    if request.param == "watchfiles" and source is None:
        pytest.skip("watchfiles is not installed")
    root = tmp_path / "build"
    (root / "app").mkdir(parents=True)
    for name in ("main.py", "app/models.py", "app/page.html"):
        (root / name).write_text("1")
    told = Told(root, source)
    yield told
    told.watcher.stop(TIMEOUT)
    assert "pounce-watcher" not in {thread.name for thread in threading.enumerate()}


def save_as_vim_does(root: Path) -> None:
    (root / "4913.py").touch()
    (root / "4913.py").unlink()
    (root / "main.py").rename(root / "main.py~")
    (root / "main.py").write_text("2")
    (root / "main.py~").unlink()


def save_through_a_temporary_file(root: Path) -> None:
    (root / ".main.py.tmp").write_text("2")
    (root / ".main.py.tmp").replace(root / "main.py")


def check_out(root: Path) -> None:
    for number in range(50):
        (root / f"file{number}.py").write_text("2")
    (root / "main.py").write_text("2")


@pytest.mark.parametrize(
    ("act", "among"),
    [
        (lambda root: (root / "main.py").write_text("2"), "main.py"),
        (save_as_vim_does, "main.py"),
        (save_through_a_temporary_file, "main.py"),
        (check_out, "main.py"),
        (lambda root: (root / "app" / "new.py").touch(), "app/new.py"),
        (lambda root: (root / "app" / "models.py").unlink(), "app/models.py"),
    ],
)
def test_what_is_done_at_once_is_one_change(told: Told, act: Act, among: str) -> None:
    act(told.root)
    assert among in told.next()
    assert told.quiet() == []


@pytest.mark.parametrize(
    "act",
    [
        lambda root: (root / "app" / "page.html").write_text("2"),
        lambda root: (root / ".hidden.py").touch(),
        lambda root: (root / "main.py").read_text(),
    ],
)
def test_what_does_not_count(told: Told, act: Act) -> None:
    act(told.root)
    assert told.quiet() == []


def test_a_new_folder_is_watched_too(told: Told) -> None:
    (told.root / "more" / "inside").mkdir(parents=True)
    told.quiet()
    (told.root / "more" / "inside" / "x.py").touch()
    assert told.next() == {"more/inside/x.py"}


def test_a_folder_that_is_removed_and_made_again_is_watched_again(told: Told) -> None:
    shutil.rmtree(told.root)
    told.quiet(1)
    told.root.mkdir()
    (told.root / "main.py").write_text("2")
    assert "main.py" in told.next()
    told.quiet(1)
    (told.root / "main.py").write_text("333")
    assert told.next() == {"main.py"}


def test_it_stops_soon(told: Told) -> None:
    begun = time.monotonic()
    told.watcher.stop(TIMEOUT)
    assert time.monotonic() - begun < 1


def test_without_watchfiles_the_watcher_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(WATCHFILES), "installed", False)
    assert change_source() is None
