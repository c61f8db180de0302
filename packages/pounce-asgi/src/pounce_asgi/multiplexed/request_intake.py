"""What comes on streams becomes requests, and requests become exchanges: the same for every version with streams."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pounce_asgi.error_response import send_error_response
from pounce_asgi.errors import RequestError
from pounce_asgi.incidents import tell_limit, tell_reset, tell_timeout
from pounce_asgi.multiplexed.message_fault import MessageFault
from pounce_asgi.multiplexed.priorities import EarlyPriorities, parse_priority
from pounce_asgi.multiplexed.scheduler import Scheduler
from pounce_asgi.multiplexed.stream import NEVER, MultiplexedStream
from pounce_asgi.multiplexed.stream_body import StreamBody
from pounce_asgi.multiplexed.trailers import judge_trailers
from pounce_asgi.multiplexed.turns import Turns
from pounce_asgi.naming import client_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi.contracts import HeaderPair
    from pounce_asgi.exchange_context import ExchangeContext, Peer
    from pounce_asgi.multiplexed.floods import FloodBudget
    from pounce_asgi.multiplexed.request_head import RequestHead
    from pounce_asgi.multiplexed.response_fields import Fields
    from pounce_asgi.multiplexed.wire import MultiplexedWire
    from pounce_asgi.wire_host import WireHost

__all__ = ["RequestIntake"]

logger = logging.getLogger("pounce.worker")


class RequestIntake(Turns):
    """The part of a connection that begins streams. Owned by the worker's thread."""

    protocol: ClassVar[str]
    """As the log names it."""
    engine: Any
    budget: FloodBudget
    context: ExchangeContext[Fields]

    def __init__(self, wire: MultiplexedWire, peer: Peer, refusal: str | None) -> None:
        """``refusal``: every request is answered 503 with this detail."""
        super().__init__()
        self.host: WireHost = wire.host
        self.wire = wire
        self.blocks = wire.blocks
        self.context = wire.context
        self.peer = peer
        self.requests = 0
        self.streams: dict[int, MultiplexedStream] = {}
        self.scheduler = Scheduler()
        times = self.host.timeouts
        # Who has no place is to ask, hear of it and go.
        self.patience = times.keep_alive if refusal is None else min(times.keep_alive, times.request_head)
        """Seconds for which it may be idle."""
        self.idle_deadline = self.host.soon + self.patience
        self._refusal = refusal
        self._early_priorities = EarlyPriorities()
        self._faulty = False
        """The first fault of a stream was told."""

    @abstractmethod
    def last_request(self) -> None:
        """Another worker takes over: let the client know."""

    # -- requests ----------------------------------------------------------------------------------------------------

    def take_request(self, stream_id: int, fields: Sequence[HeaderPair], ended: bool) -> None:
        """A request begins.

        Raises:
            MessageFault: it is malformed.
        """
        self.requests += 1
        self.budget.request()
        try:
            head = self.wire.heads.read(fields, ended=ended)
        except RequestError as error:
            self.refuse_unread(stream_id, error, fields)
            return
        self.begin(stream_id, head)

    def refuse_unread(self, stream_id: int, error: RequestError, fields: Sequence[HeaderPair]) -> None:
        """Answer a request whose head cannot be used."""
        method = next((value for name, value in fields if name == b":method"), b"GET")
        self.refuse(self.wire.new_stream(self, stream_id, None), error, method.decode("latin-1"))

    def begin(self, stream_id: int, head: RequestHead) -> None:
        """A head is complete: call the application."""
        stream = self.wire.new_stream(self, stream_id, head)
        if self._early_priorities:
            said = self._early_priorities.pop(stream_id, None)
            if said is not None:
                stream.priority = said
        if self._refusal is not None:
            self.refuse(stream, RequestError(self._refusal, status=503, setting="limit_concurrency"), head.method)
        elif head.expectation_failed:
            detail = "the only expectation that is known is 100-continue"
            self.refuse(stream, RequestError(detail, status=417), head.method)
        else:
            self.idle_deadline = NEVER
            self.streams[stream_id] = stream
            try:
                self.wire.start(stream, head)
            except RequestError as error:
                self.refuse(stream, error, head.method)
            except (SystemExit, KeyboardInterrupt):
                self._flush()  # who ends the process may leave no later turn to those who were answered
                raise
        if self.host.draining:
            self.last_request()

    def start_exchange(self, stream: MultiplexedStream, head: RequestHead) -> None:
        """Call the application with an ordinary request."""
        exchange = stream.exchange = self.wire.exchange_for(stream, head)
        if head.has_body:
            exchange.body = StreamBody(stream)
            if not head.expect_continue:
                stream.read_deadline = self.host.soon + self.host.timeouts.body_stall
        exchange.start()

    def refuse(self, stream: MultiplexedStream, error: RequestError, method: str) -> None:
        """Answer in place of the application."""
        self.streams[stream.stream_id] = stream
        self.idle_deadline = NEVER
        self.host.request_refused(self.peer, error.status, str(error), told=bool(error.setting))
        if error.setting:
            tell_limit(self.context, self.peer, error.setting, stream.stream_id)
        fields = getattr(error, "fields", ())  # what the refusal of a WebSocket says besides
        send_error_response(self.context, stream, error.status, str(error), method=method, close=False, fields=fields)

    def trailers_received(self, stream_id: int, fields: Sequence[HeaderPair]) -> None:
        """The fields behind a body.

        Raises:
            MessageFault: they are malformed, or end a body that does not agree with its content-length.
        """
        stream = self.streams.get(stream_id)
        try:
            judge_trailers(fields, self.host.limits.field_count)
            if stream is not None and stream.exchange is not None:
                stream.trailers_received()
        except RequestError as error:
            if stream is not None:
                stream.fail_request(error)
        except MessageFault:
            if stream is not None:
                raise

    def stream_lost(self, stream_id: int) -> None:
        """A stream is closed by its client, or by what its client did."""
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.lost(None)

    # -- about streams -----------------------------------------------------------------------------------------------

    def priority_updated(self, stream_id: int, value: bytes) -> None:
        """A client changes its mind about a response (RFC 9218, 7)."""
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.priority = parse_priority(value)
            self.scheduler.change(stream_id, stream.priority)
        elif stream_id > self.engine.last_stream_id:
            self._early_priorities.keep(stream_id, parse_priority(value), self.engine.last_stream_id)

    def chore(self, cost: int) -> None:
        """A frame that moves no request forward. Raises when there were too many."""
        self.budget.chore(cost)

    def stream_refused(self, stream_id: int, code: int, detail: str) -> None:
        """A stream that was ended, with this code, for what its client did: by the client where there is no
        ``detail``. The first fault of a connection gets a line in the log. Raises when there were too many.
        """
        self.tell_of_reset(stream_id, code, by_client=not detail)
        if detail and not self._faulty:
            self._faulty = True
            self.tell_of_stream(detail)
        self.budget.refusal()

    def tell_of_reset(self, stream_id: int, code: int, *, by_client: bool = False) -> None:
        """A stream was cut off."""
        tell_reset(self.context, self.peer, stream_id, code, by_client=by_client)

    def tell_of_fault(self, fault: Any, detail: str) -> None:
        """The connection ends for what its client did: if it was too much, or too slow, listeners hear of it."""
        timeout, kind = getattr(fault, "timeout", ""), getattr(fault, "kind", "")
        if timeout:
            tell_timeout(self.context, self.peer, timeout)
        elif kind:
            tell_limit(self.context, self.peer, f"flood:{kind}")
        self.host.request_refused(self.peer, 0, detail, told=bool(timeout or kind))

    def tell_of_stream(self, detail: str, *, told: bool = False) -> None:
        """A stream was reset for what its client did. The connection goes on, so its host is not told of an end.
        ``told``: listeners hear of the same as a `LimitHit` or a `ClientTimedOut`.
        """
        level = logging.DEBUG if told else logging.INFO
        logger.log(level, "Reset an %s stream of %s: %s", self.protocol, client_name(self.peer.client), detail)
