"""A connection whose application blocks: it can be waited for in the thread that serves it.

It is a `SocketTransport` with three differences. What it would ask of an event loop waits in its own `Turns`. Whether
it wants to read or to write is only noted; the kernel is asked when it is parked (`pounce_workers.net.parking`). And a
thread may wait on it: for bytes of a request, for room for an answer, for a file to be sent.

It belongs to one thread at a time: the parking thread, or the worker that serves it now. `cut` is for all.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import IO, TYPE_CHECKING, Any, Final, cast

from pounce_workers.net.deadlines import NEVER
from pounce_workers.net.descriptor_wait import wait_readable, wait_writable
from pounce_workers.net.lingering import Lingering
from pounce_workers.net.proxy_entrance import ProxyEntrance
from pounce_workers.net.readiness import READ, WRITE
from pounce_workers.net.tls_entrance import TlsEntrance
from pounce_workers.net.transport import SocketTransport
from pounce_workers.net.transport_ending import RESET_ON_CLOSE
from pounce_workers.net.turns import Turns
from pounce_workers.net.unsent_bound import lift_bound

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pounce_asgi import ConnectionProtocol
    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.net.parking import ParkingLot
    from pounce_workers.net.poller import Watcher

__all__ = ["BlockingTransport"]

CUT_NOTICE: Final = 0.1
"""Seconds until a thread that waits for room notices that its connection was cut off."""


class _Interest:
    """The `Poller` of one transport: notes what it wants to hear of."""

    __slots__ = ("_lot", "mask")

    def __init__(self, lot: ParkingLot) -> None:
        self._lot = lot
        self.mask = 0

    def watch(self, fd: int, watcher: Watcher) -> None:  # noqa: ARG002
        """Begin, with reading."""
        self.mask = READ

    def change(self, fd: int, *, readable: bool, writable: bool) -> None:  # noqa: ARG002
        """Want something else."""
        self.mask = (READ if readable else 0) | (WRITE if writable else 0)

    def forget(self, fd: int) -> None:
        """The descriptor is about to be closed, or to go elsewhere."""
        self._lot.forget(fd)


class BlockingTransport(SocketTransport):
    """The `pounce_asgi.contracts.Transport` of blocking workers."""

    __slots__ = ("_cut", "_interest", "_lot", "gathers", "parked", "turns")

    def __init__(
        self,
        sock: socket.socket,
        lot: ParkingLot,
        *,
        peer: tuple[str, int] | None,
        local: tuple[str, int | None] | None,
        write_stall: float,
    ) -> None:
        """``sock`` is connected and non-blocking; ``write_stall`` is in seconds."""
        self.turns = Turns()
        """What the protocol has still to do, and the loop that stands in ``wire.loop`` while it is served."""
        self.parked = False
        """The parking thread has it. Changed under the lot's lock."""
        self.gathers = False
        """A request waits for its body: the parking thread reads it, and a turn tells when it is enough."""
        self._cut = False
        self._lot = lot
        self._interest = _Interest(lot)
        super().__init__(
            sock,
            loop=cast("asyncio.AbstractEventLoop", self.turns),
            poller=self._interest,
            sweeper=cast("DeadlineSweeper", lot.clock),
            peer=peer,
            local=local,
            write_stall=write_stall,
        )

    def put_off(self, data: bytes, /) -> None:
        """Nobody else waits for the thread that has it."""
        self.deliver(data)

    def _go_on(self) -> None:
        self._tell_of_room()  # the same

    def start(self, factory: Callable[[Any], ConnectionProtocol]) -> None:
        """Make the protocol. Nothing is read before the transport is parked."""
        self._reads = True
        lift_bound(self._sock.setsockopt)  # what the kernel takes frees the thread
        self.protocol = factory(self)
        self.deliver = self.protocol.data_received
        self._watched = self._readable = True
        self._interest.mask = READ
        if getattr(self._sock, "rewound", False):
            self.turns.call_soon(self._read_again)

    # -- for whoever has it ------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> int:
        """What it wants to hear of: READ, WRITE, both or neither."""
        return self._interest.mask

    @property
    def lost(self) -> bool:
        """The socket is closed. The protocol knows, or will after the next turn."""
        return self._lost

    @property
    def lingering(self) -> bool:
        """The answer is out, and what the client still sends is dropped."""
        return isinstance(self.protocol, Lingering)

    @property
    def entering(self) -> bool:
        """Its TLS handshake goes on, or its proxy has not said yet whose it is."""
        return isinstance(self.protocol, TlsEntrance | ProxyEntrance)

    @property
    def sending(self) -> bool:
        """A part of an answer waits for the client to read."""
        return bool(self._queue)

    @property
    def due(self) -> float:
        """When `expire` has something to do, on the clock of `time.monotonic`."""
        return min(self.deadline, self._write_deadline)

    def readable(self) -> bool:
        """Whether the client has sent something, or its end, that nobody has read yet."""
        return wait_readable(self._sock.fileno(), 0)

    def release(self) -> socket.socket:
        """Let go of the socket and leave it open, for somebody else. Only while nothing is read or waits to be sent."""
        self._lost = self.closing = True
        self._watched = False
        self._interest.forget(self._sock.fileno())
        self.protocol.connection_lost(None)
        return self._sock

    # -- for the thread that serves it -------------------------------------------------------------------------------

    def receive(self, stall: float) -> bool:
        """Wait for bytes, and hand them to the protocol; or the end, a lost connection, or ``stall`` seconds without
        anything, after which its deadline has expired. Returns whether there can be more.
        """
        self.turns.run()
        if self.closing:
            return False
        self.resume_reading()
        end = time.monotonic() + stall
        while True:
            data = self.on_readable()
            if data is not None:
                self.deliver(data)
                return not self.closing
            if self._lost or self._paused:
                return False  # lost, or at its end: the protocol has been told
            if not wait_readable(self._sock.fileno(), end - time.monotonic()):
                self.deadline = NEVER
                self.protocol.deadline_expired()
                return False

    def await_room(self) -> None:
        """Wait until the client has read enough for the application to go on, or is gone, or has stalled too long."""
        while self.congested and not self._lost:
            self._send_more()
        if self._lost:
            self.turns.run()  # tells the protocol

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> asyncio.Future[int]:
        """Send a range of a regular file after what was written. The result is there when this returns."""
        done = super().sendfile(file, offset, count)
        while not done.done() and not self._lost:
            self._send_more()
        return done

    def _send_more(self) -> None:
        # Nobody reads meanwhile, so no deadline of the request's counts, only that of the answer.
        self.deadline = NEVER
        left = self._write_deadline - time.monotonic()
        if wait_writable(self._sock.fileno(), min(left, CUT_NOTICE)):
            self.on_writable()
        elif self._cut:
            self.abort()
        else:
            self.expire(time.monotonic())

    def deliver_later(self, data: bytes) -> None:
        """These bytes are for the application, and so for a worker."""
        self.turns.call_soon(lambda: self.deliver(data))

    def _read_again(self) -> None:
        """Bytes were put back into the socket, of which the kernel knows nothing."""
        data = self.on_readable()
        if data is not None:
            self.deliver(data)

    # -- from any thread ---------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Whoever waits for the client is to wait no longer. What is not sent when the socket is closed ends in a
        reset: a response that is cut off must not look whole.
        """
        with self._lot.ending, contextlib.suppress(OSError):
            if not self._lost:
                self._cut = True
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                self._sock.shutdown(socket.SHUT_RD)

    def _release(self, error: OSError | None, *, reset: bool) -> None:
        with self._lot.ending:  # or `cut` could reach the next owner of the descriptor
            super()._release(error, reset=reset)
