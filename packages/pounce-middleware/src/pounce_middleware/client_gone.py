"""An application whose client has left is cancelled, so that nobody works for an answer that nobody reads.

This is an option, because not every application is made to be cancelled anywhere. Who receives for himself is told as
always and decides himself: an application that is waiting in ``receive()`` when its client leaves gets the disconnect,
and is not cancelled. An application that never waits is never watched, and one whose response is complete is left in
peace. A client that has only closed its sending side counts as gone: it is answered 499 if it still reads.

What comes from the client while the application is busy is kept for it (see ``receive_ahead``, which also says when the
leaving cannot be seen). WebSocket applications receive anyhow: they are not concerned.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

from pounce_middleware.receive_ahead import ReceiveAhead, is_patient
from pounce_middleware.response_progress import ResponseProgress

if TYPE_CHECKING:
    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.client_gone_settings import ClientGoneSettings

__all__ = ["ClientGoneMiddleware"]

CLIENT_CLOSED_REQUEST = 499
"""Of no registry, but what access logs say for it."""


class ClientGoneMiddleware:
    """Cancels what is done for nobody. It has no state: any number of loops may call it at once."""

    __slots__ = ("_app",)

    def __init__(self, app: AnyApplication) -> None:
        self._app = app

    @classmethod
    def from_settings(cls, app: AnyApplication, _settings: ClientGoneSettings) -> Self:
        """The middleware has no options but to be there."""
        return cls(app)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve a request."""
        if scope["type"] != "http" or is_patient(scope):
            await self._app(scope, receive, send)
            return
        watch = _Watch(receive, send)
        try:
            await self._app(scope, watch.receive, watch.send)
        except asyncio.CancelledError:
            if not watch.end():
                raise
        except BaseException:
            watch.end()
            raise
        else:
            if not watch.end():
                return
        if not watch.started:
            # Nobody reads it, as a rule; a server that knows that says so with an OSError, or ignores it.
            with contextlib.suppress(OSError):
                headers = [(b"content-length", b"0")]
                await send({"type": "http.response.start", "status": CLIENT_CLOSED_REQUEST, "headers": headers})
                await send({"type": "http.response.body", "body": b""})


class _Watch(ResponseProgress):
    """Watches for the client's leaving from the first turn of the loop on in which the application has not ended."""

    __slots__ = ("_ahead", "_before", "_begin", "_cancelled", "_receive", "_receiving", "_task")

    def __init__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        super().__init__(send)
        task = asyncio.current_task()
        assert task is not None, "an application is called in a task"
        self._task = task
        self._before = task.cancelling()
        self._cancelled = False
        self._receive = receive
        self._receiving = 0
        self._ahead: ReceiveAhead | None = None
        self._begin: asyncio.Handle | None = task.get_loop().call_soon(self._start)

    async def receive(self) -> Any:
        """The application's ``receive``."""
        if self._ahead is not None:
            return await self._ahead.receive()
        self._receiving += 1
        try:
            return await self._receive()
        finally:
            self._receiving -= 1
            self._begin_again()

    def completed(self) -> None:
        """The response is complete: from now on a disconnect means just that."""
        self._stop()

    def end(self) -> bool:
        """The application has ended. True when it was cancelled for its client alone, and by nobody else."""
        self._stop()
        return self._cancelled and self._task.uncancel() <= self._before

    def _start(self) -> None:
        self._begin = None
        if not self._receiving:
            self._ahead = ReceiveAhead(self._receive, self._gone)
            self._ahead.start()

    def _begin_again(self) -> None:
        """The application was receiving when the watch was to begin."""
        if self._begin is None and not self._receiving and not self.complete and self._ahead is None:
            self._begin = self._task.get_loop().call_soon(self._start)

    def _stop(self) -> None:
        begin, self._begin = self._begin, None
        if begin is not None:
            begin.cancel()
        if self._ahead is not None:
            self._ahead.cancel()

    def _gone(self) -> None:
        if not self.complete and not self._task.done():
            self._cancelled = True
            self._task.cancel()
