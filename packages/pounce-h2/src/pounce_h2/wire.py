"""What all HTTP/2 connections of one worker share: settings, contexts, remembered heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pounce_asgi import HTTP_EXTENSIONS, HttpExchange, RequestError
from pounce_h2.connection import Http2Connection
from pounce_h2.errors import ConnectionFault
from pounce_h2.h2_engine import H2Engine
from pounce_h2.head_memo import HeadMemo
from pounce_h2.push import PushingExchange
from pounce_h2.request_head import CONNECTION_FIELDS, RequestHead
from pounce_h2.response_blocks import Fields, ResponseBlocks, encode_field
from pounce_h2.settings_frame import our_settings
from pounce_h2.stream import Http2Stream
from pounce_h2.websocket_stream import WebSocketStream

if TYPE_CHECKING:
    from pounce_asgi import ExchangeContext, Http2Settings, Peer, Transport, WireHost
    from pounce_asgi.contracts import RequestHead as AnyRequestHead
    from pounce_h2.engine import Engine, EngineUser

__all__ = ["Http2Wire", "WebSocketWireLike"]


class WebSocketWireLike(Protocol):
    """What is needed of ``pounce_websocket.WebSocketWire``."""

    def handshake(self, head: RequestHead) -> Any:
        """Judge a handshake; raises RequestError."""

    def connect(self, carrier: WebSocketStream, head: RequestHead, peer: Peer, context: Any, handshake: Any) -> Any:
        """The WebSocket on a stream; its handshake is answered once it is started."""


class Http2Wire:
    """Makes the connections of one event loop. Owned by its thread."""

    def __init__(self, host: WireHost, settings: Http2Settings, websockets: WebSocketWireLike | None) -> None:
        """``websockets``: serve WebSockets (RFC 8441)."""
        self.host = host
        self.websockets = websockets
        self.connection_window = settings.h2_connection_window
        self.blocks = ResponseBlocks()
        self.heads = HeadMemo(host.limits, extended=websockets is not None)
        self.context: ExchangeContext[Fields] = host.new_context(encode_field, (), HTTP_EXTENSIONS)
        self.push_context: ExchangeContext[Fields] = host.new_context(
            encode_field, (), {**HTTP_EXTENSIONS, "http.response.push": {}}
        )
        self._settings = our_settings(settings, host.limits, websockets=websockets is not None)
        limits = host.limits
        # Above what is answered with 431, so that this can be: each line has 32 bytes in this way of counting.
        self._field_bytes = 2 * (limits.fields_size + limits.target_size) + 32 * limits.field_count

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
        return H2Engine(user, self._settings, connection_window=self.connection_window, field_bytes=self._field_bytes)

    def new_stream(self, connection: Http2Connection, stream_id: int, head: RequestHead) -> Http2Stream:
        """What carries this request."""
        kind = Http2Stream if head.protocol is None else WebSocketStream
        return kind(connection, stream_id, head)

    def exchange_for(self, stream: Http2Stream, head: RequestHead) -> HttpExchange[Fields]:
        """What serves this request."""
        connection = stream.connection
        if connection.engine.push_allowed and stream.stream_id % 2:
            return PushingExchange(self.push_context, stream, head, connection.peer)
        return HttpExchange(self.context, stream, head, connection.peer)

    def start(self, stream: Http2Stream, head: RequestHead) -> None:
        """Call the application. Raises RequestError."""
        if head.protocol is None:
            stream.connection.start_exchange(stream, head)
            return
        if head.protocol != b"websocket" or self.websockets is None:
            raise RequestError("the only :protocol that is known is websocket", status=501)
        handshake = self.websockets.handshake(head)
        peer = stream.connection.peer
        assert isinstance(stream, WebSocketStream)
        stream.exchange = self.websockets.connect(stream, head, peer, self.context, handshake)
        stream.exchange.start()


def _upgraded(head: AnyRequestHead) -> RequestHead:
    """The head of stream 1, without what was said about the connection that it came over."""
    dropped = CONNECTION_FIELDS | {b"http2-settings"}
    fields = tuple(field for field in head.headers if field[0] not in dropped)
    query = b"?" + head.query_string if head.query_string else b""
    upgraded = RequestHead(head.method, head.raw_path + query, fields)
    upgraded.accepts_trailers = head.accepts_trailers
    for name, value in fields:
        if name == b"priority":
            upgraded.priority = value
        elif name == b"host":
            upgraded.authority = value
    return upgraded
