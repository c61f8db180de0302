"""A WebSocket over HTTP/1.1 (RFC 6455, 4): the handshake is a request like others, and then the connection is its own.

Until the application accepts, the HTTP/1.1 connection keeps the transport and the WebSocket stands where its exchange
would. Afterwards the carrier takes its place, and the WebSocket gets the bytes straight from the transport.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, ClassVar, Final, cast

from pounce_asgi.fairness import PIECE_COST, SENDING_TURN, call_behind
from pounce_http1 import encode_status_line
from pounce_workers.net.deadlines import NEVER
from pounce_workers.serving.loop_host import Admission

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from pounce_asgi import BodyFraming, HeaderPair
    from pounce_http1 import RequestHead
    from pounce_workers.net.transport import SocketTransport
    from pounce_workers.serving.http1_connection import Http1Connection
    from pounce_workers.serving.loop_host import LoopHost
    from pounce_workers.serving.protocols import WebSocketConnection, WebSocketMaker

__all__ = ["Http1WebSocket"]

UPGRADED: Final = b"connection: upgrade\r\nupgrade: websocket\r\n"


class _NotOpen:
    """What stands for a WebSocket before it was accepted, and after the loss of its connection."""

    def start(self) -> None:
        """It was."""

    def data_received(self, data: bytes, /) -> None:
        """Nobody hears it."""

    def connection_lost(self, error: OSError | None, /) -> None:
        """It was told."""

    def _nothing(self) -> None:
        """Nobody is there."""

    eof_received = writable = begin_drain = _nothing


NOT_OPEN: Final = _NotOpen()


class Http1WebSocket:
    """The `WebSocketCarrier` of one WebSocket, and the connection that its worker sees. Owned by the loop's thread."""

    __slots__ = (
        "_accepted",
        "_connection",
        "_host",
        "_sending",
        "_unread",
        "congested",
        "peer",
        "requests",
        "transport",
        "websocket",
    )

    stream_id: ClassVar[int] = 0
    idle: Final = False
    """Whether anything is under way only the two sides know."""

    def __init__(
        self,
        host: LoopHost,
        connection: Http1Connection,
        head: RequestHead,
        makers: WebSocketMaker,
        handshake: Any,
    ) -> None:
        self._host = host
        self._connection = connection
        self._accepted = False
        self._sending = 0
        """What was sent since others had their turn, as `SENDING_TURN` counts."""
        self._unread = b""
        self.transport = cast("SocketTransport", connection.transport)
        self.peer = connection.peer
        self.requests = 0
        """None beyond those of the connection that it was."""
        self.congested = False
        self.websocket: WebSocketConnection = NOT_OPEN
        """While it is open. Each of the two has the other: for longer, and they would wait for the collector."""
        websocket = makers.connect(self, head, self.peer, connection.wire.context, handshake)
        connection.respond(cast("Any", websocket))

    def start(self) -> None:
        """Call the application."""
        self.transport.deadline = NEVER  # it is the application's turn, which has no deadline
        cast("Any", self._connection.exchange).start()

    # -- WebSocketCarrier --------------------------------------------------------------------------------------------

    def accept(self, fields: Sequence[HeaderPair]) -> None:
        """Answer the handshake and take the connection over."""
        connection, context = self._connection, self._connection.wire.context
        lines = context.default_fields() + b"".join([context.header_memo[field][1] for field in fields])
        self.transport.write(b"%b%b%b\r\n" % (encode_status_line(101), UPGRADED, lines))
        self._accepted = True
        self.websocket = cast("WebSocketConnection", connection.exchange)
        self._unread, half_closed = connection.give_way()
        transport = self.transport
        transport.deadline = NEVER
        self._host.admit(self, Admission("http/1.1", connection.has_place, connection.opened, connection.requests))
        transport.protocol = self  # also to hear of the loss of the connection, which may be on its way
        if transport.closing:
            return
        if half_closed or self._unread:
            transport.deliver = self._keep
            transport.pause_reading()  # what came first comes first
            self._host.loop.call_soon(self._catch_up, half_closed, context=self._host.base_context)
        else:
            transport.deliver = self.websocket.data_received
            transport.resume_reading()

    def _keep(self, data: bytes) -> None:
        """What had been read and put off is behind what the client sent before it."""
        self._unread += data

    def _catch_up(self, half_closed: bool) -> None:
        """What the client sent before it had its answer."""
        if self.transport.closing:
            return
        unread, self._unread = self._unread, b""
        self.transport.deliver = self.websocket.data_received
        self.transport.resume_reading()
        if unread:
            self.websocket.data_received(unread)
        if half_closed and not self.transport.closing:
            self.websocket.eof_received()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self.transport.write(data)
        self.congested = self.transport.congested
        self._sending += len(data) + PIECE_COST
        if self._sending > SENDING_TURN:
            self._sending = 0
            if not self.congested:
                self.congested = True
                call_behind(self._host.loop, self._send_on, self._host.base_context)

    def _send_on(self) -> None:
        # Whatever ``congested`` says by now: somebody else may have sent meanwhile, and who made way still waits.
        if not self.transport.congested:
            self.writable()

    def pause_reading(self) -> None:
        """Read nothing until `resume_reading`."""
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Undo `pause_reading`."""
        self.transport.resume_reading()

    def finish(self) -> None:
        """Close in an orderly way."""
        self.transport.close(linger=True)

    # -- its ResponseSink: a refusal is the connection's to send -----------------------------------------------------

    def send_informational(self, status: int, headers: bytes) -> None:
        """Send an interim response."""
        self._connection.send_informational(status, headers)

    def send_head(self, status: int, headers: bytes, framing: BodyFraming, body: bytes, end: bool, close: bool) -> None:
        """The handshake is refused. What follows it on the connection may be frames, so that ends with it."""
        del close
        self._connection.send_head(status, headers, framing, body, end, True)
        self.congested = self._connection.congested

    def send_body(self, data: bytes, end: bool) -> None:
        """Send a further piece of the refusal's body."""
        self._connection.send_body(data, end)
        self.congested = self._connection.congested

    def send_file(
        self, file: IO[bytes] | int, offset: int | None, count: int | None, *, end: bool
    ) -> asyncio.Future[int]:
        """Send a piece of it from a file."""
        return self._connection.send_file(file, offset, count, end=end)

    def send_trailers(self, headers: bytes) -> None:
        """End it with trailer fields."""
        self._connection.send_trailers(headers)

    def resume_body(self) -> None:
        """A handshake has no body."""

    def reset(self) -> None:
        """End the connection so that the client can tell that something went wrong."""
        if not self._accepted:
            self._connection.reset()
        else:
            self.transport.abort()

    # -- ServedConnection --------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        self.websocket.data_received(data)

    def eof_received(self) -> None:
        """The client will send no more."""
        self.websocket.eof_received()

    def writable(self) -> None:
        """The transport is no longer congested."""
        self.congested = False
        self.websocket.writable()

    def connection_lost(self, error: OSError | None) -> None:
        """The connection is gone."""
        try:
            self.websocket.connection_lost(error)
        finally:
            self._host.connection_closed(self, error)
            self.websocket = NOT_OPEN

    def deadline_expired(self) -> None:
        """It has no deadline at the transport: it looks at its own."""

    def last_request(self) -> None:
        """Another worker takes over: the client is told to come back."""
        self.websocket.begin_drain()

    def begin_drain(self) -> None:
        """The server stops."""
        self.websocket.begin_drain()
