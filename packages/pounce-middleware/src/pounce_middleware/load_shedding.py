"""At most so many requests in the application, at most so many waiting; beyond that 503 with Retry-After at once.

An HTTP request keeps its place until the application returns; a WebSocket has one for its handshake only, because its
connection may last for days (how many there are is a limit on connections). Who leaves while he waits frees his place
in the queue. A small body is received before its request asks for a place; a large one while it has one.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from pounce_middleware.adaptive_limit import AdaptiveLimit
from pounce_middleware.load_shedding_settings import ADAPTIVE_LARGEST, LoadSheddingSettings
from pounce_middleware.path_set import PathSet
from pounce_middleware.receive_ahead import ReceiveAhead, is_patient
from pounce_middleware.refusal import refuse
from pounce_middleware.root_path import path_below_root
from pounce_middleware.shedder import LoadShedder, Outcome, Waiter
from pounce_middleware.small_body import SmallBody, has_small_body

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["LoadSheddingMiddleware", "load_shedder"]

_WHY: Final = {
    Outcome.FULL: "the server is busy",
    Outcome.EXPIRED: "the server is busy, and it did not become less so in time",
    Outcome.GONE: "the request was given up",
}

_HANDSHAKE_ENDS: Final = ("websocket.accept", "websocket.close", "websocket.http.response.start")


def load_shedder(settings: LoadSheddingSettings, *, share: int = 1) -> LoadShedder:
    """The state of a server with these settings. ``share`` is the number of processes that have one like this; each
    takes its part of the limit and of the queue, rounded down, but one request at least.

    Raises:
        ValueError: no limit is set.
    """
    if settings.request_queue_limit is None and not settings.request_queue_adaptive:
        raise ValueError("request_queue_limit: no limit is set")
    largest = max(1, (settings.request_queue_limit or ADAPTIVE_LARGEST) // share)
    return LoadShedder(
        AdaptiveLimit(largest) if settings.request_queue_adaptive else largest,
        queue=settings.request_queue_size // share,
        timeout=settings.request_queue_timeout,
    )


class LoadSheddingMiddleware:
    """Calls the application when a `LoadShedder` has a place. Any number of loops may call it at once."""

    __slots__ = ("_app", "_exempt_paths", "_retry_after", "_shedder")

    def __init__(
        self,
        app: AnyApplication,
        *,
        shedder: LoadShedder,
        exempt_paths: Iterable[str] = (),
        retry_after: int = 1,
    ) -> None:
        """``retry_after`` is in seconds.

        Raises:
            ValueError: a path is none.
        """
        self._app = app
        self._shedder = shedder
        self._exempt_paths = PathSet(exempt_paths) or None
        self._retry_after = (b"retry-after", b"%d" % retry_after)

    @classmethod
    def from_settings(
        cls, app: AnyApplication, settings: LoadSheddingSettings, *, shedder: LoadShedder | None = None
    ) -> Self:
        """As the settings say; the shedder is made once for a server and given to all its chains.

        Raises:
            ValueError: no limit is set and there is no shedder.
        """
        return cls(
            app,
            shedder=shedder or load_shedder(settings),
            exempt_paths=settings.request_queue_exempt_path,
            retry_after=settings.request_queue_retry_after,
        )

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve a request when it is its turn, or refuse it."""
        if scope["type"] not in ("http", "websocket") or (
            self._exempt_paths is not None and path_below_root(scope) in self._exempt_paths
        ):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http" and has_small_body(scope) and not self._shedder.full:
            body = SmallBody(receive)
            receive = body.receive
            if not await body.arrive():
                await self._refuse(Outcome.GONE, scope, receive, send)
                return
        outcome = self._shedder.enter()
        if isinstance(outcome, Waiter):
            outcome, receive = await self._wait(outcome, scope, receive)
        if outcome is not Outcome.ENTERED:
            await self._refuse(outcome, scope, receive, send)
            return
        if scope["type"] == "http" and self._shedder.adaptive is None:
            try:
                await self._app(scope, receive, send)
            finally:
                self._shedder.leave()
            return
        stay = _Stay(self._shedder, receive, send, is_handshake=scope["type"] == "websocket")
        try:
            await self._app(scope, stay.receive, stay.send)
        finally:
            stay.end()

    async def _wait(
        self, waiter: Waiter, scope: Any, receive: ASGIReceiveCallable
    ) -> tuple[Outcome, ASGIReceiveCallable]:
        """Wait for a place, the deadline, or the client's leaving; and how to receive from here on."""
        shedder = self._shedder
        timer = waiter.loop.call_later(shedder.timeout, shedder.give_up, waiter, Outcome.EXPIRED)
        ahead = None
        if not is_patient(scope):
            ahead = ReceiveAhead(receive, partial(shedder.give_up, waiter, Outcome.GONE))
            ahead.start()
            receive = ahead.receive
        try:
            outcome = await waiter.future
            if ahead is not None:
                await ahead.stop()
        except asyncio.CancelledError:
            # Before anything is awaited: it may be cancelled again there.
            shedder.give_up(waiter, Outcome.GONE)
            if waiter.outcome is Outcome.ENTERED:
                shedder.leave()
            if ahead is not None:
                await ahead.stop()
            raise
        finally:
            timer.cancel()
        return outcome, receive

    async def _refuse(self, outcome: Outcome, scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if outcome is not Outcome.GONE:
            await refuse(scope, receive, send, 503, _WHY[outcome], (self._retry_after,))
        elif scope["type"] == "http":
            # Who has only said that he will send no more may still read.
            with contextlib.suppress(OSError):
                await refuse(scope, receive, send, 503, _WHY[outcome], (self._retry_after,))


class _Stay:
    """A place that is given back once, at the end of a handshake or of a request, and how long its answer took."""

    __slots__ = ("_epoch", "_has_place", "_is_handshake", "_receive", "_send", "_shedder", "_started")

    def __init__(
        self, shedder: LoadShedder, receive: ASGIReceiveCallable, send: ASGISendCallable, *, is_handshake: bool
    ) -> None:
        self._shedder = shedder
        self._receive = receive
        self._send = send
        self._is_handshake = is_handshake
        self._has_place = True
        self._started = 0.0
        self._epoch: int | None = None
        if shedder.adaptive is not None:
            self._epoch = shedder.started()
            self._started = shedder.clock()

    async def receive(self) -> Any:
        """What comes; how long a body takes is due to the client and says nothing about the application."""
        if self._epoch is None:
            return await self._receive()
        asked = self._shedder.clock()
        message: Any = await self._receive()
        if message["type"] == "http.request":
            self._started += self._shedder.clock() - asked
        return message

    async def send(self, message: Any) -> None:
        """Look at each message on its way."""
        kind = message["type"]
        if self._is_handshake:
            if self._has_place and kind in _HANDSHAKE_ENDS:
                self._answered()
                self.end()
        elif self._epoch is not None and kind == "http.response.start":
            self._answered()
        await self._send(message)

    def end(self) -> None:
        """Give the place back, if that has not been done."""
        if self._has_place:
            self._has_place = False
            self._shedder.leave()

    def _answered(self) -> None:
        epoch, self._epoch = self._epoch, None
        if epoch is not None:
            self._shedder.answered(epoch, max(0.0, self._shedder.clock() - self._started))
