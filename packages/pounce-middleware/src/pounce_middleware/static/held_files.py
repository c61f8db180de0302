"""Large files that a worker keeps open, for a second, so that not each request has to open them in a thread.

Owned by one thread and its event loop.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

from pounce_middleware.static.representation import signature

if TYPE_CHECKING:
    from pounce_middleware.static.directory import OpenFile
    from pounce_middleware.static.representation import Representation, Signature
    from pounce_middleware.static.request_path import FilePath

__all__ = ["HeldFile", "HeldFiles"]

HELD_SECONDS: Final = 1.0
"""As long as what was seen of a path is believed."""
MOST_HELD: Final = 64
"""Descriptors of a worker beside those that are being sent; it has 1024 on most systems, for its connections too."""
HOLDS: Final = os.name != "nt"
"""On Windows a file that is open cannot be replaced."""


class HeldFile:
    """An open file and who uses it. Closed when it is dropped and nobody does any more."""

    __slots__ = ("dropped", "file", "signature", "users", "warm")

    def __init__(self, file: OpenFile) -> None:
        self.file = file
        self.signature: Signature = signature(file.status)
        self.users = 1
        self.dropped = True
        self.warm: set[int] = set()
        """Offsets of windows that were seen in memory since it was opened."""

    def give_back(self) -> None:
        """Who has it does not need it any more."""
        self.users -= 1
        self._close_unused()

    def drop(self) -> None:
        """Nobody new gets it."""
        if not self.dropped:
            self.dropped = True
            self._close_unused()

    def _close_unused(self) -> None:
        if self.dropped and not self.users:
            self.users = -1
            self.file.close()

    def __del__(self) -> None:
        """The loop ended before its time was over."""
        if self.users >= 0:
            self.file.close()


class HeldFiles:
    """The files of one worker."""

    __slots__ = ("_held", "_most")

    def __init__(self, most: int) -> None:
        self._held: dict[FilePath, HeldFile] = {}
        self._most = min(most, MOST_HELD) if HOLDS else 0

    def borrow(self, representation: Representation) -> HeldFile | None:
        """The open file of a representation, if it is still as it was; to be given back."""
        held = self._held.get(representation.names)
        if held is None:
            return None
        if held.signature != representation.signature or signature(os.fstat(held.file.fd)) != held.signature:
            self._drop(representation.names, held)
            return None
        held.users += 1
        return held

    def keep(self, names: FilePath, file: OpenFile) -> HeldFile:
        """Keep a file that was opened just now, for others as well; to be given back."""
        held = HeldFile(file)
        if self._most and not file.is_folder:
            before = self._held.pop(names, None)
            if before is not None:
                before.drop()
            while len(self._held) >= self._most:
                oldest = next(iter(self._held))
                self._drop(oldest, self._held[oldest])
            held.dropped = False
            self._held[names] = held
            asyncio.get_running_loop().call_later(HELD_SECONDS, self._drop, names, held)
        return held

    def _drop(self, names: FilePath, held: HeldFile) -> None:
        if self._held.get(names) is held:
            del self._held[names]
        held.drop()
