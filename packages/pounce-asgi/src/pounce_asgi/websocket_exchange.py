"""One WebSocket from handshake to goodbye: messages in, ASGI out. It knows no frame, no socket and no wire.

The wire makes an exchange for each valid handshake, gives it the client's messages and says what becomes of the client;
the exchange calls the application and sends through a `WebSocketSink`, or answers the handshake through the carrier's
`ResponseSink` when it is refused. What the application may send when is the table in `pounce_asgi.websocket_table`.

An application that returns without ``websocket.close`` closes with 1000; one that raises closes with 1011. Hot path.
"""

from __future__ import annotations

from asyncio import Task
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Generic, cast

from pounce_asgi import websocket_table  # noqa: F401 - fills the states' tables
from pounce_asgi.contracts import WireFields
from pounce_asgi.error_response import send_error_response
from pounce_asgi.errors import ClientGone, RequestError
from pounce_asgi.http_exchange import EAGER, HttpExchange
from pounce_asgi.waiters import and_waiter, wake
from pounce_asgi.websocket_ending import application_failed, application_returned, end_badly
from pounce_asgi.websocket_inbox import WebSocketInbox
from pounce_asgi.websocket_report import WebSocketReport
from pounce_asgi.websocket_scope import build_websocket_scope
from pounce_asgi.websocket_sink import NOBODY
from pounce_asgi.websocket_states import (
    CLOSED,
    CONNECTING,
    DENYING,
    GONE,
    OPEN,
    Message,
    WebSocketState,
    explain_misuse,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Sequence

    from pounce_asgi.contracts import HeaderPair, RequestHead
    from pounce_asgi.exchange_context import ExchangeContext, Peer
    from pounce_asgi.websocket_sink import WebSocketSink
    from pounce_asgi.wire_host import WebSocketCarrier

__all__ = ["WebSocketExchange"]

ABNORMAL_CLOSURE: Final = 1006


class WebSocketExchange(WebSocketInbox, Generic[WireFields]):
    """One WebSocket and its application. Owned by the worker's thread."""

    __slots__ = (
        "_connect_delivered",
        "_disconnect",
        "_senders",
        "carrier",
        "context",
        "denial",
        "half",
        "head",
        "head_on_wire",
        "peer",
        "report",
        "sent",
        "sink",
        "state",
        "status",
        "subprotocols",
        "task",
    )

    def __init__(
        self,
        context: ExchangeContext[WireFields],
        carrier: WebSocketCarrier[WireFields],
        sink: WebSocketSink,
        head: RequestHead,
        peer: Peer,
        *,
        subprotocols: Sequence[str] = (),
        max_queue: int = 32,
    ) -> None:
        """``max_queue``: messages that may wait for the application before reading is to pause."""
        super().__init__(max_queue)
        self.context = context
        self.carrier = carrier
        self.sink: WebSocketSink = sink
        self.head = head
        self.peer = peer
        self.subprotocols = subprotocols
        self.state: WebSocketState = CONNECTING
        self.task: asyncio.Task[Any] | None = None
        self.denial: HttpExchange[WireFields] | None = None
        self.report: WebSocketReport | None = None
        self.status = 500
        self.sent = 0
        """Bytes of messages sent, without framing."""
        self.head_on_wire = False
        self.half = False
        self._connect_delivered = False
        self._disconnect: Message | None = None
        self._senders: list[asyncio.Future[None]] | None = None

    # -- called by the wire ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Call the application. It may have answered, and even returned, when this returns.

        ``SystemExit`` and ``KeyboardInterrupt`` of the application pass through; the client is told that it failed.
        """
        context = self.context
        scope = build_websocket_scope(self.head, context, self.peer, self.subprotocols)
        if context.reports:
            self.report = WebSocketReport.begin(self.reported, scope, self.carrier.stream_id)
        try:
            coroutine = context.app(scope, self.receive, self.send)  # type: ignore[arg-type]
            if type(coroutine) is not CoroutineType:
                coroutine = _awaiting(coroutine)
            if EAGER:  # noqa: SIM108 - as in HttpExchange.start
                task = Task(coroutine, loop=context.loop, eager_start=True)  # type: ignore[call-arg,unused-ignore]  # from 3.12
            else:
                task = Task(coroutine, loop=context.loop)
        except Exception as error:  # noqa: BLE001 - whatever the application raises has the same end
            application_failed(self, error)
            return
        except BaseException:
            end_badly(self)
            raise
        if task.done():
            application_returned(self, task)
            return
        self.task = task
        context.running.add(task)
        task.add_done_callback(partial(application_returned, self))
        if self.denial is not None:
            self._denied_early(task)

    def client_closing(self, code: int, reason: str) -> bool:
        """The client has said goodbye, and sends no more. True: answer it now.

        False: messages wait. The application has them first, and may still answer; ``sink.close()`` follows when it
        hears of the disconnect, or closes itself.
        """
        if self.state is OPEN and self.messages:
            self._disconnect = _disconnect(code, reason)
            self.listening = False
            return False
        self.disconnected(code, reason)
        return True

    def disconnected(self, code: int, reason: str, *, vanished: bool = False) -> None:
        """The WebSocket is over: messages that wait are still delivered, then the disconnect; ``send()`` raises.

        ``vanished``: no goodbye was heard.
        """
        if self._disconnect is None:
            self._disconnect = _disconnect(code, reason)
        self.listening = False
        self.unreachable(vanished=vanished)
        self.wake_receivers()

    def unreachable(self, *, vanished: bool) -> None:
        """Nothing can be sent any more; messages may still come, until ``disconnected()``."""
        if self.denial is not None:
            self.denial.client_gone()
        elif self.state is not GONE and self.state is not CLOSED:
            if self.report is not None:
                if vanished:
                    self.report.client_left(self.reported)
                else:
                    self.report.response_completed(self.reported, aborted=False)
            self.state = GONE
        self._wake_senders(ClientGone("the client has disconnected"))

    def part(self) -> None:
        """The sink is not needed any more: it will never be open, or nothing more is sent nor received."""
        self.sink = NOBODY

    def half_closed(self) -> None:
        """The client will send no more, and its handshake is not answered: ``receive()`` says so until it is."""
        self.half = True
        if self.denial is not None:
            self.denial.half_closed()
        self.wake_receivers()

    def client_gone(self) -> None:
        """The connection, or this stream, is lost."""
        self.disconnected(ABNORMAL_CLOSURE, "", vanished=True)

    def resume_sending(self) -> None:
        """The carrier is no longer congested."""
        if self.denial is not None:
            self.denial.resume_sending()
        self._wake_senders(None)

    def fail_request(self, error: RequestError) -> None:
        """The handshake cannot be completed: it is answered with the error's status, unless it has been answered."""
        if self.state is CONNECTING:
            self.answer(error.status, str(error))
        elif self.denial is not None:
            self.denial.fail_request(error)
        self.client_gone()

    def abandon(self) -> None:
        """Give it up, the server being stopped under it: the client can tell that it is cut off."""
        if self.denial is not None:
            self.denial.abandon()
        elif self.state is CONNECTING or self.state is OPEN:
            if self.report is not None:
                self.report.response_completed(self.reported, aborted=True)
            self.state = GONE
            self.carrier.reset()
        self.disconnected(ABNORMAL_CLOSURE, "the server has stopped")

    # -- called by the application -----------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """``websocket.connect``, then the client's messages, then ``websocket.disconnect`` as often as it is called."""
        while True:
            if not self._connect_delivered:
                self._connect_delivered = True
                return {"type": "websocket.connect"}
            if self.messages:
                message = self.take()
                if self._full and self.has_room_again():
                    self.sink.resume_messages()
                return message
            if self._disconnect is not None:
                if self.state is OPEN:
                    self._hear_of_closing(self._disconnect)
                return self._disconnect.copy()
            if self.denial is not None:
                return await self._after_denial(self.denial)
            if self.half and self.state is CONNECTING:
                return _disconnect(ABNORMAL_CLOSURE, "")
            news = self.news()
            if self._full and self.waits_for_more():
                self.sink.resume_messages()
            await news

    async def send(self, message: Message) -> None:
        """Take a message of the application. It returns when the bytes are on the wire or safely waiting.

        Raises:
            ApplicationError: the message is malformed or comes out of order.
            ClientGone: the client has left; an OSError.
        """
        try:
            handler = self.state.handlers[message["type"]]
        except (KeyError, TypeError):
            raise explain_misuse(self.state, message) from None
        waiting = handler(self, message)
        if waiting is not None:
            try:
                await waiting
            finally:
                del waiting  # a future and the exception in it would keep each other, and the application's frames

    # -- called by the handlers --------------------------------------------------------------------------------------

    def open(self, subprotocol: str | None, fields: Sequence[HeaderPair]) -> None:
        """The application takes the connection."""
        self.status = 101 if self.head.http_version == "1.1" else 200
        self.head_on_wire = True
        self.state = OPEN
        self.listening = True
        if self.report is not None:
            self.report.response_started(self.reported, self.status)
            self.report.opened(self, subprotocol)
        self.sink.accept(subprotocol, fields)

    def close(self, code: int, reason: str, *, aborted: bool = False) -> None:
        """The application's side is over; what the client has sent and nobody took is dropped."""
        self.state = CLOSED
        self.discard()
        if self._disconnect is None:
            self._disconnect = _disconnect(code, reason)
        if self.report is not None:
            self.report.response_completed(self.reported, aborted=aborted)
        self.sink.close(code, reason)
        self.wake_receivers()
        self._wake_senders(ClientGone("the application has closed the WebSocket"))

    def refuse(self, status: int) -> None:
        """Answer the handshake with an HTTP error, in place of the application."""
        self.answer(status, "")
        self.disconnected(ABNORMAL_CLOSURE, "")

    def answer(self, status: int, detail: str) -> None:
        """Send the whole of an error response. The connection ends: what follows may be frames of a hasty client."""
        self.state = CLOSED
        self.part()
        self.status = status
        self.head_on_wire = True
        if self.report is not None:
            self.report.response_started(self.reported, status)
        self.sent = send_error_response(self.context, self.carrier, status, detail, method=self.head.method, close=True)
        if self.report is not None:
            self.report.response_completed(self.reported, aborted=False)

    def deny(self) -> HttpExchange[WireFields]:
        """The exchange through which the application answers the handshake with a response of its own."""
        denial = self.denial
        if denial is None:
            denial = self.denial = HttpExchange(self.context, self.carrier, self.head, self.peer)
            denial.task = self.task
            denial.report = self.report
            self.state = DENYING
            self.part()
            self.wake_receivers()
        return denial

    def drained(self) -> Awaitable[None]:
        """Something to wait for until the client has read enough.

        Raises:
            ClientGone: the write that congested the carrier also found the client gone.
        """
        if self.state is GONE:
            raise ClientGone("the client has disconnected")
        future = self.context.loop.create_future()
        self._senders = and_waiter(self._senders, future)
        return future

    @property
    def reported(self) -> HttpExchange[Any]:
        """This exchange for an `ExchangeReport`, which asks for what both kinds of exchange have."""
        return cast("HttpExchange[Any]", self)

    @property
    def taker(self) -> Callable[[dict[str, Any], int], bool]:
        """What takes the client's messages: ``message_received()``, which may have to count them. Once it is open."""
        return self.message_received if self.report is None else self.report.taker(self)

    @property
    def closing_code(self) -> int:
        """What the side that said goodbye first gave as its reason; 1006 where neither did."""
        code: int = ABNORMAL_CLOSURE if self._disconnect is None else self._disconnect["code"]
        return code

    @property
    def left(self) -> bool:
        """The client has said goodbye, or vanished, before the application did."""
        return self.state is GONE or (self.state is OPEN and self._disconnect is not None)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _hear_of_closing(self, disconnect: Message) -> None:
        """The application has had all that came before the client's goodbye, which is answered now."""
        self.unreachable(vanished=False)
        self.sink.close(disconnect["code"], disconnect["reason"])

    def _denied_early(self, task: asyncio.Task[Any]) -> None:
        """The denial began in the eager first step, before there was a task."""
        if self.denial is not None and not self.denial.head_on_wire:
            self.denial.task = task
            self.context.loop.call_soon(self.denial.send_early_head)

    async def _after_denial(self, denial: HttpExchange[WireFields]) -> Message:
        """Wait until the response that denies the connection is complete, or the client gone."""
        while (await denial.receive())["type"] != "http.disconnect":
            pass
        return _disconnect(ABNORMAL_CLOSURE, "")

    def _new_future(self) -> asyncio.Future[None]:
        return self.context.loop.create_future()

    def _wake_senders(self, error: ClientGone | None) -> None:
        senders, self._senders = self._senders, None
        wake(senders, error)


def _disconnect(code: int, reason: str) -> Message:
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


async def _awaiting(awaitable: Awaitable[Any]) -> Any:
    """A coroutine for an application that returns another kind of awaitable."""
    return await awaitable
