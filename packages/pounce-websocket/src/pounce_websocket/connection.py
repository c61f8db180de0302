"""One WebSocket on whatever carries its bytes: an HTTP/1.1 connection, or a stream of HTTP/2 or HTTP/3. Hot path.

While the handshake is open it is what `pounce_websocket.opening` says; once it is accepted it takes bytes. Between the
two halves, the frames' reader and the application's `WebSocketExchange`, it keeps the order of the closing handshake
(RFC 6455, 7.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import WebSocketExchange, WireFields
from pounce_asgi.fairness import call_behind
from pounce_asgi.incidents import tell_limit, tell_timeout
from pounce_websocket.deflate import COMPRESS_FROM, Deflater, Inflater
from pounce_websocket.errors import ConversationFailed
from pounce_websocket.frames import BINARY, COMPRESSED, PING, PONG, TEXT, build_close, build_head
from pounce_websocket.keep_alive import NEVER, KeepAlive, Sign
from pounce_websocket.opening import OpeningWebSocket
from pounce_websocket.phase import ANSWERING, CLOSED, CLOSING, HANDSHAKE, OPEN, Phase
from pounce_websocket.reader import FrameReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi import (
        ExchangeContext,
        HeaderPair,
        Peer,
        RequestHead,
        WebSocketCarrier,
        WebSocketSettings,
        WireHost,
    )
    from pounce_websocket.handshake import Handshake

__all__ = ["Phase", "WebSocketConnection"]

ABNORMAL_CLOSURE: Final = 1006
INTERNAL_ERROR: Final = 1011
SERVICE_RESTART: Final = 1012

CLOSE_TIMEOUT: Final = 10.0
"""Seconds for the client to answer a goodbye, and for the application to take what came before the client's."""
JOIN_LIMIT: Final = 65536
"""A payload below this is copied behind its head; a larger one is written beside it."""

_TEXT_HEADS: Final = tuple(build_head(TEXT, size) for size in range(126))
_BINARY_HEADS: Final = tuple(build_head(BINARY, size) for size in range(126))
_PING_FRAME: Final = build_head(PING, 0)


class WebSocketConnection(OpeningWebSocket[WireFields]):
    """One WebSocket. Owned by the worker's thread.

    The wire calls ``start()`` once. Until the carrier's ``accept()`` is called it tells what happens to the request;
    from then on ``data_received()``, ``eof_received()``, ``writable()`` and ``connection_lost()``.
    """

    __slots__ = (
        "_deadline",
        "_deflater",
        "_draining",
        "_eof",
        "_goodbye",
        "_keep_alive",
        "_lost",
        "_paused",
        "_pong",
        "_reader",
        "_settings",
        "_turn_due",
        "carrier",
        "handshake",
        "host",
    )

    def __init__(
        self,
        host: WireHost,
        settings: WebSocketSettings,
        carrier: WebSocketCarrier[WireFields],
        head: RequestHead,
        peer: Peer,
        context: ExchangeContext[WireFields],
        handshake: Handshake,
    ) -> None:
        super().__init__(
            WebSocketExchange(
                context, carrier, self, head, peer, subprotocols=handshake.subprotocols, max_queue=settings.ws_max_queue
            )
        )
        self.host = host
        self.carrier = carrier
        self.handshake = handshake
        self._settings = settings
        self._deadline = NEVER
        """Until when the closing handshake must be over."""
        self._draining = False
        self._eof = False
        self._lost = False
        """The connection is gone, and some of what came before that is not read yet."""
        self._paused = self._turn_due = False
        self._pong: bytes | None = None
        """The last ping that could not be answered because the client does not read (RFC 6455, 5.5.3)."""
        self._goodbye = (ABNORMAL_CLOSURE, "")
        """What is to be answered once the application has taken what came before."""
        # Set by accept(), before any byte comes:
        self._reader: FrameReader
        self._deflater: Deflater | None = None
        self._keep_alive: KeepAlive

    # -- called by the carrier ---------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        self._keep_alive.heard = True
        if self._paused:
            self._reader.keep(data)
            return
        try:
            if self._reader.receive_data(data):
                self._paused = True
                self.carrier.pause_reading()
                if self._reader.turn_over:
                    self._make_way()
        except ConversationFailed as error:
            self._fail(error)

    def eof_received(self) -> None:
        """The client will send no more, without a goodbye."""
        self._eof = True
        # What waits for its turn is read first; and whose goodbye was heard may still be answered.
        if not self._paused and self.phase is not ANSWERING:
            self._vanished()

    def writable(self) -> None:
        """The carrier is no longer congested."""
        pong, self._pong = self._pong, None
        if pong is not None:
            self.ping_received(pong)
        self.exchange.resume_sending()

    resume_sending = writable

    def connection_lost(self, error: OSError | None) -> None:  # noqa: ARG002 - the carrier knows what it was
        """The connection, or this stream, is gone. What came before that is still delivered."""
        if self.phase is HANDSHAKE:
            self.exchange.client_gone()
        elif self.phase is OPEN and self._paused:
            self._lost = True
            self.exchange.unreachable(vanished=True)
        elif self.phase is ANSWERING:
            self.exchange.disconnected(*self._goodbye)
        elif self.phase is not CLOSED:
            self.exchange.client_gone()
        self._over()

    def abandon(self) -> None:
        """Give it up, the server being stopped under it."""
        waits_for_client = self.phase is CLOSING
        self.exchange.abandon()
        self._over()
        if waits_for_client:
            self.carrier.reset()

    def begin_drain(self) -> None:
        """The server stops, or another worker takes over: the client is asked to connect anew."""
        self._draining = True
        if self.phase is OPEN:
            self.exchange.disconnected(SERVICE_RESTART, "the server restarts")
            self.close(SERVICE_RESTART, "the server restarts")

    def expire(self, now: float) -> None:
        """Act on what is due at ``now``."""
        if self.phase is OPEN:
            if now >= self._keep_alive.deadline:
                self._look_after_client()
        elif now >= self._deadline:
            if self.phase is ANSWERING:  # the application does not take what came
                self.exchange.disconnected(*self._goodbye)
                self.close(*self._goodbye)
            else:
                self._finish()

    # -- called by the exchange --------------------------------------------------------------------------------------

    def accept(self, subprotocol: str | None, fields: Sequence[HeaderPair]) -> None:
        """The application takes the connection."""
        settings, host, deflate = self._settings, self.host, self.handshake.deflate
        inflater = None
        if deflate is not None:
            inflater = Inflater(deflate, settings.ws_max_size)
            self._deflater = Deflater(deflate)
        self._reader = FrameReader(self, settings.ws_max_size, inflater)
        self._keep_alive = KeepAlive(settings, host.soon)
        self.phase = OPEN
        host.watch_deadlines(self)
        self.carrier.accept(self.handshake.response_fields(subprotocol, fields))
        if self._draining or host.draining:
            self.begin_drain()

    def send_text(self, text: str) -> int:
        """Send a text message."""
        data = text.encode()
        size = len(data)
        if size < 126:
            self.carrier.write(_TEXT_HEADS[size] + data)
        else:
            self._send_long(TEXT, data)
        return size

    def send_bytes(self, data: bytes) -> int:
        """Send a binary message."""
        size = len(data)
        if size < 126:
            self.carrier.write(_BINARY_HEADS[size] + data)
        else:
            self._send_long(BINARY, data)
        return size

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, or answer the client's."""
        if self.phase is ANSWERING:
            self.carrier.write(build_close(*self._goodbye))
            self._finish()
        elif self.phase is OPEN:
            self.phase = CLOSING
            self._deadline = self.host.soon + CLOSE_TIMEOUT
            self.carrier.write(build_close(code, reason))
            if self._eof:
                self._finish()
            elif self._paused:
                self.resume_messages()  # the client's goodbye is among what waits, or behind it

    def resume_messages(self) -> None:
        """Read on, in a turn of its own: others are to have theirs."""
        if not self._turn_due:
            self._turn_due = True
            self.host.loop.call_soon(self._read_on, context=self.host.base_context)

    def _make_way(self) -> None:
        """More frames came than others should wait for."""
        if not self._turn_due:
            self._turn_due = True
            call_behind(self.host.loop, self._read_on, self.host.base_context)

    # -- called by the reader ----------------------------------------------------------------------------------------

    @property
    def message_received(self) -> Callable[[dict[str, Any], int], bool]:
        """Takes a whole message: the exchange's own method, because it is called for each of them."""
        return self.exchange.taker

    def wants_message(self) -> bool:
        """Whether somebody waits for a message, so that it may be decompressed."""
        return self.exchange.wants_message()

    def ping_received(self, payload: bytes) -> None:
        """Answer a ping. A client that reads nothing must not fill the memory with answers: it gets the last."""
        if self.phase is OPEN or self.phase is ANSWERING:
            if self.carrier.congested:
                self._pong = payload
            else:
                self.carrier.write(build_head(PONG, len(payload)) + payload)

    def close_received(self, code: int, reason: str) -> None:
        """The client says goodbye, or answers ours."""
        if self.phase is CLOSING:
            self._finish()
        elif self._lost:
            self.exchange.disconnected(code, reason)
        elif self.phase is OPEN:
            self._end_after_messages(code, reason)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _send_long(self, first: int, data: bytes) -> None:
        if self._deflater is not None and len(data) >= COMPRESS_FROM:
            data = self._deflater.message(data)
            first |= COMPRESSED
        head = build_head(first, len(data))
        if len(data) < JOIN_LIMIT:
            self.carrier.write(head + data)
        else:
            self.carrier.write(head)
            self.carrier.write(data)

    def _read_on(self) -> None:
        """The application has room again, or needs none any more; or others have had their turn."""
        self._turn_due = False
        if not self._paused or (self.phase is CLOSED and not self._lost):
            return
        try:
            if self._reader.receive_data(b""):
                if self._reader.turn_over:
                    self._make_way()
                return
        except ConversationFailed as error:
            self._fail(error)
            return
        self._paused = False
        closed = self._reader.closed
        if self._lost:
            self._part()
        if closed:
            return
        if self._lost:
            self.exchange.client_gone()
        elif self._eof:
            self._vanished()
        elif self.phase is not CLOSED:
            self.carrier.resume_reading()

    def _look_after_client(self) -> None:
        match self._keep_alive.look(self.host.soon, listening=not self._paused):
            case Sign.PING:
                self.carrier.write(_PING_FRAME)
            case Sign.VANISHED:
                exchange = self.exchange
                tell_timeout(exchange.context, exchange.peer, "ws_ping_timeout", self.carrier.stream_id)
                exchange.disconnected(ABNORMAL_CLOSURE, "the client answered no ping", vanished=True)
                self.carrier.write(build_close(INTERNAL_ERROR, "no answer to a ping"))
                self._finish()
            case Sign.NOTHING:
                pass

    def _vanished(self) -> None:
        """The byte stream ended without a goodbye."""
        if self.phase is not CLOSED:
            self.exchange.client_gone()
            self._finish()

    def _fail(self, error: ConversationFailed) -> None:
        """The client broke a rule: say which, and end (RFC 6455, 7.1.7)."""
        reason = str(error)
        self._reader.let_go()
        if self._lost:
            self.exchange.part()
        if error.limit:
            tell_limit(self.exchange.context, self.exchange.peer, error.limit, self.carrier.stream_id)
        if self.phase is OPEN or self._lost:
            detail = f"a WebSocket ended with {error.code}: {reason}"
            self.host.request_refused(self.exchange.peer, 0, detail, told=bool(error.limit))
        if self._lost:
            self.exchange.disconnected(error.code, reason)
        elif self.phase is OPEN:
            self._end_after_messages(error.code, reason)
        elif self.phase is not CLOSED:
            self._finish()

    def _end_after_messages(self, code: int, reason: str) -> None:
        """Nothing more is read. The application has what came before, may still answer it, and then it is over."""
        self._goodbye = (code, reason)
        self.phase = ANSWERING
        if self.exchange.client_closing(code, reason):
            self.close(code, reason)
        else:
            self._deadline = self.host.soon + CLOSE_TIMEOUT

    def _finish(self) -> None:
        """Nothing more is to be said."""
        self._over()
        self.carrier.finish()

    def _over(self) -> None:
        self.phase = CLOSED
        if not self._lost:  # what came before a connection was lost is still read
            self._part()
        self.host.forget_deadlines(self)

    def _part(self) -> None:
        """Nothing is read or sent any more: the three who hold one another let go, or would wait for the collector."""
        if hasattr(self, "_reader"):
            self._reader.let_go()
        self.exchange.part()
