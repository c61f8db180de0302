"""Places in an application, and the queue before them: first come, first served, for all threads and loops at once.

A place that becomes free is given to who has waited longest, before anybody who comes just now. Who waits does so on
his own event loop and is woken there. One lock guards all numbers: it is held for well below a microsecond, and to be
one limit for all threads they must meet somewhere.
"""

from __future__ import annotations

import asyncio
import enum
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_middleware.adaptive_limit import AdaptiveLimit

__all__ = ["LoadShedder", "Outcome", "Waiter"]


class Outcome(enum.Enum):
    """What became of a request that asked for a place."""

    ENTERED = enum.auto()
    FULL = enum.auto()
    """Too many wait already."""
    EXPIRED = enum.auto()
    """It waited for too long."""
    GONE = enum.auto()
    """Its client left while it waited."""


class Waiter:
    """A request that waits. ``outcome`` belongs to the shedder's lock, the rest to the loop of the request."""

    __slots__ = ("future", "loop", "outcome", "since")

    def __init__(self, loop: asyncio.AbstractEventLoop, since: float = 0.0) -> None:
        self.loop = loop
        self.since = since
        self.future: asyncio.Future[Outcome] = loop.create_future()
        self.outcome: Outcome | None = None

    def tell(self) -> None:
        """Tell the request what has become of it; called on its loop."""
        if not self.future.done() and self.outcome is not None:
            self.future.set_result(self.outcome)


class LoadShedder:
    """At most ``limit`` requests in the application and ``queue`` waiting. One for a server; any thread may call it."""

    def __init__(
        self,
        limit: int | AdaptiveLimit,
        *,
        queue: int = 100,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``timeout`` is the longest time to wait, in seconds."""
        self.timeout = timeout
        self.clock = clock
        self.adaptive = None if isinstance(limit, int) else limit
        self._limit = limit if isinstance(limit, int) else limit.limit
        self._queue = queue
        self._lock = threading.Lock()  # guards all that follows
        self._active = 0
        self._waiting: OrderedDict[Waiter, None] = OrderedDict()
        self._counts = dict.fromkeys(Outcome, 0)
        self._waits = 0
        self._wait_seconds = 0.0

    @property
    def limit(self) -> int:
        """Requests that may be in the application now."""
        return self._limit

    @property
    def active(self) -> int:
        """Requests in the application."""
        return self._active

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether who comes now would be refused; another thread may change that at any time."""
        return self._active >= self._limit and len(self._waiting) >= self._queue

    @property
    def refused(self) -> dict[str, int]:
        """Requests that got no place so far, by why: full, expired, gone; for metrics."""
        return {one.name.lower(): self._counts[one] for one in (Outcome.FULL, Outcome.EXPIRED, Outcome.GONE)}

    @property
    def waited(self) -> tuple[int, float]:
        """Waits that are over, whatever became of them, and the seconds that they took in all; for metrics."""
        with self._lock:
            return self._waits, self._wait_seconds

    def enter(self) -> Waiter | Outcome:
        """Ask for a place: entered, full, or the waiter whose future will tell. Called on a running loop."""
        with self._lock:
            if self._active < self._limit and not self._waiting:
                self._active += 1
                return Outcome.ENTERED
            if len(self._waiting) >= self._queue:
                self._counts[Outcome.FULL] += 1
                return Outcome.FULL
            waiter = Waiter(asyncio.get_running_loop(), self.clock())
            self._waiting[waiter] = None
            return waiter

    def leave(self) -> None:
        """Give a place back. For each that has entered exactly once."""
        with self._lock:
            self._active -= 1
            admitted = self._admit() if self._waiting else []
        self._tell(admitted)

    def give_up(self, waiter: Waiter, outcome: Outcome) -> None:
        """Wait no more; nothing happens if it has an outcome already, such as a place. On the waiter's loop."""
        with self._lock:
            if waiter.outcome is not None:
                return
            del self._waiting[waiter]
            self._settle(waiter, outcome)
        waiter.tell()

    def started(self) -> int:
        """A request that has entered begins; for adaptive limits."""
        assert self.adaptive is not None
        with self._lock:
            return self.adaptive.started(self._active)

    def answered(self, epoch: int, latency: float) -> None:
        """It was answered after so many seconds; for adaptive limits."""
        assert self.adaptive is not None
        with self._lock:
            if not self.adaptive.finished(epoch, latency, self.clock()):
                return
            self._limit = self.adaptive.limit
            admitted = self._admit()
        self._tell(admitted)

    def _admit(self) -> list[Waiter]:
        """Give free places to those who have waited longest. With the lock held."""
        admitted = []
        while self._waiting and self._active < self._limit:
            waiter, _ = self._waiting.popitem(last=False)
            self._settle(waiter, Outcome.ENTERED)
            self._active += 1
            admitted.append(waiter)
        return admitted

    def _settle(self, waiter: Waiter, outcome: Outcome) -> None:
        """A wait is over. With the lock held."""
        waiter.outcome = outcome
        self._counts[outcome] += 1
        self._waits += 1
        self._wait_seconds += self.clock() - waiter.since

    def _tell(self, admitted: list[Waiter]) -> None:
        """Tell those who have been admitted; the places of those who cannot be told go to the next."""
        while admitted:
            unreached = [waiter for waiter in admitted if not _reaches(waiter)]
            if not unreached:
                return
            with self._lock:
                self._active -= len(unreached)
                admitted = self._admit()


def _reaches(waiter: Waiter) -> bool:
    """Tell it on its loop; False when that was closed with the request on it."""
    if asyncio._get_running_loop() is waiter.loop:
        waiter.tell()
        return True
    try:
        waiter.loop.call_soon_threadsafe(waiter.tell)
    except RuntimeError:
        return False
    return True
