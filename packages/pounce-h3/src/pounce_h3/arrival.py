"""A client whose connection has begun, and who may not be there at all: anybody can send an Initial from any address.

Until the client has shown itself, its host hears nothing of it: it takes none of the places that a server has for
connections, is not counted, and its end is nobody's. What it costs is bounded by `quic_max_connections` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_h3.quic import ConnectionEnd
    from pounce_h3.transport import QuicTransport

__all__ = ["Arrival"]

_TOLD: Final = (
    "take_turn",
    "handshake_done",
    "stream_received",
    "stream_reset",
    "sending_stopped",
    "backlog_fell",
    "connection_ended",
)
"""What a `QuicUser` is told."""


class Arrival:
    """The `QuicUser` of an engine: admits the client before the first thing is told, and makes way for its connection.

    That is when the handshake is complete (RFC 9000, 8.1), or with the first of its early data, which is a request
    that wants an answer and so a connection. Early data proves no address by itself. But whoever sends some has a
    ticket, for which it made a handshake before, and a ticket is good for one connection: to take places from
    addresses that are not one's own costs as many true handshakes. Early data is off unless asked for, and with
    `quic_retry` "always" all addresses are proven before.
    """

    def __init__(self, transport: QuicTransport, admit: Callable[[QuicTransport], Any]) -> None:
        """``admit``: makes the connection, and tells the host of it."""
        self.transport = transport
        self._admit = admit

    def _connection(self) -> Any:
        connection = self._admit(self.transport)
        # From now on its methods are this object's: the engine finds them without a step between. Hot path.
        vars(self).update((name, getattr(connection, name)) for name in _TOLD)
        return connection

    def take_turn(self) -> bool:
        """Nothing is left from before."""
        return False

    def handshake_done(self) -> None:
        """The client is there."""
        self._connection().handshake_done()

    def stream_received(self, stream_id: int, data: bytes, ended: bool) -> bool:
        """Early data."""
        makes_way: bool = self._connection().stream_received(stream_id, data, ended)
        return makes_way

    def stream_reset(self, stream_id: int, code: int) -> bool:
        """A request in early data was given up."""
        makes_way: bool = self._connection().stream_reset(stream_id, code)
        return makes_way

    def sending_stopped(self, stream_id: int, code: int) -> bool:
        """The answer to a request in early data is not wanted."""
        makes_way: bool = self._connection().sending_stopped(stream_id, code)
        return makes_way

    def backlog_fell(self, stream_id: int) -> None:
        """Never: nothing was sent."""

    def connection_ended(self, end: ConnectionEnd) -> None:  # noqa: ARG002 - nobody asks why
        """The client has gone before it came."""
        self.transport.lost(None)
