"""Tells when files of the application change.

A thread of its own asks a source of changes: `polling`, which looks at the files again and again, or one that the
system tells about them (the caller brings it, so that nothing has to be installed here). What belongs to one save, an
editor's temporary file and its renaming or all files of a checkout, comes as one change.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Iterator

from pounce_workers.supervision.polling import polling
from pounce_workers.supervision.watched_files import WatchedFiles

ChangeSource = Callable[[WatchedFiles, threading.Event], Iterator[frozenset[str]]]
"""Yields the paths of each change, until the event is set."""

__all__ = ["ChangeSource", "Watcher"]

logger = logging.getLogger("pounce.reload")


class Watcher:
    """Calls back when files change. One thread, from ``start()`` to ``stop()``."""

    def __init__(
        self,
        files: WatchedFiles,
        on_change: Callable[[tuple[str, ...]], None],
        *,
        source: ChangeSource | None = None,
        delay: float = 0.25,
    ) -> None:
        """``on_change`` is called in the watcher's thread with the paths, sorted, and must return soon.

        ``source`` is asked first; if it fails, and without one, files are looked at every ``delay`` seconds.
        """
        self._files = files
        self._on_change = on_change
        self._stop = threading.Event()
        self._polling = functools.partial(polling, delay=delay)
        self._source = source or self._polling
        self._thread = threading.Thread(target=self._watch, name="pounce-watcher", daemon=True)
        self._changes: Iterator[frozenset[str]] | None = None

    def start(self) -> None:
        """Begin. With polling, every change from now on is told."""
        self._changes = self._source(self._files, self._stop)
        self._thread.start()

    def stop(self, timeout: float | None = 1.0) -> None:
        """End, and wait for that at most ``timeout`` seconds; not when called from ``on_change``."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                for paths in self._changes or ():
                    self._tell(paths)
            except Exception as error:
                if self._source is self._polling:
                    logger.exception("files cannot be watched any longer; there will be no reload")
                    return
                logger.warning("files are looked at from time to time, because the system does not tell: %s", error)
                self._source = self._polling
                self._changes = self._source(self._files, self._stop)
            else:
                return

    def _tell(self, paths: frozenset[str]) -> None:
        wanted = tuple(sorted(path for path in paths if self._files.wants(path)))
        if not wanted or self._stop.is_set():
            return
        try:
            self._on_change(wanted)
        except Exception:
            logger.exception("a change of %s could not be handled", wanted[0])
