"""Request bodies over HTTP/1.1: what the parser finds of them goes to the exchange, or is dropped. Hot path.

The part of a connection that is at work in the phases BODY and DRAINING: who is slow and who is late, how much is read
of a body that nobody wants, and what becomes of a request whose body cannot be had. Answers are in
`pounce_workers.serving.http1_answers`; with the next request `pounce_workers.serving.http1_connection` goes on.
"""

from __future__ import annotations

from abc import abstractmethod
from time import monotonic
from typing import TYPE_CHECKING, Final

from pounce_asgi import IncompleteBody, RequestError
from pounce_asgi.fairness import TURN_SECONDS, call_behind
from pounce_http1 import BodyChunk, RemoteProtocolError
from pounce_workers.net.deadlines import NEVER
from pounce_workers.serving.http1_answers import Http1Answers
from pounce_workers.serving.http1_errors import forget_way, setting_of
from pounce_workers.serving.http1_phase import BODY, CLOSED, DRAINING, RESPONDING

if TYPE_CHECKING:
    from pounce_asgi import HttpExchange, Transport
    from pounce_workers.serving.http1_wire import Http1Wire

__all__ = ["Http1Bodies"]

DRAIN_BYTES: Final = 262144
"""How much of an unwanted body is read to keep a connection; beyond it a new connection is cheaper for both."""


class Http1Bodies(Http1Answers):
    """Reads the bodies of a connection's requests. Owned by the worker's thread."""

    __slots__ = ("_dropped", "_eof", "_held", "_linger", "_paused", "exchange", "reader")

    def __init__(self, wire: Http1Wire, transport: Transport) -> None:
        super().__init__(wire, transport)
        self.reader = wire.new_reader()
        self.exchange: HttpExchange[bytes] | None = None
        """Of the request under way."""
        self._dropped = 0
        """Bytes of its body that nobody wanted."""
        self._eof = False
        """The client will send no more."""
        self._held = False
        """The rest of what came of a body waits for its turn."""
        self._linger = False
        """The client may still be sending when the last answer is out."""
        self._paused = False
        """The socket is not read: enough waits here, or the application has not taken what was read."""

    # -- what the connection decides ---------------------------------------------------------------------------------

    @abstractmethod
    def _follow(self) -> None:
        """Request and answer are whole: go on, once the client has read enough of its answers."""

    @abstractmethod
    def _close(self, *, linger: bool = False) -> None:
        """Close, once what waits is sent."""

    # -- BODY and DRAINING -------------------------------------------------------------------------------------------

    def _begin_body(self, exchange: HttpExchange[bytes]) -> bool:
        """Read what has come of the body. False when it was refused before the application was called."""
        self.transport.deadline = NEVER
        self.phase = BODY
        self._dropped = 0
        if self._paused:
            self._resume_reading()  # held back while it waited its turn; the body has a bound of its own
        content = self.reader.take_body()
        if content is None:
            self._read_body()
        else:  # all of it came with the head
            if content:
                self._take_chunk(content)
            if self.phase is BODY:
                self._end_of_body()
        return self.exchange is exchange

    def _read_body(self) -> None:
        """Hand on what has arrived of the body, or drop it when it is no longer wanted."""
        if self._held:
            self.transport.pause_reading()
            return
        end_of_turn = monotonic() + TURN_SECONDS if self.wire.takes_turns else NEVER
        try:
            while self.phase is BODY or self.phase is DRAINING:
                event = self.reader.maybe_next_event()
                if event is None:
                    self._await_body()
                    return
                if isinstance(event, BodyChunk):
                    self._take_chunk(event.data)
                else:
                    self._end_of_body()
                    return
                if monotonic() >= end_of_turn:
                    self._hold()
                    return
        except RemoteProtocolError as error:
            forget_way(error)
            self._fail_request(RequestError(str(error), status=error.status, setting=setting_of(error)))

    def _hold(self) -> None:
        """The body came in more pieces than there is time for: others have their turn before the rest of them."""
        self._held = True
        self.transport.pause_reading()
        if self.phase is BODY:
            self.transport.deadline = NEVER  # the client has done its part
        call_behind(self.wire.loop, self._read_on, self.wire.base_context)

    def _read_on(self) -> None:
        self._held = False
        if self.phase is BODY or self.phase is DRAINING:
            self._read_body()
        if not self._held and not self._paused and not self._eof and self.phase is not CLOSED:
            self.transport.resume_reading()

    def _await_body(self) -> None:
        if self._eof:
            self._fail_request(IncompleteBody("the client closed the connection within the request body"))
        elif self.exchange is not None and not self._paused and not self.exchange.awaits_continue():
            # A client that waits for its 100 waits for us: its time begins when that is sent. An unwanted body has its
            # time in all, from the answer on, or a byte now and then would hold the connection for hours.
            self.transport.deadline = self.wire.sweeper.soon + self.wire.timeout_body_stall

    def _take_chunk(self, data: bytes) -> None:
        if self.phase is BODY and self.exchange is not None:
            if self.exchange.feed(data):
                # The application is slow, not the client: no deadline meanwhile.
                self._pause_reading()
                self.transport.deadline = NEVER
            return
        self._dropped += len(data)
        if self._dropped > DRAIN_BYTES:
            self._close(linger=True)

    def _end_of_body(self) -> None:
        self.transport.deadline = NEVER
        if self.phase is BODY:
            self.phase = RESPONDING
            if self._paused:
                self._resume_reading()  # all of it is here; a client that leaves must be heard of
            if self.exchange is not None:
                self.exchange.finish_body()
                if self._eof:
                    self.exchange.half_closed()
        else:
            self.phase = RESPONDING
            self._follow()

    def _fail_request(self, error: RequestError) -> None:
        """The rest of the request body cannot be had. Where the next request would begin is not known any more."""
        self._keep_alive = False
        self._linger = True
        self.transport.deadline = NEVER
        if self.exchange is None:
            self._close(linger=True)
            return
        self.phase = RESPONDING
        self.transport.pause_reading()
        self.exchange.fail_request(error)

    # -- for the exchange, and the answer ----------------------------------------------------------------------------

    def resume_body(self) -> None:
        """The application took what had waited."""
        if self._paused and self.phase is BODY:
            self._resume_reading()
            self.transport.deadline = self.wire.sweeper.soon + self.wire.timeout_body_stall
            self.wire.loop.call_soon(self._read_body)

    def _will_drain(self, *, end: bool) -> bool:
        """Whether the unread rest of a body may be read for the sake of the connection once the answer is out."""
        exchange = self.exchange
        if exchange is None or exchange.body is None:
            return True
        if exchange.awaits_continue():
            return False  # the client may never send it: what comes next could be either (RFC 9110, 10.1.1)
        length = exchange.head.content_length
        return not end or length is None or length - exchange.body.received <= DRAIN_BYTES

    # -- the socket --------------------------------------------------------------------------------------------------

    def _pause_reading(self) -> None:
        self._paused = True
        self.transport.pause_reading()

    def _resume_reading(self) -> None:
        self._paused = False
        if not self._eof:
            self.transport.resume_reading()
