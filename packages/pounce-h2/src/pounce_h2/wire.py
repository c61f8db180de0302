"""What all HTTP/2 connections of one worker share: settings, contexts, remembered heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_asgi import HTTP_EXTENSIONS, HttpExchange
from pounce_asgi.multiplexed import (
    CONNECTION_FIELDS,
    Fields,
    MultiplexedWire,
    RequestHead,
    WebSocketWireLike,
    encode_field,
)
from pounce_h2.connection import Http2Connection
from pounce_h2.errors import ConnectionFault
from pounce_h2.h2_engine import H2Engine
from pounce_h2.push import PushingExchange
from pounce_h2.response_blocks import render_block
from pounce_h2.settings_frame import our_settings

if TYPE_CHECKING:
    from pounce_asgi import ExchangeContext, Http2Settings, Peer, Transport, WireHost
    from pounce_asgi.contracts import RequestHead as AnyRequestHead
    from pounce_asgi.multiplexed import MultiplexedStream
    from pounce_h2.engine import Engine, EngineUser

__all__ = ["Http2Wire", "WebSocketWireLike"]


class Http2Wire(MultiplexedWire):
    """Makes the connections of one event loop. Owned by its thread."""

    def __init__(self, host: WireHost, settings: Http2Settings, websockets: WebSocketWireLike | None) -> None:
        """``websockets``: serve WebSockets (RFC 8441)."""
        super().__init__(host, websockets, version="2", render=render_block)
        self.connection_window = settings.h2_connection_window
        self.push_context: ExchangeContext[Fields] = host.new_context(
            encode_field, (), {**HTTP_EXTENSIONS, "http.response.push": {}}
        )
        self.push_context.protocol = self.context.protocol
        self._settings = our_settings(settings, host.limits, websockets=websockets is not None)

    def connect(self, transport: Transport, peer: Peer, *, refusal: str | None = None) -> Http2Connection:
        """A new connection on this transport. ``refusal``: every request is answered 503 with this detail."""
        connection = Http2Connection(self, transport, peer, refusal)
        connection.engine.start()
        connection.write_out()
        return connection

    def upgrade(
        self,
        transport: Transport,
        peer: Peer,
        head: AnyRequestHead,
        settings_payload: bytes,
        *,
        refusal: str | None = None,
    ) -> Http2Connection:
        """A connection that began with HTTP/1.1 and ``Upgrade: h2c``, for which the 101 is written. ``head``, which has
        no body, is the request of stream 1; ``settings_payload`` is HTTP2-Settings, decoded (RFC 7540, 3.2).
        """
        connection = Http2Connection(self, transport, peer, refusal)
        try:
            connection.engine.start_upgraded(settings_payload)
        except ConnectionFault as fault:
            connection.fail(fault)
        else:
            connection.write_out()
            connection.requests = 1
            connection.begin(1, _upgraded(head))
        return connection

    def new_engine(self, user: EngineUser) -> Engine:
        """What speaks frames on one connection."""
        return H2Engine(user, self._settings, connection_window=self.connection_window, field_bytes=self.field_bytes)

    def exchange_for(self, stream: MultiplexedStream, head: RequestHead) -> HttpExchange[Fields]:
        """What serves this request."""
        connection: Http2Connection = stream.connection  # type: ignore[assignment]
        if connection.engine.push_allowed and stream.stream_id % 2:
            return PushingExchange(self.push_context, stream, head, connection.peer)
        return HttpExchange(self.context, stream, head, connection.peer)


def _upgraded(head: AnyRequestHead) -> RequestHead:
    """The head of stream 1, without what was said about the connection that it came over."""
    dropped = CONNECTION_FIELDS | {b"http2-settings"}
    fields = tuple(field for field in head.headers if field[0] not in dropped)
    query = b"?" + head.query_string if head.query_string else b""
    upgraded = RequestHead(head.method, head.raw_path + query, fields, version="2")
    upgraded.accepts_trailers = head.accepts_trailers
    for name, value in fields:
        if name == b"priority":
            upgraded.priority = value
        elif name == b"host":
            upgraded.authority = value
    return upgraded
