"""What a worker shows of itself to whoever watches over it, renewed once a tick and read from any thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.serving.http1_wire import Http1Wire

__all__ = ["Pulse"]

QUICK: Final = 0.25
"""Seconds between two beats once the end is waited for."""


class Pulse:
    """Counts nothing on the way of a request: connections count their own, and are asked now and then."""

    def __init__(self) -> None:
        self.beat = 0.0
        """When the loop last turned, by ``time.monotonic()``; 0 before the first turn."""
        self.requests_served = 0
        """Requests that have been begun, as of the last tick."""
        self._wire: Http1Wire | None = None
        self._quick: asyncio.TimerHandle | None = None

    def start(self, wire: Http1Wire, sweeper: DeadlineSweeper) -> None:
        """Begin to look at these, each time that the sweeper turns."""
        self._wire = wire
        self.expire(0.0)
        sweeper.add(self)

    def stop(self) -> None:
        """Count a last time what was served, and let go of it: whoever watches may keep this for long."""
        self.expire(0.0)
        self._wire = None

    def quicken(self, loop: asyncio.AbstractEventLoop) -> None:
        """Beat without the sweeper, until `rest`: whoever waits for the end looks closely, and has to see until then
        that the loop turns. In the loop's thread; safe to call again.
        """
        if self._quick is None:
            self._beat_quickly(loop)

    def rest(self) -> None:
        """The worker has ended, and its loop may go on without it."""
        if self._quick is not None:
            self._quick.cancel()

    def _beat_quickly(self, loop: asyncio.AbstractEventLoop) -> None:
        self.beat = time.monotonic()
        self._quick = loop.call_later(QUICK, self._beat_quickly, loop)

    @property
    def load(self) -> int:
        """Connections that are open."""
        wire = self._wire
        return len(wire.connections) if wire is not None else 0

    def expire(self, now: float) -> None:  # noqa: ARG002 - the sweeper's clock stands still while the loop is held up
        """A tick."""
        wire = self._wire
        if wire is not None:
            self.requests_served = wire.requests_of_closed + sum(one.requests for one in wire.connections)
        self.beat = time.monotonic()
