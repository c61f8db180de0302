"""Real files, looked at step by step."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from pathlib import Path

import pytest

from pounce_workers import WatchedFiles
from pounce_workers.supervision import polling as polling_module
from pounce_workers.supervision.polling import Poller, polling


class Steps(threading.Event):
    """Stands in for the event that ends the polling: between two looks it lets the test do the next thing."""

    def __init__(self, *steps: object) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._steps = iter(steps)

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0)
        step = next(self._steps, None)
        if step is None:
            self.set()
        elif callable(step):
            step()
        return self.is_set()


def nothing() -> None:
    pass


def changes(root: Path, *steps: object) -> list[set[str]]:
    found = polling(WatchedFiles.of([root]), Steps(*steps), delay=0.1)
    return [{str(Path(path).relative_to(root)) for path in paths} for paths in found]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in ("main.py", "app/models.py", "app/page.html", ".git/hook.py", "env/lib.py", "env/pyvenv.cfg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("1")
    return root


def test_nothing_happens(root: Path) -> None:
    assert changes(root, nothing, nothing) == []


def test_a_change_before_the_first_look_after_the_call(root: Path) -> None:
    found = polling(WatchedFiles.of([root]), Steps(nothing, nothing), delay=0.1)
    (root / "main.py").write_text("22")
    assert list(found) == [{str(root / "main.py")}]


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda root: (root / "main.py").write_text("22"), {"main.py"}),
        (lambda root: (root / "app" / "new.py").touch(), {"app/new.py"}),
        (lambda root: (root / "main.py").unlink(), {"main.py"}),
        (lambda root: (root / "main.py").rename(root / "app" / "main.py"), {"main.py", "app/main.py"}),
        (lambda root: shutil.rmtree(root / "app"), {"app/models.py"}),
        (lambda root: shutil.rmtree(root), {"main.py", "app/models.py"}),
        (lambda root: (root / "app" / "page.html").write_text("22"), None),
        (lambda root: (root / ".git" / "hook.py").write_text("22"), None),
        (lambda root: (root / "env" / "lib.py").write_text("22"), None),
        (lambda root: (root / "app" / "folder.py").mkdir(), None),
        (lambda root: os.utime(root / "main.py", ns=(5, 5)), {"main.py"}),
        (lambda root: (root / "link.py").symlink_to(root / "nowhere"), None),
        (lambda root: (root / "link.py").symlink_to(root / "main.py"), {"link.py"}),
        (lambda root: os.mkfifo(root / "pipe.py"), None),
    ],
)
def test_what_is_a_change(root: Path, act: object, expected: set[str] | None) -> None:
    found = changes(root, lambda: act(root), nothing, nothing)  # type: ignore[operator]
    assert found == ([expected] if expected else [])


def test_another_file_of_the_same_time_and_size(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("2")
    for file in (other, root / "main.py"):
        os.utime(file, ns=(7, 7))
    assert changes(root, lambda: other.replace(root / "main.py"), nothing, nothing) == [{"main.py"}]


def test_a_save_in_several_steps_is_one_change(root: Path) -> None:
    def begin() -> None:
        (root / "main.py.tmp.py").write_text("22")

    def rename() -> None:
        (root / "main.py.tmp.py").replace(root / "main.py")

    def format_again() -> None:
        (root / "main.py").write_text("333")

    assert changes(root, begin, rename, format_again, nothing, nothing) == [{"main.py"}]


def test_a_change_that_does_not_end_is_told_after_a_while(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=0.1)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    numbers = itertools.count()
    write = [lambda: (root / "main.py").write_text(str(next(numbers)) * 5)] * 60
    found = changes(root, *write)
    assert 2 <= len(found) <= 4


def test_a_folder_that_is_removed_and_made_again(root: Path) -> None:
    def again() -> None:
        (root / "app").mkdir(parents=True)
        (root / "app" / "models.py").write_text("1")

    found = changes(root, lambda: shutil.rmtree(root), nothing, again, nothing, nothing)
    assert found == [{"main.py", "app/models.py"}, {"app/models.py"}]


def test_links_to_folders_are_followed_and_circles_end(root: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "code.py").touch()
    (root / "shared").symlink_to(shared)
    (root / "app" / "up").symlink_to(root)
    looked = {str(Path(path).relative_to(root)) for path in Poller(WatchedFiles.of([root])).snapshot()}
    assert looked == {"main.py", "app/models.py", "shared/code.py"}
    write = lambda: (shared / "code.py").write_text("1")  # noqa: E731
    assert changes(root, write, nothing, nothing) == [{"shared/code.py"}]


def test_a_release_that_a_link_is_switched_to(tmp_path: Path) -> None:
    for number in "12":
        (tmp_path / number).mkdir()
        (tmp_path / number / "main.py").write_text(number)
    current = tmp_path / "current"
    current.symlink_to(tmp_path / "1")

    def switch() -> None:
        (tmp_path / "new").symlink_to(tmp_path / "2")
        (tmp_path / "new").replace(current)

    assert changes(current, switch, nothing, nothing) == [{"main.py"}]


def test_pauses_grow_with_what_there_is_to_see(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=0.5)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    steps = Steps(nothing, nothing)
    assert list(polling(WatchedFiles.of([root]), steps, delay=0.1)) == []
    assert steps.pauses == [0.1, 10.0, 10.0]


def test_what_is_remembered_of_paths_is_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling_module, "REMEMBERED", 2)
    poller = Poller(WatchedFiles.of([root]))
    assert len(poller.snapshot()) == len(poller.snapshot()) == 2
