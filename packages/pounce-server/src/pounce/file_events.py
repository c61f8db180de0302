"""Changes of files as the system tells them, through ``watchfiles`` where it is installed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from .features import WATCHFILES

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from pounce_workers import ChangeSource, WatchedFiles

__all__ = ["change_source"]

SETTLED: Final = 50
"""Milliseconds without a further change after which a change is over; also how soon a stop is noticed."""

LONGEST_CHANGE: Final = 2000
"""Milliseconds after which a change that does not end is told nevertheless."""

LOOK_AGAIN: Final = 500
"""Milliseconds after which is seen to it that the folders are still the same: the system tells nothing of one that was
removed and made again."""


def change_source() -> ChangeSource | None:
    """What a `Watcher` is to ask; None where ``watchfiles`` is not installed, so that it polls."""
    if not WATCHFILES.installed:
        return None
    module = WATCHFILES.load("reload")

    def changes(files: WatchedFiles, stop: threading.Event) -> Iterator[frozenset[str]]:
        return _Events(module, files, stop).changes()

    return changes


class _Events:
    def __init__(self, module: Any, files: WatchedFiles, stop: threading.Event) -> None:
        self._watch = module.watch
        self._files = files
        self._stop = stop

    def changes(self) -> Iterator[frozenset[str]]:
        while not self._stop.is_set():
            watched = self._identities()
            if watched:
                yield from self._until_replaced(watched)
            elif not self._stop.wait(LOOK_AGAIN / 1000) and self._identities():
                yield self._all_files()
            elif self._stop.is_set():
                return

    def _until_replaced(self, watched: dict[str, tuple[int, int]]) -> Iterator[frozenset[str]]:
        batches = self._watch(
            *watched,
            watch_filter=None,
            debounce=LONGEST_CHANGE,
            step=SETTLED,
            stop_event=self._stop,
            rust_timeout=LOOK_AGAIN,
            yield_on_timeout=True,
        )
        with contextlib.closing(batches):
            for batch in batches:
                if batch:
                    yield frozenset(path for _, path in batch)
                if self._identities() != watched:
                    break
        if not self._stop.is_set() and self._identities():
            yield self._all_files()

    def _identities(self) -> dict[str, tuple[int, int]]:
        """The folders that are there, and which ones they are."""
        found = {}
        for folder in self._files.folders:
            try:
                here = folder.stat()
            except OSError:
                continue
            found[str(folder)] = (here.st_dev, here.st_ino)
        return found

    def _all_files(self) -> frozenset[str]:
        """Everything in the folders: nobody told what happened while they were away."""
        return frozenset(
            str(path)
            for folder in self._files.folders
            if folder.is_dir()
            for path in folder.rglob("*")
            if path.is_file()
        )
