"""Connections with a whole request head, waiting for the next free thread: in order, bounded in number and in time."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_workers.serving.movable_connection import MovableConnection

__all__ = ["HeadQueue"]


class Taker(Protocol):
    """A thread that takes connections."""

    def wake(self) -> None:
        """Something waits: take it, if it is still there. Called from any thread."""


class HeadQueue:
    """Every method may be called from any thread.

    A thread that finds nothing is noted as free, and woken for the next connection: the one that became free last,
    whose memory is still warm.
    """

    def __init__(self, limit: int, timeout: float) -> None:
        """At most ``limit`` connections wait, each for ``timeout`` seconds; what is overdue is `take_overdue`'s."""
        self._limit = limit
        self._timeout = timeout
        self._lock = threading.Lock()  # guards the two below
        self._waiting: deque[tuple[float, MovableConnection]] = deque()
        self._free: list[Taker] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, connection: MovableConnection) -> bool:
        """Let it wait for a thread. False when too many do."""
        with self._lock:
            if len(self._waiting) >= self._limit:
                return False
            self._waiting.append((time.monotonic() + self._timeout, connection))
            taker = self._free.pop() if self._free else None
        if taker is not None:
            taker.wake()
        return True

    def take(self, taker: Taker) -> MovableConnection | None:
        """The next one; None when nothing waits, and then the taker is free."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()[1]
            if taker not in self._free:
                self._free.append(taker)
            return None

    def wake_another(self) -> None:
        """Wake a further free thread if anything waits: the one that was woken for it may be held up."""
        with self._lock:
            taker = self._free.pop() if self._free and self._waiting else None
        if taker is not None:
            taker.wake()

    def forget(self, taker: Taker) -> None:
        """It takes nothing any more."""
        with self._lock:
            if taker in self._free:
                self._free.remove(taker)

    def take_overdue(self, now: float) -> list[MovableConnection]:
        """Those that have waited too long."""
        overdue = []
        with self._lock:
            while self._waiting and self._waiting[0][0] <= now:
                overdue.append(self._waiting.popleft()[1])
        return overdue

    def take_those(self, wanted: Callable[[MovableConnection], bool]) -> list[MovableConnection]:
        """Those of which this is true, for whoever has another place for them."""
        with self._lock:
            taken = [entry for entry in self._waiting if wanted(entry[1])]
            if taken:
                self._waiting = deque(entry for entry in self._waiting if entry not in taken)
        return [connection for _, connection in taken]

    def take_all(self) -> list[MovableConnection]:
        """Those that wait, for whoever ends it all."""
        with self._lock:
            left = [connection for _, connection in self._waiting]
            self._waiting.clear()
        return left
