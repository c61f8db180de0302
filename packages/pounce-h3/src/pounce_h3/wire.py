"""What all HTTP/3 connections of one worker share: settings, contexts, remembered heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_asgi.multiplexed import MultiplexedWire
from pounce_h3.connection import Http3Connection
from pounce_h3.response_blocks import render_frame
from pounce_h3.settings_frame import settings_frame
from pounce_h3.stream import Http3Stream
from pounce_h3.turn import Turn

if TYPE_CHECKING:
    from pounce_asgi import Http3Settings, Peer, WireHost
    from pounce_asgi.multiplexed import WebSocketWireLike
    from pounce_h3.quic import Quic
    from pounce_h3.transport import QuicTransport

__all__ = ["Http3Wire"]


class Http3Wire(MultiplexedWire):
    """Makes the connections of one event loop. Owned by its thread."""

    plain_stream = Http3Stream

    def __init__(self, host: WireHost, settings: Http3Settings, websockets: WebSocketWireLike | None) -> None:
        """``websockets``: serve WebSockets (RFC 9220)."""
        super().__init__(host, websockets, version="3", render=render_frame)
        self.turn = Turn(host.loop)
        """Of the connection that is told something now."""
        self.streams = settings.h3_max_concurrent_streams
        """Requests at once on one connection."""
        self.field_lines = 2 * host.limits.field_count + 32
        """Fields of one block that are looked at. Above what is answered with 431, as `field_bytes` is."""
        self.settings_frame = settings_frame(host.limits, websockets=websockets is not None)

    def connect(
        self, quic: Quic | None, transport: QuicTransport, peer: Peer, *, refusal: str | None = None
    ) -> Http3Connection:
        """A new connection. ``quic`` may be set after, as ``connection.quic``. ``refusal``: every request is answered
        503 with this detail.
        """
        connection = Http3Connection(self, transport, peer, refusal)
        if quic is not None:
            connection.quic = quic
        return connection
