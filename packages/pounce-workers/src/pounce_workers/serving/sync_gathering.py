"""Requests whose bodies come in before a blocking application is called: a client that sends slowly owns no thread.

The application is called when the body is whole, or when `BODY_BUFFER` bytes of it wait. Until then the parking thread
reads it, and answers a body that stalls, breaks off or breaks a rule. What is longer the application pulls in its own
thread, from a client that keeps up a minimum of progress.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, cast

from pounce_asgi.errors import RequestError
from pounce_asgi.exchange_report import ExchangeReport
from pounce_asgi.request_body import BODY_BUFFER
from pounce_asgi.scope import build_http_scope
from pounce_asgi.sync_exchange import SyncExchange
from pounce_workers.net.deadlines import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import ExchangeContext, Peer
    from pounce_asgi.contracts import RequestHead
    from pounce_asgi.request_body import RequestBody
    from pounce_workers.net.blocking_transport import BlockingTransport
    from pounce_workers.serving.http1_connection import Http1Connection

__all__ = ["LEAST_PROGRESS", "BodyPull", "GatheringExchange"]

LEAST_PROGRESS: Final = 1024
"""Bytes of a body that must come for every ``timeout_body_stall`` that a thread has waited for them in all. Far below
any real upload; a byte now and then would hold the thread for ever."""


class BodyPull:
    """How the application's thread waits for more of a long body. Owned by the thread that has the connection."""

    __slots__ = ("_body", "_counted", "_left", "_stall", "_transport")

    def __init__(self, transport: BlockingTransport, stall: float, body: RequestBody) -> None:
        """``stall`` is how long `LEAST_PROGRESS` bytes may take, in seconds; only time spent waiting here counts."""
        self._transport = transport
        self._stall = self._left = stall
        self._body = body
        self._counted = body.received

    def __call__(self) -> bool:
        """Wait for something; False when there will be no more, as after too little progress (408)."""
        body = self._body
        if body.received - self._counted >= LEAST_PROGRESS:
            self._counted = body.received
            self._left = self._stall
        began = time.monotonic()
        more = self._transport.receive(self._left)
        self._left -= time.monotonic() - began
        return more


class GatheringExchange(SyncExchange[bytes]):
    """A request with a body, and its response. Owned by whichever thread has the connection."""

    __slots__ = ("_calls", "_gathers_since")

    def __init__(
        self,
        context: ExchangeContext[bytes],
        connection: Http1Connection,
        head: RequestHead,
        peer: Peer,
        *,
        wait: Callable[[Any], None],
    ) -> None:
        """``wait`` is that of `SyncExchange`."""
        super().__init__(context, connection, head, peer, pull=_pulls_nothing, wait=wait)
        self._calls = False
        """The application is called, or will not be."""
        self._gathers_since = 0.0

    @property
    def _connection(self) -> Http1Connection:
        return cast("Http1Connection", self.sink)

    @property
    def _transport(self) -> BlockingTransport:
        return cast("BlockingTransport", self._connection.transport)

    @property
    def _may_begin(self) -> bool:
        """Enough is here, or no more is needed to answer."""
        body, limit = self.body, self.context.max_request_body
        if body is None or body.complete or body.waiting >= BODY_BUFFER:
            return True
        return limit is not None and (self.head.content_length or 0) > limit  # refused by its length alone

    # -- called by the wire ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Call the application if enough of the body is here; else wait for it without a thread."""
        transport = self._transport
        # Many clients send the body right behind the head: then it need not be parked.
        while not self._over and not self._may_begin and (data := transport.on_readable()) is not None:
            transport.deliver(data)
        if self._over:
            return
        if self._may_begin:
            self._call()
            return
        if self._continue_wanted and self.body is not None:
            # Not only when the application asks: it would have to hold its thread for a client that may never send.
            self._send_continue(self.body)
        self._gathers_since = time.monotonic()
        transport.gathers = True

    def feed(self, data: bytes) -> bool:
        """A piece of the body arrived."""
        full = super().feed(data)
        self._look()
        return full

    def finish_body(self) -> None:
        """The body is complete."""
        super().finish_body()
        self._look()

    def fail_request(self, error: RequestError) -> None:
        """The rest of the body cannot be had. The application is not called if it was not before."""
        self._refuse_to_begin()
        super().fail_request(error)

    def client_gone(self) -> None:
        """The connection is lost."""
        self._refuse_to_begin()
        super().client_gone()

    # -- inside ------------------------------------------------------------------------------------------------------

    @property
    def _over(self) -> bool:
        """It has been answered, or there is nobody to answer."""
        return self.gone or self._transport.lost or self._connection.exchange is not self

    def _look(self) -> None:
        """While the body is gathered: if there is enough of it now, a worker is wanted."""
        transport = self._transport
        if transport.gathers and not self._calls and self._may_begin:
            transport.gathers = False
            transport.turns.call_soon(self._begin)

    def _begin(self) -> None:
        """It is the request's turn: in a worker, or in the parking thread to be refused since there is none."""
        if self._over:
            return
        connection = self._connection
        if connection.refusal is not None:
            told = bool(connection.refused_for)
            connection.wire.request_refused(connection.peer, 503, connection.refusal, told=told)
            self.fail_request(RequestError(connection.refusal, status=503, setting=connection.refused_for))
            return
        connection.transport.deadline = NEVER  # it is the application's turn, which has no deadline
        self._call()

    def _call(self) -> None:
        self._calls = True
        if self.body is not None:
            connection = self._connection
            self._pull = BodyPull(self._transport, connection.wire.timeout_body_stall, self.body)
        super().start()

    def _refuse_to_begin(self) -> None:
        """It ends before the application was called: listeners are to hear of it all the same."""
        self._transport.gathers = False
        if not self._calls:
            self._calls = True
            if self.context.reports:
                self.report = ExchangeReport.begin(
                    self, build_http_scope(self.head, self.context, self.peer), self.sink.stream_id
                )
                self.report.started = self._gathers_since or self.report.started


def _pulls_nothing() -> bool:
    return False  # not before it is called
