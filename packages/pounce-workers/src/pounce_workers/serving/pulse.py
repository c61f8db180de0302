"""What a worker shows of itself to whoever watches over it, renewed once a tick and read from any thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.serving.http1_wire import Http1Wire

__all__ = ["Pulse"]


class Pulse:
    """Counts nothing on the way of a request: connections count their own, and are asked now and then."""

    def __init__(self) -> None:
        self.beat = 0.0
        """When the loop last turned, by ``time.monotonic()``; 0 before the first turn."""
        self.requests_served = 0
        """Requests that have been begun, as of the last tick."""
        self._wire: Http1Wire | None = None

    def start(self, wire: Http1Wire, sweeper: DeadlineSweeper) -> None:
        """Begin to look at these, each time that the sweeper turns."""
        self._wire = wire
        self.expire(0.0)
        sweeper.add(self)

    def stop(self) -> None:
        """Count a last time what was served, and let go of it: whoever watches may keep this for long."""
        self.expire(0.0)
        self._wire = None

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
