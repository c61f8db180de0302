"""One HTTP request from head to end: bytes-side calls in, ASGI out. It knows no socket and no wire.

The wire protocol makes an exchange for each request head, feeds it the body and tells it what becomes of the client;
the exchange calls the application and answers through the wire's `ResponseSink`. What the application may send when is
the table in `pounce_asgi.response_table`. Hot path.
"""

from __future__ import annotations

import sys
from asyncio import CancelledError, Task
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Generic

from pounce_asgi import response_table  # noqa: F401 - fills the states' tables
from pounce_asgi.client_gone import is_client_gone
from pounce_asgi.contracts import BodyFraming, RequestHead, ResponseSink, WireFields
from pounce_asgi.error_response import send_error_response
from pounce_asgi.errors import (
    ClientGone,
    IncompleteResponse,
    MissingResponse,
    RequestError,
    RequestTimeout,
    RequestTooLarge,
)
from pounce_asgi.exchange_report import ExchangeReport
from pounce_asgi.failure_log import log_cancelled, log_failed, log_failed_late
from pounce_asgi.incidents import tell_limit, tell_timeout
from pounce_asgi.request_body import RequestBody
from pounce_asgi.response_messages import open_response
from pounce_asgi.response_states import (
    AWAITING_START,
    AWAITING_TRAILERS,
    COMPLETE,
    FAILED,
    GONE,
    HEAD_HELD,
    Message,
    ResponseState,
    explain_refusal,
)
from pounce_asgi.scope import build_http_scope
from pounce_asgi.waiters import and_waiter, wake

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable

    from pounce_asgi.exchange_context import ExchangeContext, Peer
    from pounce_asgi.response_head import ResponseHead

__all__ = ["HttpExchange"]

EAGER: Final = sys.version_info >= (3, 12)
"""Whether tasks can begin where they are made."""


class HttpExchange(Generic[WireFields]):
    """One request and its response. Owned by the worker's thread.

    The wire calls ``start`` once, ``feed``/``finish_body``/``fail_request`` as the body arrives, ``half_closed`` or
    ``client_gone`` when the client leaves, and ``resume_sending`` when it reads again.
    """

    __slots__ = (
        "_continue_wanted",
        "_receivers",
        "_request_delivered",
        "_senders",
        "body",
        "context",
        "declared",
        "framing",
        "gone",
        "half",
        "head",
        "head_on_wire",
        "hinted",
        "peer",
        "report",
        "sent",
        "sink",
        "start_message",
        "state",
        "status",
        "task",
        "trailer_fields",
        "trailers",
    )

    # Set by the handlers in response_messages, never before `http.response.start`:
    start_message: ResponseHead[WireFields]
    declared: int | None
    framing: BodyFraming | None  # None until the first body message tells whether the length is known
    trailer_fields: WireFields

    def __init__(
        self, context: ExchangeContext[WireFields], sink: ResponseSink[WireFields], head: RequestHead, peer: Peer
    ) -> None:
        self.context = context
        self.sink = sink
        self.head = head
        self.peer = peer
        self.state: ResponseState = AWAITING_START
        self.task: asyncio.Task[Any] | None = None
        self.status = 500
        self.sent = 0
        self.head_on_wire = False
        self.hinted = False
        self.gone = False
        self.half = False
        self.report: ExchangeReport | None = None
        self.trailers = False
        self._request_delivered = False
        if head.has_body:
            self.body: RequestBody | None = RequestBody()
            self._continue_wanted = head.expect_continue
        else:
            self.body = None
            self._continue_wanted = False
        self._receivers: list[asyncio.Future[None]] | None = None
        self._senders: list[asyncio.Future[None]] | None = None

    # -- called by the wire ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Call the application. It may have answered, and even returned, when this returns.

        ``SystemExit`` and ``KeyboardInterrupt`` of the application pass through; the client is answered 500, or reset.
        """
        context = self.context
        scope = build_http_scope(self.head, context, self.peer)
        if context.looks_at_requests and not self._admitted(scope):
            return
        try:
            coroutine = context.app(scope, self.receive, self.send)  # type: ignore[arg-type]
            if type(coroutine) is not CoroutineType:
                coroutine = _awaiting(coroutine)
            # Eagerly where Python can: an application that never waits then needs no turn of the loop. A task factory
            # that the application set on the loop is passed by: it could not start tasks eagerly.
            if EAGER:  # noqa: SIM108 - mypy knows the version that is the oldest, so one line must be left out
                task = Task(coroutine, loop=context.loop, eager_start=True)  # type: ignore[call-arg,unused-ignore]  # from 3.12
            else:
                task = Task(coroutine, loop=context.loop)
        except Exception as error:  # noqa: BLE001 - whatever the application raises has the same end
            self._failed(error)
            return
        except BaseException:
            # The process is to end. As after a failure, the client can tell that the application did not answer.
            if self.state is not COMPLETE and not self.gone:
                self._end_badly()
            raise
        if task.done():
            self._returned(task)
            return
        self.task = task
        context.running.add(task)
        task.add_done_callback(self._returned)
        if self.state is HEAD_HELD:
            context.loop.call_soon(self.send_early_head)

    def feed(self, data: bytes) -> bool:
        """A piece of the request body arrived. True: enough waits, stop reading until ``sink.resume_body()``."""
        body = self.body
        if body is None or body.failed or self.state is COMPLETE or self.gone:
            return False
        full = body.feed(data)
        limit = self.context.max_request_body
        if limit is not None and body.received > limit:
            self.fail_request(RequestTooLarge(f"the request body is larger than {limit} bytes"))
            return False
        if self._receivers is not None:
            self._wake_receivers()
        return full

    def finish_body(self) -> None:
        """The request body is complete."""
        if self.body is not None:
            self.body.complete = True
            if self._receivers is not None:
                self._wake_receivers()

    def fail_request(self, error: RequestError) -> None:
        """The rest of the request cannot be had: cut off, malformed or too large.

        The application sees a disconnect, never a body that looks complete. If nothing of the response is on the wire
        the client gets the error's status; a response that has begun goes on.
        """
        if error.setting:
            tell_limit(self.context, self.peer, error.setting, self.sink.stream_id)
        elif isinstance(error, RequestTimeout):
            tell_timeout(self.context, self.peer, "timeout_body_stall", self.sink.stream_id)
        if self.body is not None:
            self.body.failed = True
        if not self.head_on_wire and not self.gone:
            self._answer_instead(error.status, str(error), close=True)
            self.gone = True
            self.state = GONE
            self._wake_senders(ClientGone("the request was refused: the server has answered it"))
        self._wake_receivers()

    def half_closed(self) -> None:
        """The client will send no more, but may still read: ``receive()`` says so, ``send()`` goes on."""
        self.half = True
        if self.body is not None and not self.body.complete:
            self.body.failed = True
        self._wake_receivers()

    def client_gone(self) -> None:
        """The connection, or this stream, is lost: ``receive()`` says so and ``send()`` raises `ClientGone`."""
        if self.gone:
            return
        if self.state is not COMPLETE and self.report is not None:
            self.report.client_left(self)
        self._close("the client has disconnected")

    def resume_sending(self) -> None:
        """The sink is no longer congested."""
        self._wake_senders(None)

    def abandon(self) -> None:
        """Give the response up, the server being stopped under it: the client can tell that it is cut off."""
        if self.state is not COMPLETE and not self.gone:
            if self.report is not None:
                self.report.response_completed(self, aborted=True)
            self._close("the response was given up")
            self.sink.reset()

    def awaits_continue(self) -> bool:
        """Whether the client waits for a 100 that it has not been sent (RFC 9110, 10.1.1)."""
        return self._continue_wanted and (self.body is None or not self.body.received)

    # -- called by the application -----------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """The next part of the request, or ``http.disconnect`` once there is nothing more to come."""
        while True:
            if self.gone or self.state is COMPLETE:
                return {"type": "http.disconnect"}
            if not self._request_delivered:
                body = self.body
                if body is None:
                    self._request_delivered = True
                    return {"type": "http.request", "body": b"", "more_body": False}
                if body.waiting or (body.complete and not body.failed):
                    data = body.take()
                    if body.complete and not body.failed:
                        self._request_delivered = True
                        return {"type": "http.request", "body": data, "more_body": False}
                    self.sink.resume_body()
                    return {"type": "http.request", "body": data, "more_body": True}
                if body.failed:
                    return {"type": "http.disconnect"}
                if self._continue_wanted:
                    self._send_continue(body)
            if self.half:
                return {"type": "http.disconnect"}
            await self._next_news()

    async def send(self, message: Message) -> None:
        """Send a response message (ASGI HTTP 2.5). It returns when the bytes are on the wire or safely waiting.

        Raises:
            ApplicationError: the message is malformed or comes out of order.
            ClientGone: the client has left; an OSError.
        """
        try:
            handler = self.state.handlers[message["type"]]
        except (KeyError, TypeError):
            raise explain_refusal(self.state, message) from None
        waiting = handler(self, message)
        if waiting is not None:
            try:
                await waiting
            finally:
                del waiting  # a future and the exception in it would keep each other, and the application's frames

    # -- called by the handlers --------------------------------------------------------------------------------------

    def send_early_head(self) -> None:
        """The application let the loop turn without a first piece of body: the head goes alone.

        An application that has sent an early hint may send more of them, so its head waits for the body.
        """
        if self.state is HEAD_HELD and self.context.early_head and not self.hinted:
            if self.task is not None and self.task.done():
                return  # it ended in the same turn: an error may still take the place of this head
            open_response(self, b"", None, end=False)

    def complete(self) -> None:
        """The response is whole on the wire."""
        self.state = COMPLETE
        if self._receivers is not None:
            self._wake_receivers()
        if self.report is not None:
            self.report.response_completed(self, aborted=False)

    def await_trailers(self) -> None:
        """The body is whole; the trailers that were announced end the response."""
        self.trailer_fields = self.context.no_fields
        self.state = AWAITING_TRAILERS

    def drained(self) -> Awaitable[None] | None:
        """Something to wait for until the client has read enough. Nothing when the response is complete: its last
        piece is the transport's to deliver, and the application has nothing more to hold back.

        Raises:
            ClientGone: the write that congested the sink also found the client gone.
        """
        if self.state is COMPLETE:
            return None
        if self.gone:
            raise ClientGone("the client has disconnected")
        future = self.context.loop.create_future()
        self._senders = and_waiter(self._senders, future)
        return future

    # -- inside ------------------------------------------------------------------------------------------------------

    def _close(self, why: str) -> None:
        """No more comes from the client and nothing more goes to it."""
        self.gone = True
        if self.state is not COMPLETE:
            self.state = GONE
        if self.body is not None:
            self.body.failed = not self.body.complete
            self.body.discard()
        self._wake_receivers()
        self._wake_senders(ClientGone(why))

    def _admitted(self, scope: dict[str, Any]) -> bool:
        """Tell who listens that the request begins. False when its body is announced as too large, and it is over."""
        if self.context.reports:
            self.report = ExchangeReport.begin(self, scope, self.sink.stream_id)
        limit = self.context.max_request_body
        if limit is None or self.body is None or (self.head.content_length or 0) <= limit:
            return True
        self.fail_request(RequestTooLarge(f"the request body is larger than {limit} bytes"))
        return False

    def _send_continue(self, body: RequestBody) -> None:
        """The application asks for the body: tell the client to send it, unless it already does (RFC 9110, 10.1.1)."""
        self._continue_wanted = False
        if not body.received and not self.head_on_wire:
            self.sink.send_informational(100, self.context.no_fields)

    def _next_news(self) -> Awaitable[None]:
        future = self.context.loop.create_future()
        self._receivers = and_waiter(self._receivers, future)
        return future

    def _wake_receivers(self) -> None:
        receivers, self._receivers = self._receivers, None
        wake(receivers)

    def _wake_senders(self, error: ClientGone | None) -> None:
        senders, self._senders = self._senders, None
        wake(senders, error)

    def _returned(self, task: asyncio.Task[Any]) -> None:
        """The application has returned, raised or was cancelled."""
        if self.task is not None:
            self.task = None
            self.context.running.discard(task)
        try:
            error = task.exception()
        except CancelledError:
            self._cancelled()
            return
        if error is not None:
            self._failed(error)
        elif self.state is not COMPLETE and not self.gone:
            self._failed(self._unfinished())

    def _unfinished(self) -> MissingResponse | IncompleteResponse:
        if not self.head_on_wire and self.state is not HEAD_HELD:
            return MissingResponse("the application returned without answering")
        return IncompleteResponse("the application returned before its response was complete")

    def _cancelled(self) -> None:
        if self.state is not COMPLETE and not self.gone:
            log_cancelled(self.head)
            self._end_badly()

    def _failed(self, error: BaseException) -> None:
        if self.gone and is_client_gone(error):
            return
        if self.report is not None:
            self.report.failed(self, error)
        if self.gone:
            log_failed_late(self.head, error)
            return
        log_failed(self.head, error, self.report.request_id if self.report is not None else None)
        if self.state is not COMPLETE:
            self._end_badly()

    def _end_badly(self) -> None:
        """A 500 while nothing is on the wire; after that the client must be able to tell that the rest is missing."""
        if self.head_on_wire:
            self.abandon()
            return
        self._answer_instead(500, "", close=self.state is FAILED)
        self.state = COMPLETE
        self._wake_receivers()

    def _answer_instead(self, status: int, detail: str, *, close: bool) -> None:
        self.status = status
        self.head_on_wire = True
        if self.report is not None:
            self.report.response_started(self, status)
        self.sent = send_error_response(self.context, self.sink, status, detail, method=self.head.method, close=close)
        if self.report is not None:
            self.report.response_completed(self, aborted=False)


async def _awaiting(awaitable: Awaitable[Any]) -> Any:
    """A coroutine for an application that returns another kind of awaitable."""
    return await awaitable
