"""Deadlines of many connections on one coarse tick, instead of a timer for each.

Setting a deadline is a store of a float. Once a tick all connections are looked at; ten thousand take about a
millisecond. A deadline is never early and at most two ticks late.

Time in which the loop was held up, by an application that blocks, does not count: the server did not listen meanwhile.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from pounce_workers.settings import WorkerSettings

__all__ = ["NEVER", "DeadlineSweeper", "tick_for", "tick_of"]

NEVER: Final = float("inf")

LONGEST_TICK: Final = 1.0
SHORTEST_TICK: Final = 0.02


class Expiring(Protocol):
    """Something with deadlines."""

    def expire(self, now: float) -> None:
        """Act on every deadline that is at or before ``now``."""


def tick_for(timeouts: Iterable[float]) -> float:
    """A tick in seconds that suits the shortest of the timeouts: a quarter of it, within 0.02 and 1."""
    return max(SHORTEST_TICK, min(LONGEST_TICK, min(timeouts) / 4))


def tick_of(settings: WorkerSettings) -> float:
    """The tick of a worker, in seconds. Its pulse beats with it, and must not look like a stall."""
    return tick_for(
        (
            settings.timeout_keep_alive,
            settings.timeout_request_head,
            settings.timeout_body_stall,
            settings.timeout_write_stall,
            settings.worker_stall_timeout,
        )
    )


class DeadlineSweeper:
    """Looks at the deadlines of everything that was added. Owned by one loop's thread."""

    __slots__ = ("_clock", "_handle", "_loop", "_members", "_tick", "_turned", "soon")

    def __init__(self, loop: asyncio.AbstractEventLoop, tick: float) -> None:
        self._loop = loop
        self._tick = tick
        self._members: set[Expiring] = set()
        self._handle: asyncio.TimerHandle | None = None
        self._clock = self._turned = time.monotonic()
        # Until the next turn `_clock` grows older by up to a tick; added here, so that no deadline comes early.
        self.soon = self._clock + tick
        """The moment from which deadlines count: ``soon + timeout`` is never early. Advances once a tick."""

    def start(self) -> None:
        """Begin to tick."""
        self._turn()

    def stop(self) -> None:
        """Stop ticking; deadlines no longer expire."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    @property
    def timer(self) -> asyncio.TimerHandle | None:
        """Its own timer in the loop; None while it does not tick."""
        return self._handle

    def add(self, member: Expiring) -> None:
        """Look at this member from now on."""
        self._members.add(member)

    def remove(self, member: Expiring) -> None:
        """Look at it no longer; nothing happens if it was not there."""
        self._members.discard(member)

    def _turn(self) -> None:
        now = time.monotonic()
        # A turn that comes late moves the clock by no more than a tick: whoever set a deadline since the last one
        # reckoned with that, and would be cut short otherwise.
        clock = self._clock = self._clock + min(now - self._turned, self._tick)
        self._turned = now
        self.soon = clock + self._tick
        self._handle = self._loop.call_later(self._tick, self._turn)
        for member in tuple(self._members):
            member.expire(clock)
