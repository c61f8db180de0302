"""What an endpoint asks of those who made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pounce_asgi import Peer

__all__ = ["Http3Maker", "Refusals", "Refused"]


class Refused(Protocol):
    """Told why a client has no connection, as the lifecycle records name it."""

    def __call__(
        self, client: tuple[str, int] | None, reason: str, error: Exception | None, protocol: str, /
    ) -> object:
        """``reason``: see `pounce_asgi.ConnectionRefused`."""


class Refusals:
    """Tells of clients that never had a connection, if anybody wants to know."""

    def __init__(self, refused: Refused | None, protocol: str) -> None:
        self._refused = refused
        self._protocol = protocol

    def never_came(self, client: tuple[str, int] | None, error: OSError | None, *, stopping: bool) -> None:
        """Its connection was over before the client had shown itself."""
        late = isinstance(error, TimeoutError)
        ours = error is None and stopping
        self._tell(client, "ssl_handshake_timeout" if late else "stopping" if ours else "tls_handshake", error)

    def full(self, client: tuple[str, int]) -> None:
        """There was no room for it."""
        self._tell(client, "quic_max_connections", None)

    def _tell(self, client: tuple[str, int] | None, reason: str, error: OSError | None) -> None:
        if self._refused is not None:
            self._refused(client, reason, error, self._protocol)


class Http3Maker(Protocol):
    """Makes the HTTP/3 connections of one loop: `pounce_h3.Http3Wire`."""

    def connect(self, quic: Any, transport: Any, peer: Peer, *, refusal: str | None = None) -> Any:
        """A connection, which is `ServedConnection` and `QuicUser`."""
