"""What all connections of one worker share, of any version with streams: contexts, remembered heads, WebSockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pounce_asgi.errors import RequestError
from pounce_asgi.http_exchange import HttpExchange
from pounce_asgi.multiplexed.head_memo import HeadMemo
from pounce_asgi.multiplexed.response_fields import Fields, ResponseBlocks, encode_field
from pounce_asgi.multiplexed.stream import MultiplexedStream
from pounce_asgi.multiplexed.websocket_stream import WebSocketStream
from pounce_asgi.scope import HTTP_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.exchange_context import ExchangeContext, Peer
    from pounce_asgi.multiplexed.request_head import RequestHead
    from pounce_asgi.multiplexed.request_intake import RequestIntake
    from pounce_asgi.wire_host import WireHost

__all__ = ["MultiplexedWire", "WebSocketWireLike"]


class WebSocketWireLike(Protocol):
    """What is needed of ``pounce_websocket.WebSocketWire``."""

    def handshake(self, head: RequestHead) -> Any:
        """Judge a handshake; raises RequestError."""

    def connect(self, carrier: WebSocketStream, head: RequestHead, peer: Peer, context: Any, handshake: Any) -> Any:
        """The WebSocket on a stream; its handshake is answered once it is started."""


class MultiplexedWire:
    """Owned by the thread of its event loop."""

    plain_stream: type[MultiplexedStream] = MultiplexedStream
    websocket_stream: type[WebSocketStream] = WebSocketStream

    def __init__(
        self,
        host: WireHost,
        websockets: WebSocketWireLike | None,
        *,
        version: str,
        render: Callable[[int, Fields], bytes],
    ) -> None:
        """``version``: of HTTP. ``render`` makes the block of a head, status 0 standing for trailers."""
        self.host = host
        self.websockets = websockets
        self.blocks = ResponseBlocks(render)
        self.heads = HeadMemo(host.limits, version=version, extended=websockets is not None)
        self.context: ExchangeContext[Fields] = host.new_context(encode_field, (), HTTP_EXTENSIONS)
        self.context.protocol = f"h{version}"
        limits = host.limits
        self.field_bytes = 2 * (limits.fields_size + limits.target_size) + 32 * limits.field_count
        """Of a list of fields, each with 32 bytes more than it has (RFC 9113, 6.5.2; RFC 9114, 4.2.2). Above what is
        answered with 431, so that this can be.
        """

    def new_stream(self, connection: RequestIntake, stream_id: int, head: RequestHead | None) -> MultiplexedStream:
        """What carries this request; ``head`` is None where it could not be read."""
        if head is None or head.protocol is None:
            return self.plain_stream(connection, stream_id, head)  # type: ignore[arg-type]  # its other parts make it one
        return self.websocket_stream(connection, stream_id, head)  # type: ignore[arg-type]  # as above

    def exchange_for(self, stream: MultiplexedStream, head: RequestHead) -> HttpExchange[Fields]:
        """What serves this request."""
        return HttpExchange(self.context, stream, head, stream.connection.peer)

    def start(self, stream: MultiplexedStream, head: RequestHead) -> None:
        """Call the application. Raises RequestError."""
        if head.protocol is None:
            stream.connection.start_exchange(stream, head)
            return
        if head.protocol != b"websocket" or self.websockets is None:
            raise RequestError("the only :protocol that is known is websocket", status=501)
        handshake = self.websockets.handshake(head)
        assert isinstance(stream, WebSocketStream)
        stream.exchange = self.websockets.connect(stream, head, stream.connection.peer, self.context, handshake)
        stream.exchange.start()
