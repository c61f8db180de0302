"""Where WebSockets come from: one for each event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_websocket.connection import WebSocketConnection
from pounce_websocket.handshake import Handshake, read_handshake

if TYPE_CHECKING:
    from pounce_asgi import (
        ExchangeContext,
        Peer,
        RequestHead,
        WebSocketCarrier,
        WebSocketSettings,
        WireFields,
        WireHost,
    )

__all__ = ["WebSocketWire"]


class WebSocketWire:
    """Turns requests of any version of HTTP into WebSockets. Owned by the worker's thread."""

    __slots__ = ("_host", "_settings")

    def __init__(self, host: WireHost, settings: WebSocketSettings) -> None:
        self._host = host
        self._settings = settings

    def handshake(self, head: RequestHead) -> Handshake:
        """Look at a request that asks for a WebSocket.

        Raises:
            HandshakeRefused: it is not valid; a `RequestError` whose ``fields`` belong into the answer.
        """
        return read_handshake(head, deflate=self._settings.ws_per_message_deflate)

    def connect(
        self,
        carrier: WebSocketCarrier[WireFields],
        head: RequestHead,
        peer: Peer,
        context: ExchangeContext[WireFields],
        handshake: Handshake,
    ) -> WebSocketConnection[WireFields]:
        """The WebSocket of a valid handshake; ``start()`` calls the application."""
        return WebSocketConnection(self._host, self._settings, carrier, head, peer, context, handshake)
