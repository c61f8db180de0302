"""Changes of files, found by looking at them again and again: for where the system does not tell.

A file has changed when its time, its size or its inode has: an editor that renames a new file into place keeps the
name, and a checkout may keep the size and even the second.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, Final

from pounce_workers.supervision.watched_files import is_environment

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from pounce_workers.supervision.watched_files import WatchedFiles

    Signature = tuple[int, int, int]
    """When a file was changed, in nanoseconds; its size; its inode."""

    Snapshot = dict[str, Signature]

__all__ = ["Poller", "polling"]

SETTLED: Final = 0.05
"""Seconds without a further change after which a change is over. Editors write and rename within a few ms."""

LONGEST_CHANGE: Final = 2.0
"""Seconds after which a change that does not end is told nevertheless."""

SHARE: Final = 0.05
"""At most this part of the time is spent looking: for a huge folder the pauses become longer."""

REMEMBERED: Final = 200_000
"""Paths of which is remembered whether they count: programs that write ever new files shall not fill the memory."""


def polling(files: WatchedFiles, stop: threading.Event, *, delay: float) -> Iterator[frozenset[str]]:
    """The paths of each change, found by looking every ``delay`` seconds, or less often if there is very much to see.

    The first look is taken when this is called, not when the first change is asked for.
    """
    return Poller(files).changes(stop, delay)


class Poller:
    """Looks at all files that count. Used by one thread."""

    def __init__(self, files: WatchedFiles) -> None:
        self._files = files
        # What the patterns say of a path stays the same, and asking them costs more than looking at the file.
        self._counts: dict[str, bool] = {}
        self._entered: dict[str, bool] = {}
        self._known = self.snapshot()

    def changes(self, stop: threading.Event, delay: float) -> Iterator[frozenset[str]]:
        """The paths of each change since the last look, until ``stop`` is set."""
        pause = delay
        while not stop.wait(pause):
            begun = time.monotonic()
            now = self.snapshot()
            pause = max(delay, (time.monotonic() - begun) / SHARE)
            if now != self._known:
                changed = self._settled(stop, now, min(delay, SETTLED))
                if changed:
                    yield changed

    def snapshot(self) -> Snapshot:
        """Every file that counts and is there. Links to folders are followed; no folder is entered twice."""
        found: Snapshot = {}
        entered: set[tuple[int, int]] = set()
        pending = [str(root) for root in self._files.folders]
        while pending:
            folder = pending.pop()
            try:
                here = os.stat(folder)  # noqa: PTH116 - hundreds of times, and Path costs more than the call
                identity = (here.st_dev, here.st_ino)
                if identity not in entered:
                    entered.add(identity)
                    pending += self._look_into(folder, found)
            except OSError:  # it is not there, or went away just now: so did its files
                continue
        return found

    def _look_into(self, folder: str, found: Snapshot) -> list[str]:
        """Note the files of one folder; returns the folders in it that are to be entered."""
        inner = []
        with os.scandir(folder) as entries:
            for entry in entries:
                path = entry.path
                try:
                    if entry.is_dir():
                        if self._enters(path):
                            inner.append(path)
                    elif self._file_counts(path):
                        seen = os.stat(path)  # noqa: PTH116 - as above; DirEntry.stat() has no inode on Windows
                        if stat.S_ISREG(seen.st_mode):
                            found[path] = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
                except OSError:  # it went away, or is a link to nowhere
                    continue
        return inner

    def _file_counts(self, path: str) -> bool:
        counts = self._counts.get(path)
        if counts is None:
            if len(self._counts) >= REMEMBERED:
                self._counts.clear()
            counts = self._counts[path] = self._files.matches(path)
        return counts

    def _enters(self, folder: str) -> bool:
        enters = self._entered.get(folder)
        if enters is None:
            enters = self._entered[folder] = self._files.enters(folder)
        return enters and not is_environment(folder)

    def _settled(self, stop: threading.Event, now: Snapshot, pause: float) -> frozenset[str]:
        """All paths of a change that has begun, once it is over."""
        known, until = self._known, time.monotonic() + LONGEST_CHANGE
        changed = _differences(known, now)
        while time.monotonic() < until and not stop.wait(pause):
            later = self.snapshot()
            if later == now:
                break
            changed |= _differences(now, later)
            now = later
        self._known = now
        # A file that came and went again within the change is none.
        return frozenset(path for path in changed if path in known or path in now)


def _differences(before: Snapshot, after: Snapshot) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
