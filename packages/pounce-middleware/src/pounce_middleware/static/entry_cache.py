"""What a worker remembers of paths, for a second. Owned by one thread and its event loop."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from pounce_middleware.static.directory import NoSuchFile

if TYPE_CHECKING:
    from pounce_middleware.static.loader import Entry, Loader
    from pounce_middleware.static.request_path import FilePath

__all__ = ["EntryCache"]

FRESH_SECONDS: Final = 1.0
"""For how long what was seen is believed. A page and what belongs to it is loaded within; whoever changes a file does
not wait for longer."""


class EntryCache:
    """Bounded in entries and in bytes of content. Paths without a file are remembered apart from the others: strangers
    can name any number of them.
    """

    __slots__ = ("_loader", "_loading", "_most_bytes", "_most_entries", "entries", "kept", "missing")

    def __init__(self, loader: Loader, *, most_entries: int, most_bytes: int) -> None:
        self._loader = loader
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._loading: dict[str, asyncio.Future[Entry]] = {}
        # In the order of loading. What is used is loaded anew each second, so the first are those not used for longest.
        self.entries: dict[str, tuple[float, Entry]] = {}
        """Path below the root -> until when it is believed, by the monotonic clock, and what is there. Hot."""
        self.missing: dict[str, float] = {}
        """Path below the root -> until when it is believed that there is no file."""
        self.kept = 0
        """Bytes of content in memory."""

    async def load(self, path: str, names: FilePath) -> Entry:
        """Look at a path in a thread; requests for the same one at the same time wait for one look.

        Raises:
            NoSuchFile: nothing that may be served is there.
            OSError: the system failed.
        """
        loop = asyncio.get_running_loop()
        loading = self._loading.get(path)
        if loading is None or loading.get_loop() is not loop:
            before = self.entries.get(path)
            loading = loop.run_in_executor(None, self._loader.load, names, before[1] if before else None)
            self._loading[path] = loading
            loading.add_done_callback(partial(self._loaded, path))
        return await asyncio.shield(loading)

    def forget(self, path: str) -> None:
        """What was seen is not so any more."""
        before = self.entries.pop(path, None)
        if before is not None:
            self.kept -= before[1].kept

    def _loaded(self, path: str, loading: asyncio.Future[Entry]) -> None:
        if self._loading.get(path) is loading:
            del self._loading[path]
        self.forget(path)
        if loading.cancelled():
            return
        if isinstance(loading.exception(), NoSuchFile):
            self._remember_missing(path)
        if loading.exception() is not None:
            return
        entry = loading.result()
        self.entries[path] = (time.monotonic() + FRESH_SECONDS, entry)
        self.kept += entry.kept
        while len(self.entries) > self._most_entries or self.kept > self._most_bytes:
            self.forget(next(iter(self.entries)))

    def _remember_missing(self, path: str) -> None:
        self.missing.pop(path, None)
        self.missing[path] = time.monotonic() + FRESH_SECONDS
        if len(self.missing) > self._most_entries:
            del self.missing[next(iter(self.missing))]
