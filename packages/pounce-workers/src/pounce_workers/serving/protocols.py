"""The protocols beside HTTP/1.1 that a worker may speak: made by other packages, chosen by whoever makes the worker."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import ExchangeContext, Peer, RequestHead, ServedConnection, Transport, WebSocketCarrier, WireHost
    from pounce_asgi.datagrams import DatagramEndpointMaker
    from pounce_workers.net.tls_contexts import TlsContexts
    from pounce_workers.settings import ServingSettings

__all__ = ["Http2Maker", "Protocols", "WebSocketConnection", "WebSocketMaker"]


class WebSocketConnection(Protocol):
    """A WebSocket, as what carries it sees it. While its handshake is open it stands where an exchange would."""

    def start(self) -> None:
        """Call the application."""

    def data_received(self, data: bytes, /) -> None:
        """Bytes arrived, after the handshake."""

    def eof_received(self) -> None:
        """The client will send no more."""

    def writable(self) -> None:
        """The carrier is no longer congested."""

    def connection_lost(self, error: OSError | None, /) -> None:
        """The carrier is gone."""

    def begin_drain(self) -> None:
        """The server stops, or another worker takes over: tell the client to come back (RFC 6455, 7.4.1 and 1012)."""


class WebSocketMaker(Protocol):
    """Makes the WebSockets of one loop."""

    def handshake(self, head: RequestHead, /) -> Any:
        """Judge a handshake.

        Raises:
            RequestError: it is not one; the answer is its status.
        """

    def connect(
        self,
        carrier: WebSocketCarrier[Any],
        head: RequestHead,
        peer: Peer,
        context: ExchangeContext[Any],
        handshake: Any,
    ) -> WebSocketConnection:
        """A WebSocket of which the client has asked; the application decides."""


class Http2Maker(Protocol):
    """Makes the HTTP/2 connections of one loop."""

    def connect(self, transport: Transport, peer: Peer, *, refusal: str | None = None) -> ServedConnection:
        """A connection whose preface is still to come. With a ``refusal`` each request is answered 503."""

    def upgrade(
        self,
        transport: Transport,
        peer: Peer,
        head: RequestHead,
        settings_payload: bytes,
        *,
        refusal: str | None = None,
    ) -> ServedConnection:
        """A connection whose first request came over HTTP/1.1 (RFC 7540, 3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocols:
    """What makes the other protocols in each loop; None for one that is not spoken."""

    websocket: Callable[[WireHost], WebSocketMaker] | None = None
    http2: Callable[[WireHost, WebSocketMaker | None], Http2Maker] | None = None
    http2_upgrade: bool = False
    """Whether ``Upgrade: h2c`` is followed in the clear (RFC 7540, 3.2; RFC 9113, 3.1 has given it up), by workers with
    an event loop. Where it is not, such a request is an ordinary one."""
    http3: DatagramEndpointMaker | None = None
    """Over the UDP sockets of a worker that has any."""
    alt_svc: str | None = None
    """What clients of the other versions are told of HTTP/3, as the value of Alt-Svc (RFC 7838, 3)."""
    tls: TlsContexts | None = None
    """With these all connections are over TLS."""
    trusts_proxy: Callable[[str | None], bool] | None = None
    """With it every connection begins with a PROXY header; whether that of a peer counts, by its address, which is None
    over a UNIX socket."""
    handshake_timeout: float = 10.0
    """Longest time in all for a TLS handshake, in seconds."""
    websocket_missing: str | None = None
    """What to say in the log, and answer 501, when a client asks for a WebSocket and there is no ``websocket``. With
    neither its request is an ordinary one."""

    @property
    def beside_http1(self) -> bool:
        """Whether anything is to be done about a client that speaks, or asks for, another protocol."""
        return not (self.websocket is None and self.http2 is None and self.websocket_missing is None)

    def announced_in(self, settings: ServingSettings) -> ServingSettings:
        """The settings for HTTP/1.1 and HTTP/2: with a field that tells of HTTP/3, where that is spoken."""
        if self.alt_svc is None:
            return settings
        header = (*settings.exchange.header, ("alt-svc", self.alt_svc))
        return dataclasses.replace(settings, exchange=dataclasses.replace(settings.exchange, header=header))
