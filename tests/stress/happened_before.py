"""What happened before what, as far as threads make sure of it: vector clocks (Lamport 1978; Fidge 1988).

Whoever lets go of a lock, sets an event, puts something into a queue, starts a thread, ends as one, or has a loop call
something, has done all that he did before whatever comes after on the other side. The standard library's means to this
are replaced by ones that carry clocks, for the whole process and for good; locks are shown by the source that enters
them (`tests.stress.written_source`).
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clocks", "Here"]

Clock = dict[int, int]
"""Of each thread, up to where its past is known."""


class Here(threading.local):
    """What the thread that looks knows of itself."""

    def __init__(self, numbers: itertools.count[int]) -> None:
        self.number: Final = next(numbers)
        """Not the system's: that gives the number of a thread that has ended to another."""
        self.clock: Clock = {self.number: 1}
        self.locks: list[int] = []
        """Those it holds, by identity."""


class Clocks:
    """The clocks of a process. Any thread uses it."""

    def __init__(self) -> None:
        self.here = Here(itertools.count())
        # Reentrant: a signal handler may interrupt the thread that holds it.
        self.lock = threading.RLock()
        self._left: dict[int, Clock] = {}
        """What was known at the last time that somebody let go of these."""

    def leave(self, one: object) -> None:
        """This thread lets go of something: a lock, an event."""
        with self.lock:
            _join(self._left.setdefault(_identity(one), {}), self.send())

    def meet(self, one: object) -> None:
        """This thread has got something that others have let go of."""
        with self.lock:
            _join(self.here.clock, self._left.get(_identity(one), {}))

    def send(self) -> Clock:
        """What this thread knows, to go with something; what it does from now on is not known by that."""
        here = self.here
        known = here.clock.copy()
        here.clock[here.number] += 1
        return known

    def receive(self, known: Clock) -> None:
        """Something has come with this."""
        _join(self.here.clock, known)

    def is_known(self, thread: int, time: int) -> bool:
        """Whether what that thread did then has happened before now."""
        return self.here.clock.get(thread, 0) >= time

    def install(self) -> None:
        """Let the standard library carry clocks from now on."""
        _carry_by_conditions(self)
        _carry_by_events(self)
        _carry_by_threads(self)
        _carry_by_queues(self)
        _carry_by_loops(self)


def _identity(one: object) -> int:
    # That of the lock below, which other conditions may have too.
    return id(getattr(one, "_lock", one)) if isinstance(one, threading.Condition) else id(one)


def _join(known: Clock, other: Clock) -> None:
    for thread, time in other.items():
        if known.get(thread, 0) < time:
            known[thread] = time


def _carry_by_conditions(clocks: Clocks) -> None:
    wait = threading.Condition.wait

    def waits(self: threading.Condition, timeout: float | None = None) -> bool:
        clocks.leave(self)
        try:
            return wait(self, timeout)
        finally:
            clocks.meet(self)

    threading.Condition.wait = waits  # type: ignore[method-assign]


def _carry_by_events(clocks: Clocks) -> None:
    set_, wait, is_set = threading.Event.set, threading.Event.wait, threading.Event.is_set

    def sets(self: threading.Event) -> None:
        clocks.leave(self)
        set_(self)

    def waits(self: threading.Event, timeout: float | None = None) -> bool:
        came = wait(self, timeout)
        if came:
            clocks.meet(self)
        return came

    def looks(self: threading.Event) -> bool:
        came = is_set(self)
        if came:
            clocks.meet(self)
        return came

    threading.Event.set = sets  # type: ignore[method-assign]
    threading.Event.wait = waits  # type: ignore[method-assign]
    threading.Event.is_set = looks  # type: ignore[method-assign]


def _carry_by_threads(clocks: Clocks) -> None:
    start, run, join, is_alive = (getattr(threading.Thread, name) for name in ("start", "run", "join", "is_alive"))

    def starts(self: threading.Thread) -> None:
        clocks.leave(self)
        start(self)

    def runs(self: threading.Thread) -> None:
        clocks.meet(self)
        try:
            run(self)
        finally:
            clocks.leave(self)

    def joins(self: threading.Thread, timeout: float | None = None) -> None:
        join(self, timeout)
        if not is_alive(self):
            clocks.meet(self)

    def lives(self: threading.Thread) -> bool:
        alive = bool(is_alive(self))
        if not alive:
            clocks.meet(self)
        return alive

    threading.Thread.start = starts  # type: ignore[method-assign]
    threading.Thread.run = runs  # type: ignore[method-assign]
    threading.Thread.join = joins  # type: ignore[method-assign]
    threading.Thread.is_alive = lives  # type: ignore[method-assign]


def _carry_by_queues(clocks: Clocks) -> None:
    class CarryingQueue(queue.SimpleQueue):  # type: ignore[type-arg]
        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            super().put((clocks.send(), item), block, timeout)

        def put_nowait(self, item: Any) -> None:
            self.put(item)

        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            known, item = super().get(block, timeout)
            clocks.receive(known)
            return item

        def get_nowait(self) -> Any:
            return self.get(False)

    queue.SimpleQueue = CarryingQueue  # type: ignore[misc]


def _carry_by_loops(clocks: Clocks) -> None:
    call = asyncio.BaseEventLoop.call_soon_threadsafe

    def calls(self: asyncio.BaseEventLoop, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        known = clocks.send()

        def called(*args: Any) -> Any:
            clocks.receive(known)
            return callback(*args)

        return call(self, called, *args, context=context)

    asyncio.BaseEventLoop.call_soon_threadsafe = calls  # type: ignore[method-assign,assignment]
