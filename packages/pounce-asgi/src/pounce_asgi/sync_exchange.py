"""One HTTP request of a blocking worker: the same exchange, whose application is called in the calling thread.

It has the surface of `HttpExchange` towards the wire and keeps every rule of responses from it; only how the
application is called, how it reads and how it waits differ. Hot path.
"""

from __future__ import annotations

from asyncio import CancelledError
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, cast

from pounce_asgi.blocking_future import BlockingFuture
from pounce_asgi.client_gone import is_client_gone
from pounce_asgi.contracts import RequestHead, ResponseSink, WireFields
from pounce_asgi.errors import ClientGone
from pounce_asgi.http_exchange import HttpExchange
from pounce_asgi.request_stream import RequestStream
from pounce_asgi.response_states import COMPLETE, Message, explain_refusal
from pounce_asgi.scope import build_http_scope
from pounce_asgi.sync_app import SyncRequest
from pounce_asgi.waiters import and_waiter

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from pounce_asgi.exchange_context import ExchangeContext, Peer
    from pounce_asgi.sync_app import SyncHandler

__all__ = ["SyncExchange"]


class SyncExchange(HttpExchange[WireFields]):
    """A request whose application blocks. Owned by one thread, like its connection.

    A wire makes one as ``SyncExchange(context, sink, head, peer, pull=..., wait=...)`` and calls it like an
    `HttpExchange`: ``feed``, ``finish_body``, ``fail_request``, ``half_closed``, ``client_gone``, ``resume_sending``,
    ``abandon``, ``awaits_continue``. ``start()`` returns when the application has returned and everything it sent is
    with the sink; all of the other calls may come from within it, out of ``pull``, ``wait`` or the sink's own methods.

    Of the context it uses ``app``, which is a `SyncHandler` here (``sync_handler(app, interface)`` makes one), and all
    but ``loop`` and ``running``: anything may be given as the loop. The application runs in a copy of
    the caller's contextvars.

    The sink writes before it returns, so ``congested`` is False but after a write that found the client gone, and what
    ``send_file`` returns is done already: `BlockingFuture.settled()`, or ``failed()``.
    """

    __slots__ = ("_pull", "_wait")

    def __init__(
        self,
        context: ExchangeContext[WireFields],
        sink: ResponseSink[WireFields],
        head: RequestHead,
        peer: Peer,
        *,
        pull: Callable[[], bool],
        wait: Callable[[Any], None] | None = None,
    ) -> None:
        """``pull()`` blocks until something more has come from the client and was handed to the wire protocol, which
        feeds this exchange; or until the time limit of the connection is up, which the wire is told of as usual. It
        returns whether there can be more: False after the end of the connection, a time-out or a fault. It is called
        only while the application waits for its request body. What it raises passes through the application.

        ``wait(future)`` blocks until ``future.done()``, serving what the connection has to do meanwhile, such as
        ``writable()`` and ``connection_lost()``. It is called when the sink is congested, or returned a future that
        was not done. Without it such a sink is a mistake: the response fails with a RuntimeError.
        """
        super().__init__(context, sink, head, peer)
        self._pull = pull
        self._wait = wait or _cannot_wait

    def start(self) -> None:
        """Call the application; it has returned when this returns.

        ``SystemExit`` and ``KeyboardInterrupt`` of the application pass through; the client is answered 500, or reset.
        """
        context = self.context
        scope = build_http_scope(self.head, context, self.peer)
        if context.looks_at_requests and not self._admitted(scope):
            return
        stream = RequestStream() if self.body is None else RequestStream(more=self._next_piece)
        handler = cast("SyncHandler", context.app)
        try:
            copy_context().run(handler, SyncRequest.from_scope(scope, stream), self.send_now)
        except Exception as error:  # noqa: BLE001 - whatever the application raises has the same end
            self._failed(error)
        except CancelledError:
            self._cancelled()
        except (SystemExit, KeyboardInterrupt):
            # The process is to end. As after a failure, the client can tell that the application did not answer.
            if self.state is not COMPLETE and not self.gone:
                self._end_badly()
            raise
        except BaseException as error:  # noqa: BLE001 - such as a time limit of a library; no more than this request's
            self._failed(error)
        else:
            if self.state is not COMPLETE and not self.gone:
                self._failed(self._unfinished())

    def send_now(self, message: Message) -> None:
        """Send a response message; the `SyncSend` of the handler. The rules are those of ``send()``.

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
            self._wait_for(waiting)

    def drained(self) -> Awaitable[None] | None:
        """As in `HttpExchange`, without a loop."""
        if self.state is COMPLETE:
            return None
        if self.gone:
            raise ClientGone("the client has disconnected")
        future: BlockingFuture[None] = BlockingFuture()
        # What wakes these asks no more of them than this kind of future can.
        self._senders = and_waiter(self._senders, cast("asyncio.Future[None]", future))
        return future

    def _wait_for(self, waiting: Awaitable[None]) -> None:
        """Drive what a handler returned to its end. A blocking sink leaves it nothing to suspend for."""
        steps = waiting.__await__()
        try:
            for future in steps:
                self._wait(future)
        finally:
            steps.close()

    def _next_piece(self) -> bytes:
        """What has come of the request body, after blocking for it where nothing has; empty at its end.

        Raises:
            ClientGone: the rest cannot be had, or the response is complete and nobody waits for it any more.
        """
        body = self.body
        if body is None:
            return b""
        ended = False
        while not self.gone and self.state is not COMPLETE:
            if body.waiting or (body.complete and not body.failed):
                data = body.take()
                if not body.complete:
                    self.sink.resume_body()
                return data
            if body.failed or ended:
                break
            if self._continue_wanted:
                self._send_continue(body)
            ended = not self._pull()
        if self.state is COMPLETE:
            raise ClientGone("the response is complete: the rest of the request body is not read any more")
        raise ClientGone("the request body was cut off: its rest cannot be had")

    def _failed(self, error: BaseException) -> None:
        body = self.body
        if not self.gone and body is not None and body.failed and is_client_gone(error):
            # The body was cut off after the response had begun, and the application let the error pass: the client's
            # doing, and neither to be logged as the application's nor to look like a whole response.
            if self.state is not COMPLETE:
                self._end_badly()
            return
        super()._failed(error)


def _cannot_wait(_future: object) -> None:
    raise RuntimeError("the sink of a SyncExchange left something undone, and there is no wait() for it")
