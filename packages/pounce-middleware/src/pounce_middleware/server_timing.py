"""Server-Timing (W3C Server Timing): where the time of a request has gone, for the developer tools of browsers.

`ServerTimingMiddleware` stands outside of whatever lets requests wait, `ApplicationTimingMiddleware` directly around
the application. Between the two lies ``queue``; ``app`` is from there to the head of the response, ``first`` the sum.
``total`` is known only at the end: it is sent as a trailer, to clients that take trailers where the server has them.

The application adds entries of its own: ``scope["state"]["server_timing"].add("db", 0.0123, "2 queries")``.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.headers import combined, contains_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.server_timing_settings import ServerTimingSettings

__all__ = ["ApplicationTimingMiddleware", "ServerTiming", "ServerTimingMiddleware"]

STATE_KEY: Final = "server_timing"
FIELD: Final = b"server-timing"
MOST_ENTRIES: Final = 50
"""Of the application for one response: about 2 KB, well below what proxies take for a head."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")  # a token (RFC 9110, 5.6.2)
_NOT_SHOWN: Final = re.compile(r"[^\x20-\x7e]")


class ServerTiming:
    """The entries of one response. Owned by the request; an application adds to it from wherever it runs."""

    __slots__ = ("_clock", "_entries", "app_started", "began")

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._entries: list[str] = []
        self.began = clock()
        self.app_started: float | None = None

    def add(self, name: str, seconds: float | None = None, description: str = "") -> None:
        """Add an entry, before the response starts. Beyond 50 entries nothing is added.

        Raises:
            ValueError: the name is not a token of at most 64 characters.
        """
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a Server-Timing entry")
        if len(self._entries) < MOST_ENTRIES:
            self._entries.append(_entry(name, seconds, description))

    def head(self) -> bytes:
        """The field of the head, which begins now."""
        now = self._clock()
        entries = []
        if self.app_started is not None:
            entries.append(_entry("queue", self.app_started - self.began, "before the application"))
            entries.append(_entry("app", now - self.app_started, "application"))
        entries.append(_entry("first", now - self.began, "until the first byte"))
        return ", ".join(entries + self._entries).encode("ascii")

    def trailer(self) -> bytes:
        """The field of the trailer, which ends the response."""
        return _entry("total", self._clock() - self.began, "all of it").encode("ascii")


class ApplicationTimingMiddleware:
    """ASGI middleware that notes when the application begins; nothing else."""

    def __init__(self, app: AnyApplication) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Note the time, and go on."""
        timing = scope.get("state", {}).get(STATE_KEY)
        if isinstance(timing, ServerTiming):
            timing.app_started = timing._clock()
        await self.app(scope, receive, send)


class ServerTimingMiddleware:
    """ASGI middleware for ``http`` scopes."""

    def __init__(self, app: AnyApplication, *, clock: Callable[[], float] = time.perf_counter) -> None:
        """``clock`` gives seconds."""
        self.app = app
        self._clock = clock

    @classmethod
    def from_settings(cls, app: AnyApplication, settings: ServerTimingSettings) -> ServerTimingMiddleware:  # noqa: ARG003 - nothing but on and off
        """With the options of the command line."""
        return cls(app)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Measure the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        timing = ServerTiming(self._clock)
        scope.setdefault("state", {})[STATE_KEY] = timing
        if _takes_trailers(scope):
            await self.app(scope, receive, _TrailerSend(timing, send))
            return

        def send_with_timing(message: Any) -> Any:
            # No coroutine of its own: what it returns is that of the server's send().
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (FIELD, timing.head())]}
            return send(message)

        await self.app(scope, receive, send_with_timing)


class _TrailerSend:
    """The ``send`` of a request whose client takes trailers."""

    __slots__ = ("_own", "_send", "_timing")

    def __init__(self, timing: ServerTiming, send: Any) -> None:
        self._timing = timing
        self._send = send
        self._own = False
        """The application sends no trailers, so the one that ends the response is ours alone."""

    async def __call__(self, message: Any) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            headers = [*message.get("headers", ())]
            # A body of a known length has no trailers over HTTP/1.1, and a head without a body none at all.
            framed = any(bytes(name).lower() == b"content-length" for name, _ in headers)
            self._own = not message.get("trailers") and not framed and message["status"] not in (204, 205, 304)
            message = {**message, "headers": [*headers, (FIELD, self._timing.head())]}
            if self._own:
                message["trailers"] = True
        elif kind == "http.response.trailers" and not message.get("more_trailers"):
            message = {**message, "headers": [*message.get("headers", ()), self._total()]}
        await self._send(message)
        if self._own and kind in _BODIES and not message.get("more_body"):
            self._own = False
            await self._send({"type": "http.response.trailers", "headers": [self._total()]})

    def _total(self) -> tuple[bytes, bytes]:
        return FIELD, self._timing.trailer()


_BODIES: Final = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})


def _takes_trailers(scope: Any) -> bool:
    """RFC 9110, 6.5.1: a client says so with ``TE: trailers``."""
    if scope["method"] == "HEAD" or "http.response.trailers" not in (scope.get("extensions") or {}):
        return False
    return contains_token(combined(scope["headers"], b"te"), b"trailers")


def _entry(name: str, seconds: float | None, description: str) -> str:
    text = name
    if description:
        shown = _NOT_SHOWN.sub("?", description[:128]).replace("\\", "\\\\").replace('"', '\\"')
        text += f';desc="{shown}"'
    return text if seconds is None else f"{text};dur={seconds * 1000:.3f}"
