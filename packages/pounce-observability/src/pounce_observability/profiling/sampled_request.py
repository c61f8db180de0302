"""One request that is measured: its application is called through this, and its own calls are timed.

Owned by the thread of its event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pounce_asgi.response_states import COMPLETE

from .request_profile import RequestProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pounce_asgi.http_exchange import HttpExchange
    from pounce_asgi.request_sampler import HeadTimes

__all__ = ["SampledRequest"]

FIRST_LOOK: Final = 0.001
"""Seconds after which it is looked whether the client has taken all of a response that waited for it."""
LOOKS: Final = 1.1
"""Each next look comes so much later than the one before: no time is wrong by more than a tenth."""
CLIENT_GONE: Final = 499
_ALPN: Final = {"2": "h2", "3": "h3"}


class _Steps:
    """A coroutine, stepped through as it is; notes when it first waited."""

    __slots__ = ("_clock", "_coroutine", "waited")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], clock: Callable[[], float]) -> None:
        self._coroutine = coroutine
        self._clock = clock
        self.waited: float | None = None

    def __await__(self) -> _Steps:
        return self

    def __iter__(self) -> _Steps:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        result = self._coroutine.send(value)
        if self.waited is None:
            self.waited = self._clock()
        return result

    def throw(self, *raised: Any) -> Any:
        return self._coroutine.throw(*raised)

    def close(self) -> None:
        self._coroutine.close()


class SampledRequest:
    """Measures until the response is whole and taken, or the request has ended otherwise; then reports, once."""

    __slots__ = (
        "_app_ended",
        "_body",
        "_called",
        "_clock",
        "_drain",
        "_exchange",
        "_head",
        "_left",
        "_ready",
        "_report",
        "_reported",
        "_serialise",
        "_started",
        "_worker_id",
    )

    def __init__(
        self,
        exchange: HttpExchange[Any],
        *,
        clock: Callable[[], float],
        ready: float,
        head: HeadTimes | None,
        worker_id: int,
        report: Callable[[RequestProfile], object],
    ) -> None:
        """``ready`` and ``head`` are those of the sampler at this moment, in which the application is called."""
        self._exchange = exchange
        self._clock = clock
        self._ready = ready
        self._head = head
        self._worker_id = worker_id
        self._report = report
        self._called = self._started = clock()
        self._app_ended: float | None = None
        self._body = 0.0
        self._serialise = 0.0
        self._drain = 0.0
        self._left = 0.0
        self._reported = False

    async def run(self, app: Any, scope: Any, receive: Any, send: Any) -> None:
        """The application, with its calls timed."""
        self._started = self._clock()

        async def timed_receive() -> Any:
            began = self._clock()
            message = await receive()
            # Many applications wait for http.disconnect beside their work; that takes no time of theirs.
            if self._app_ended is None and message["type"] == "http.request":
                self._body += self._clock() - began
            return message

        async def timed_send(message: Any) -> None:
            await self._send(send, message)

        try:
            await app(scope, timed_receive, timed_send)
        finally:
            if self._app_ended is None:
                self._app_ended = self._clock()
                # What the exchange makes of it, such as a 500, comes in the next turn at the latest, but after what is
                # asked for here.
                loop = self._exchange.context.loop
                loop.call_soon(loop.call_soon, self._conclude)

    async def _send(self, send: Any, message: Any) -> None:
        steps = _Steps(send(message), self._clock)
        began = self._clock()
        try:
            await cast("Any", steps)
        finally:
            now = self._clock()
            if self._app_ended is None:
                waited = now if steps.waited is None else steps.waited
                self._serialise += waited - began
                self._drain += now - waited
                if self._exchange.state is COMPLETE:
                    self._app_ended = now
                    self._conclude()

    # -- the end of it -----------------------------------------------------------------------------------------------

    @property
    def _unsent(self) -> bool:
        """A part of the response waits for the client."""
        return bool(getattr(self._exchange.sink, "unsent", False)) and not self._exchange.gone

    def _conclude(self) -> None:
        """The application has done its part."""
        if self._unsent:
            self._look_again(self._app_ended or self._clock(), FIRST_LOOK)
        else:
            self._tell()

    def _look_again(self, since: float, pause: float) -> None:
        def look() -> None:
            if self._unsent:
                self._look_again(since, pause * LOOKS)
            else:
                self._left = self._clock() - since
                self._tell()

        self._exchange.context.loop.call_later(pause, look)

    def _tell(self) -> None:
        if not self._reported:
            self._reported = True
            self._report(self._profile())

    def _profile(self) -> RequestProfile:
        exchange = self._exchange
        http = exchange.head
        ended = self._started if self._app_ended is None else self._app_ended
        app = ended - self._started - self._serialise - self._drain - self._body
        read, parse, queue = self._before()
        whole = exchange.state is COMPLETE
        left_early = not whole and exchange.gone and not exchange.head_on_wire
        return RequestProfile(
            http.method,
            http.raw_path.decode("latin-1"),
            CLIENT_GONE if left_early else exchange.status,
            _ALPN.get(http.http_version, "http/1.1"),
            self._worker_id,
            read + self._body,
            parse,
            queue,
            max(app, 0.0),  # an application may send and receive at once, and time is then counted twice
            self._serialise,
            self._drain + self._left,
            aborted=not whole,
        )

    def _before(self) -> tuple[float, float | None, float | None]:
        """Of the time before the application's first step: read, parse, queue."""
        begun = self._started - self._called  # more than nothing where tasks cannot begin at once: Python 3.11
        head = self._head
        if self._exchange.head.http_version in _ALPN:
            # Frames of many streams are read and decoded together: that is a wait for the worker to each of them.
            return 0.0, None, self._started - self._ready if self._ready else None
        if head is None:  # it waited behind another request of its connection
            return 0.0, None, None
        queue = head.first - head.first_ready + begun
        if head.first == head.last:
            return 0.0, self._called - head.last, queue
        return head.last_ready - head.first, self._called - head.last, queue + head.last - head.last_ready
