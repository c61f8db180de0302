"""How a connection over a plain socket ends: closed when all is sent, lingering, lost, reset, or given away.

The protocol is told once, and never in the midst of a write. From then on it is not kept here, and late events find
nobody. Reading and sending are in `pounce_workers.net.transport`.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from pounce_workers.net.deadlines import NEVER
from pounce_workers.net.lingering import LINGER_SECONDS, Lingering

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pounce_asgi import ConnectionProtocol
    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.net.poller import Poller
    from pounce_workers.net.send_queue import SendQueue

__all__ = ["RESET_ON_CLOSE", "TransportEnding"]

RESET_ON_CLOSE: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""A linger time of zero, as `socket.SO_LINGER` takes it."""


class TransportEnding(ABC):
    """What there is to let go of, and in which order. Owned by the loop's thread, as the transport is."""

    __slots__ = (
        "_loop",
        "_lost",
        "_paused",
        "_poller",
        "_queue",
        "_sock",
        "_sweeper",
        "_watched",
        "_write_deadline",
        "closing",
        "congested",
        "deadline",
        "deliver",
        "protocol",
    )

    def __init__(
        self, sock: socket.socket, *, loop: asyncio.AbstractEventLoop, poller: Poller, sweeper: DeadlineSweeper
    ) -> None:
        self._sock = sock
        self._loop = loop
        self._poller = poller
        self._sweeper = sweeper
        self._queue: SendQueue | None = None  # most connections never need one
        self._paused = False
        self._watched = False
        """The poller knows of it."""
        self._lost = False
        self._write_deadline = NEVER
        self.protocol: ConnectionProtocol
        self.deliver: Callable[[bytes], None]
        """The protocol's ``data_received``."""
        self.deadline = NEVER
        self.congested = False
        self.closing = False

    # -- what the transport does -------------------------------------------------------------------------------------

    @abstractmethod
    def expire(self, now: float) -> None:
        """Act on deadlines that have passed."""

    @abstractmethod
    def resume_reading(self) -> None:
        """Read again."""

    # -- called by the protocol --------------------------------------------------------------------------------------

    def close(self, *, linger: bool = False) -> None:
        """Send what waits, then close; see `pounce_asgi.contracts.Transport.close`. Nothing is read any more."""
        if self.closing:
            return
        self.closing = True
        self.deadline = NEVER
        if linger:
            self.protocol = Lingering(self, self.protocol)
            self.deliver = self.protocol.data_received
        else:
            self._paused = True
            self.deliver = _drop
        if not self._queue:
            self._finish_close()

    def detach(self) -> socket.socket:
        """Give the socket away, as it is; only while nothing waits to be sent. To the protocol it is an orderly end."""
        self._let_go()
        self.protocol.connection_lost(None)
        return self._sock

    def abort(self) -> None:
        """Reset the connection. The protocol hears of it in the next turn of the loop."""
        self._lose_soon(ConnectionAbortedError("the connection was aborted"), reset=True)

    def finish_lingering(self) -> None:
        """The client has closed its side too. While some of its answer still waits, that is no sign that it has it."""
        if self._queue and isinstance(self.protocol, Lingering):
            self.protocol = self.protocol.protocol
        else:
            self._lose(None)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _finish_close(self) -> None:
        """Everything is sent: shut down, or wait for the client to do so first."""
        if not isinstance(self.protocol, Lingering):
            self._lose(None)
            return
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._lose(error)
        else:
            self.deadline = self._sweeper.soon + LINGER_SECONDS
            self.resume_reading()

    def _lose_soon(self, error: OSError, *, reset: bool = False) -> None:
        """The connection is lost while the protocol is writing: tell it when it is done with that."""
        if not self._lost:
            self._release(error, reset=reset)
            # Whoever goes on writing has to wait, and so lets the loop come to the call: one that streams without end
            # would hold up the whole loop otherwise, and never hear of it.
            self.congested = True
            self._loop.call_soon(self._tell_of_loss, error)

    def _tell_of_loss(self, error: OSError | None) -> None:
        # It may be another one than when the connection was lost.
        protocol, self.protocol = self.protocol, GONE
        protocol.connection_lost(error)

    def _lose(self, error: OSError | None, *, reset: bool = False) -> None:
        if not self._lost:
            self._release(error, reset=reset)
            self._tell_of_loss(error)

    def _let_go(self) -> None:
        """Nothing happens here any more. Late events find ``_lost`` set, and bytes that were read before nobody."""
        self._lost = self.closing = True
        self.deliver = _drop
        self.deadline = self._write_deadline = NEVER
        self._sweeper.remove(self)
        if self._watched:
            self._watched = False
            self._poller.forget(self._sock.fileno())

    def _release(self, error: OSError | None, *, reset: bool) -> None:
        """Give the socket back."""
        self._let_go()
        if self._queue:
            self._queue.fail(error or ConnectionAbortedError("the connection was closed"))
        if reset:
            # A linger time of zero: close() sends a reset, and the client can tell that something is missing. Where
            # it cannot be set (not TCP, or already gone) the plain close will do.
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._sock.close()


class _Gone:
    """What stands for the protocol of a lost connection: with the protocol in its place the two would keep each other,
    and all that is theirs, until the garbage collector comes.
    """

    idle = True

    def data_received(self, data: bytes) -> None:
        """Nobody hears it."""

    def connection_lost(self, error: OSError | None) -> None:
        """It was told."""

    def _nothing(self) -> None:
        """Nobody is there."""

    eof_received = writable = deadline_expired = begin_drain = _nothing


GONE: Final = _Gone()


def _drop(_data: bytes) -> None:
    """Bytes that were read before the connection ended, and come after it."""
