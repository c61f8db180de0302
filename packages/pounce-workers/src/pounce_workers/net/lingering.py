"""The end of a connection whose client is still sending: it must read our answer before the socket is gone.

A socket that is closed while bytes wait in it is reset, and the reset overtakes the answer (RFC 9112, 9.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from pounce_asgi import ConnectionProtocol

__all__ = ["LINGER_SECONDS", "Lingering"]

LINGER_BYTES: Final = 1 << 20
LINGER_SECONDS: Final = 5.0
"""What a client may still send after our answer, and for how long, before the connection is reset (RFC 9112, 9.6)."""


class LingeringTransport(Protocol):
    """What is needed of a transport here."""

    def abort(self) -> None:
        """Reset the connection."""

    def finish_lingering(self) -> None:
        """The client has closed its side too."""


class Lingering:
    """Takes the protocol's place after our last byte: reads and drops what the client still sends, within bounds."""

    __slots__ = ("_dropped", "_transport", "protocol")

    def __init__(self, transport: LingeringTransport, protocol: ConnectionProtocol) -> None:
        self._transport = transport
        self.protocol = protocol
        self._dropped = 0

    @property
    def idle(self) -> bool:
        """Closing now may cost the client its answer."""
        return False

    def data_received(self, data: bytes) -> None:
        """Drop it."""
        self._dropped += len(data)
        if self._dropped > LINGER_BYTES:
            self._transport.abort()

    def eof_received(self) -> None:
        """The client has closed: it has its answer."""
        self._transport.finish_lingering()

    def writable(self) -> None:
        """Nothing waits to be written but the last answer."""

    def deadline_expired(self) -> None:
        """It goes on sending: reset."""
        self._transport.abort()

    def begin_drain(self) -> None:
        """It is closing already."""

    def connection_lost(self, error: OSError | None) -> None:
        """Tell the protocol at last."""
        self.protocol.connection_lost(error)
