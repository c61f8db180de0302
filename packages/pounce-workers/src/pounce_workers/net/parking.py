"""Where connections of blocking workers wait: between requests, for the rest of a head, for a client that reads slowly,
for one that is still sending its body, or after its answer. None of them owns a thread.

All wait in one set of descriptors with their deadlines. One thread looks at it. What needs no application is done
there: sending what waits, gathering the body of a request, dropping what nobody wants, closing, 408. A connection with
something else to read is handed to a worker; no thread but the worker's touches it until it is parked again.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pounce_workers.net.one_shot import OneShot, new_one_shot
from pounce_workers.net.readiness import HANG_UP, READ, WRITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pounce_workers.net.blocking_transport import BlockingTransport

__all__ = ["Attendant", "ParkingLot"]

logger = logging.getLogger("pounce.worker")


class Attendant(Protocol):
    """Whoever runs the parking thread."""

    def attend(self, transport: BlockingTransport, /) -> None:
        """The parking thread is about to call this connection's protocol."""

    def ready(self, transport: BlockingTransport, /) -> None:
        """It has something to read, or turns to run: a worker is wanted. Nobody else has it now."""


class _Clock:
    """In place of a `DeadlineSweeper`: nothing holds the parking thread up, so deadlines count from now."""

    __slots__ = ()

    @property
    def soon(self) -> float:
        return time.monotonic()

    def add(self, member: object) -> None:
        """The lot knows who is parked."""

    def remove(self, member: object) -> None:
        """And who is not."""


class ParkingLot:
    """Connections that wait. `park`, `forget` and `wake` are for every thread, the rest for the parking thread."""

    def __init__(self, attendant: Attendant, shots: OneShot | None = None) -> None:
        self._attendant = attendant
        self._shots = shots or new_one_shot()
        # Held while a connection changes hands and while its descriptor is armed or forgotten.
        self._lock = threading.Lock()
        self._members: dict[int, BlockingTransport] = {}
        self._closed = False
        self.clock = _Clock()
        self.ending = threading.Lock()
        """Held while a socket of this lot is closed, or shut down by a thread that does not have it."""

    # -- from any thread ---------------------------------------------------------------------------------------------

    def park(self, transport: BlockingTransport) -> None:
        """Give it to the parking thread. When that has ended, so does the connection."""
        fd = transport.fd
        with self._lock:
            if not self._closed:
                transport.parked = True
                if fd in self._members:
                    self._shots.arm(fd, transport.wanted)
                else:
                    self._members[fd] = transport
                    self._shots.add(fd, transport.wanted)
                return
        transport.abort()
        transport.turns.run()

    def forget(self, fd: int) -> None:
        """A descriptor is about to be closed, or to go elsewhere."""
        with self._lock:
            if self._members.pop(fd, None) is not None and not self._closed:
                self._shots.forget(fd)

    def wake(self) -> None:
        """Let `turn` return soon."""
        self._shots.wake()

    # -- in the parking thread ---------------------------------------------------------------------------------------

    def turn(self, timeout: float) -> None:
        """Wait for so many seconds at most, and deal with what happens."""
        for fd, mask in self._shots.wait(timeout):
            transport = self._members.get(fd)
            if transport is not None and self.claim(transport):
                self._happened(transport, mask)

    def expire(self, now: float) -> None:
        """Act on the deadlines that have passed."""
        for transport in self.members():
            if transport.parked and transport.due <= now and self.claim(transport):
                self.guarded(transport, partial(transport.expire, now))

    def members(self) -> Iterable[BlockingTransport]:
        """All connections, whoever has them. For a look: `claim` those that something is to be done with."""
        with self._lock:
            return tuple(self._members.values())

    def claim(self, transport: BlockingTransport) -> bool:
        """Take a parked connection. False: a worker has it."""
        with self._lock:
            claimed, transport.parked = transport.parked, False
        return claimed

    def settle(self, transport: BlockingTransport) -> None:
        """After something was done with a claimed connection: park it, unless it is over or wants a worker."""
        if transport.lost:
            transport.turns.run()
        elif transport.turns:
            self._attendant.ready(transport)
        else:
            self.park(transport)

    def guarded(self, transport: BlockingTransport, action: Callable[[], None]) -> None:
        """Do something with a claimed connection; whatever comes of it, the others must not suffer."""
        try:
            self._attendant.attend(transport)
            action()
        except Exception:
            logger.exception("An HTTP connection failed in an unforeseen way")
            transport.abort()
        try:
            self.settle(transport)
        except Exception:
            logger.exception("An HTTP connection failed in an unforeseen way")

    def close(self) -> None:
        """The parking thread ends, and has left nobody behind."""
        with self._lock:
            self._closed = True
            self._shots.close()

    def _happened(self, transport: BlockingTransport, mask: int) -> None:
        here = transport.gathers or transport.lingering or transport.entering
        if mask & READ and transport.wanted & READ and not here and not mask & WRITE:
            self._attendant.ready(transport)
        elif mask & WRITE:
            self.guarded(transport, transport.on_writable)  # should it be readable too, it will be reported again
        elif mask & READ:
            self.guarded(transport, partial(_read, transport))
        elif mask & HANG_UP:
            self.guarded(transport, transport.on_hang_up)


def _read(transport: BlockingTransport) -> None:
    """A client sends its body; or goes on sending after its answer, or while it is not listened to; or it shakes hands,
    of which no worker is to know before it brings a request.
    """
    entering = transport.entering
    data = transport.on_readable()
    if data is None:
        return
    if entering and not transport.entering:
        transport.deliver_later(data)
    else:
        transport.deliver(data)
