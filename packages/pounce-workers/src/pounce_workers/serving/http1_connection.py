"""HTTP/1.1 on one connection: the parser's events become exchanges. Hot path.

It is the `ConnectionProtocol` of its transport. What it inherits makes it the `ResponseSink` of its exchanges
(`pounce_workers.serving.http1_answers`) and the reader of their bodies (`pounce_workers.serving.http1_bodies`).
Requests are answered one at a time, in order; what a client sends ahead waits in the parser, within a bound.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from pounce_asgi import RequestTimeout, send_error_response
from pounce_asgi.fairness import TURN_SECONDS, call_behind
from pounce_asgi.incidents import tell_limit, tell_timeout
from pounce_http1 import RemoteProtocolError, RequestHead
from pounce_workers.net.deadlines import NEVER
from pounce_workers.serving.connection_budget import TOO_MANY_CONNECTIONS
from pounce_workers.serving.http1_bodies import Http1Bodies
from pounce_workers.serving.http1_errors import forget_way, setting_of
from pounce_workers.serving.http1_phase import BEHIND, BODY, CLOSED, DRAINING, IDLE, RESPONDING, Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import HeaderPair, HttpExchange, Peer, Transport
    from pounce_workers.serving.http1_wire import Http1Wire

__all__ = ["Http1Connection", "Phase"]

PIPELINE_BYTES: Final = 65536
"""Bytes that a client may send ahead of its answers before the socket is no longer read."""


class Http1Connection(Http1Bodies):
    """One client's connection. Owned by the worker's thread."""

    __slots__ = (
        "_advancing",
        "has_place",
        "head_begun",
        "opened",
        "peer",
        "refusal",
        "refused_for",
        "requests",
    )

    def __init__(self, wire: Http1Wire, transport: Transport, peer: Peer, *, has_place: bool = True) -> None:
        """``has_place``: it is one of the connections that the server may have."""
        super().__init__(wire, transport)
        self.peer = peer
        self.phase = IDLE
        self.requests = 0
        self.opened = 0.0
        self._advancing = False
        self.head_begun = False
        """Something of the next head has come, or of the empty lines before the first, and its deadline is set."""
        self.has_place = has_place
        self.refusal = None if has_place else TOO_MANY_CONNECTIONS
        """Why its requests are answered 503, without the application."""
        self.refused_for = "limit_concurrency"
        """The limit that says so."""
        # Who has no place is to ask, hear of it and go.
        patience = wire.timeout_keep_alive if has_place else min(wire.timeout_keep_alive, wire.timeout_request_head)
        transport.deadline = wire.sweeper.soon + patience

    # -- ConnectionProtocol ------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """No request is in flight or half-received: closing now loses nothing."""
        return self.phase is IDLE and not self.reader.buffered

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        phase = self.phase
        if phase is not IDLE:
            self.reader.receive_data(data)
            if phase is BODY or phase is DRAINING:
                self._read_body()
            else:
                self._hold_back()
            return
        self._advancing = True
        refused: RemoteProtocolError | None = None
        try:
            head = self.reader.receive_head(data)
            if head is None:
                self._await_head(data)
            elif not self._begin(head):
                self._hold_back()
            elif not self.reader.idle or self._eof:
                self._go_on()
        except RemoteProtocolError as error:
            refused = error
        finally:
            self._advancing = False
        if refused is not None:  # not where it is caught: what follows may call an application
            forget_way(refused)
            upgrades = self.wire.upgrades
            if upgrades is None or not upgrades.starts_as_http2(self, data):
                self.refuse(refused.status, str(refused), setting=setting_of(refused))

    def eof_received(self) -> None:
        """The client will send no more. What it has sent is still answered."""
        self._eof = True
        if self.phase is BODY or self.phase is DRAINING:
            self._read_body()
        elif self.phase is RESPONDING:
            if self.exchange is not None:
                self.exchange.half_closed()
        elif self.phase is IDLE:
            self._advance()

    def writable(self) -> None:
        """The client has read enough for the application to go on."""
        self.congested = False
        if self.exchange is not None:
            self.exchange.resume_sending()
        elif self.phase is RESPONDING:
            self._next_request()

    def connection_lost(self, error: OSError | None) -> None:
        """The connection is gone."""
        self.phase = CLOSED
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.client_gone()
        self.wire.connection_closed(self, error)

    def deadline_expired(self) -> None:
        """Nothing came for too long."""
        if self.phase is IDLE:
            if self.reader.buffered:
                self.refuse(408, "the request head took too long", timeout="timeout_request_head")
            else:
                self._close()
        elif self.phase is BODY:
            self._fail_request(RequestTimeout("the request body stalled"))
        else:
            if self.phase is DRAINING:
                tell_timeout(self.wire.context, self.peer, "timeout_body_stall")
            self._close()

    def last_request(self) -> None:
        """Let the answer under way say that it is the last, unless its head is out: what that promised is kept.

        Of requests that have not begun the wire's ``draining`` decides.
        """
        exchange = self.exchange
        if exchange is not None and not exchange.head_on_wire:
            self._keep_alive = False

    def begin_drain(self) -> None:
        """The server stops: answer what is in flight, then close."""
        if self.idle and not getattr(self.transport, "behind", False):  # or what was read would not be answered
            self._close()
        else:
            self._keep_alive = False

    # -- requests ----------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Answer what has arrived, as long as each answer is complete at once."""
        if self.phase is BEHIND:
            self.phase = IDLE
            self.transport.deadline = self.wire.sweeper.soon + self.wire.timeout_keep_alive
        if self.phase is not IDLE or self._advancing:
            return
        self._advancing = True
        try:
            self._go_on()
        except RemoteProtocolError as error:
            forget_way(error)
            self.refuse(error.status, str(error), setting=setting_of(error))
        finally:
            self._advancing = False

    def _go_on(self) -> None:
        """Answer one waiting request after the other, until one of them waits or the turn is over."""
        reader = self.reader
        end_of_turn = monotonic() + TURN_SECONDS
        while True:
            head = reader.maybe_next_event()
            if head is None:
                self._await_head()
                return
            # Between requests there is nothing but heads.
            if not self._begin(head):  # type: ignore[arg-type]
                self._hold_back()
                return
            if reader.idle and not self._eof:
                return  # the usual end: all that had arrived is answered
            if monotonic() >= end_of_turn:
                self.phase = BEHIND
                self.transport.deadline = NEVER  # the client has done its part
                self._hold_back()
                call_behind(self.wire.loop, self._advance, self.wire.base_context)
                return

    def _await_head(self, data: bytes = b"") -> None:
        """The next head is not complete. It has one deadline in all, from its first byte on. ``data`` just came."""
        if self._eof:
            self._end_of_requests()
            return
        if self._paused:
            self._resume_reading()  # however much of it is here: its end is needed
        if (self.reader.buffered or not self.requests) and not self.head_begun:
            if self.wire.upgrades is not None:
                self.wire.upgrades.may_become_http2(self, data)
            self.head_begun = True
            self.transport.deadline = self.wire.sweeper.soon + self.wire.timeout_request_head

    def _end_of_requests(self) -> None:
        if self.reader.buffered:
            self.refuse(400, "the client closed the connection within a request head")
        else:
            self._close()

    def _begin(self, head: RequestHead) -> bool:
        """A head is complete: call the application. True when it has been answered and the next may follow."""
        wire = self.wire
        number = self.requests = self.requests + 1
        self.head_begun = False
        fields = head.fields
        self._http10 = fields.http_version == "1.0"
        self._keep_alive = fields.keep_alive and number != wire.limit_connection_requests and not wire.draining
        if self.refusal is not None:
            self.refuse(503, self.refusal, head, setting=self.refused_for)
            return False
        if fields.expectation_failed:
            self.refuse(417, "the only expectation that is known is 100-continue", head)
            return False
        if fields.upgrade is not None and wire.upgrades is not None and wire.upgrades.begin(self, head):
            return False
        exchange = self.exchange = wire.exchange_class(wire.context, self, head, self.peer)
        if fields.has_body:
            if not self._begin_body(exchange):
                return False
        else:
            self.phase = RESPONDING
        if self._eof and self.phase is RESPONDING:
            exchange.half_closed()  # the application is to know from the start
        exchange.start()
        if self.phase is IDLE:
            return True
        if self.phase is RESPONDING:
            self.transport.deadline = NEVER  # it is the application's turn, which has no deadline
        return False

    def respond(self, exchange: HttpExchange[bytes]) -> None:
        """Something else than an exchange answers the request, which has no body, and may take the connection over."""
        self.exchange = exchange
        self.phase = RESPONDING
        self._keep_alive = False

    def give_way(self) -> tuple[bytes, bool]:
        """Another protocol has the transport from now on: what was read and belongs to it, and whether the client's end
        has come.
        """
        self.phase = CLOSED
        self.exchange = None
        self.wire.connections.discard(self)
        return self.reader.take_unread(), self._eof

    def refuse(
        self,
        status: int,
        detail: str,
        head: RequestHead | None = None,
        *,
        fields: Sequence[HeaderPair] = (),
        setting: str = "",
        timeout: str = "",
    ) -> None:
        """Answer in place of the application, with these fields besides the usual ones, and close. ``setting``: the
        limit that the request goes beyond. ``timeout``: the time limit.
        """
        if setting:
            tell_limit(self.wire.context, self.peer, setting)
        elif timeout:
            tell_timeout(self.wire.context, self.peer, timeout)
        self.phase = RESPONDING
        self._keep_alive = False
        self._linger = True
        self.wire.request_refused(self.peer, status, detail, told=bool(setting or timeout))
        method = head.method if head is not None else "GET"
        send_error_response(self.wire.context, self, status, detail, method=method, close=True, fields=fields)

    # -- ends --------------------------------------------------------------------------------------------------------

    def _response_done(self) -> None:
        """The answer is complete on the wire, or waits in the transport behind nothing else."""
        self.exchange = None
        if self.phase is RESPONDING:
            # Where nearly every request ends: as _follow() and _next_request() do, with fewer operations.
            if self._keep_alive and not self._paused and not self.transport.congested:
                self.phase = IDLE
                self.transport.deadline = self.wire.sweeper.soon + self.wire.timeout_keep_alive
                if not self._advancing:
                    self._look_for_next()
            else:
                self._follow()
        elif self.phase is BODY:
            if self._keep_alive:
                self.phase = DRAINING
                self._resume_reading()
                self.transport.deadline = self.wire.sweeper.soon + self.wire.timeout_body_stall
                self.wire.loop.call_soon(self._read_body)
            else:
                self._close(linger=True)

    def _follow(self) -> None:
        """Request and answer are whole: go on, once the client has read enough of its answers."""
        # A client that sends requests and reads no answers must not fill the memory with them.
        if not self.transport.congested or not self._keep_alive:
            self._next_request()

    def _next_request(self) -> None:
        wire = self.wire
        if not self._keep_alive:
            # What the client has sent beyond its request must not turn its answer into a reset.
            self._close(linger=self._linger or self.reader.buffered > 0)
            return
        self.phase = IDLE
        self.transport.deadline = wire.sweeper.soon + wire.timeout_keep_alive
        if self._paused and self.reader.buffered < PIPELINE_BYTES:
            self._resume_reading()
        if not self._advancing:
            self._look_for_next()

    def _look_for_next(self) -> None:
        """What the client sent ahead is answered in a turn of its own, after others had theirs."""
        if self._eof or not self.reader.idle:
            self.wire.loop.call_soon(self._advance, context=self.wire.base_context)

    def _hold_back(self) -> None:
        """Leave in the socket what the client sends ahead, once enough of it waits here."""
        if self.phase is not BODY and self.reader.buffered >= PIPELINE_BYTES:
            self._pause_reading()

    def _close(self, *, linger: bool = False) -> None:
        if self.phase is not CLOSED:
            self.phase = CLOSED
            self.transport.close(linger=linger and not self._eof)
