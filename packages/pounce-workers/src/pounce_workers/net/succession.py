"""A connection whose protocol is just being changed: its end may come before there is a successor to hear of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_workers.net.lingering import Lingering

if TYPE_CHECKING:
    from pounce_asgi import ConnectionProtocol
    from pounce_workers.net.transport import SocketTransport

__all__ = ["Succession"]


class Succession:
    """The protocol of a transport between two others. Make it, make the successor, then call `complete`."""

    __slots__ = ("_lost", "_transport")

    idle = False
    """Something is under way."""

    def __init__(self, transport: SocketTransport) -> None:
        self._transport = transport
        self._lost: tuple[OSError | None] | None = None
        transport.protocol = self
        transport.deliver = self.data_received

    def complete(self, successor: ConnectionProtocol) -> bool:
        """The successor has the connection from now on, or hears at once that it is over. False: it gets no bytes."""
        transport = self._transport
        if self._lost is not None:
            successor.connection_lost(*self._lost)
            return False
        if isinstance(transport.protocol, Lingering):
            transport.protocol.protocol = successor
        else:
            transport.protocol = successor
        if transport.closing:
            return False
        transport.deliver = successor.data_received
        return True

    # -- ConnectionProtocol, for a moment in which nothing is read ---------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Nothing is read meanwhile."""
        raise RuntimeError(f"{len(data)} bytes came while a connection changed its protocol")

    def eof_received(self) -> None:
        """Nothing is read meanwhile."""

    def writable(self) -> None:
        """Nobody has been told that there is no room."""

    def connection_lost(self, error: OSError | None) -> None:
        """Kept for the successor."""
        self._lost = (error,)

    def deadline_expired(self) -> None:
        """Nothing waits meanwhile."""

    def begin_drain(self) -> None:
        """The successor sees that the server stops."""
