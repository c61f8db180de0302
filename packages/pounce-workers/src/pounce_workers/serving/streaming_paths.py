"""Which paths have streamed lately: their next requests start where streams belong, without a try elsewhere."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StreamingPaths"]

MOST_PATHS: Final = 256
"""Paths remembered at a time; the one that streamed longest ago makes room. A client chooses what it asks for, so this
bounds what it can make us keep: with targets of 64 KiB, 16 MiB at the worst."""

REMEMBERED_FOR: Final = 60.0
"""Seconds after which a path is tried anew: what streamed once need not stream for ever."""


class StreamingPaths:
    """Paths and when they are forgotten. Every method may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # guards the dict
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def add(self, path: bytes) -> None:
        """It streams at this moment."""
        with self._lock:
            self._until[path] = self._clock() + REMEMBERED_FOR
            self._until.move_to_end(path)
            if len(self._until) > MOST_PATHS:
                self._until.popitem(last=False)

    def __contains__(self, path: bytes) -> bool:
        if not self._until:
            return False  # the usual case takes no lock
        with self._lock:
            until = self._until.get(path)
            if until is None:
                return False
            if until > self._clock():
                return True
            del self._until[path]
            return False
