"""Where metrics are read: a path of the server's own, or an application for a port of their own."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from .protobuf import CONTENT_TYPE, protobuf_accepted, protobuf_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope

    from .totals import Collected

__all__ = ["MetricsApp", "MetricsMiddleware"]

_GZIP_LEVEL: Final = 5
"""A tenth of the size, in a third of the time of 9."""


class MetricsMiddleware:
    """Answers GET and HEAD of one path with the metrics, and passes on all else. Any number of loops may call it."""

    __slots__ = ("_answer", "_app", "_path")

    def __init__(self, app: AnyApplication, *, collect: Callable[[], Collected], path: str = "/metrics") -> None:
        """``collect`` gives the metrics of the server; it is called in a thread and may block.

        Raises:
            ModuleNotFoundError: ``prometheus_client``, the extra ``metrics``, is not installed.
        """
        self._app = app
        self._path = path
        self._answer = _Answer(collect)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer, or pass on."""
        if scope["type"] == "http" and _path_below_root(scope) == self._path:
            await self._answer(scope, send)
        else:
            await self._app(scope, receive, send)


class MetricsApp:
    """An application that has metrics on one path and nothing elsewhere."""

    __slots__ = ("_answer", "_path")

    def __init__(self, *, collect: Callable[[], Collected], path: str = "/metrics") -> None:
        """``collect`` gives the metrics of the server; it is called in a thread and may block.

        Raises:
            ModuleNotFoundError: ``prometheus_client``, the extra ``metrics``, is not installed.
        """
        self._path = path
        self._answer = _Answer(collect)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer with the metrics, or 404."""
        kind: str = scope["type"]
        if kind == "lifespan":
            await _live(receive, send)
        elif kind == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": None})
        elif _path_below_root(scope) == self._path:
            await self._answer(scope, send)
        else:
            await _respond(scope, send, 404, [(b"content-type", b"text/plain")], b"metrics are elsewhere\n")


class _Answer:
    """The metrics as an answer to a request."""

    __slots__ = ("_began", "_collect", "_families", "_gzip_accepted", "_lock", "_text_of", "_threads")

    def __init__(self, collect: Callable[[], Collected]) -> None:
        from .prometheus_library import gzip_accepted, text_of  # the extra; said at start, not at the first request

        self._collect = collect
        self._lock = threading.Lock()  # guards the next two
        self._began = float("-inf")
        self._families: Any = None
        # Of its own: those of the loop may all be held by the application, and just then metrics are looked at.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="pounce-metrics")
        self._gzip_accepted = gzip_accepted
        self._text_of = text_of

    async def __call__(self, scope: Any, send: ASGISendCallable) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _respond(scope, send, 405, [(b"allow", b"GET, HEAD")], b"")
            return
        accept, encodings = _field(scope, b"accept"), _field(scope, b"accept-encoding")
        try:
            fields, body = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._rendered, accept, encodings, time.monotonic()
            )
        except OSError as error:  # the other processes cannot be asked, such as during a stop
            text = f"the metrics cannot be collected: {error}\n".encode()
            await _respond(scope, send, 503, [(b"content-type", b"text/plain; charset=utf-8")], text)
            return
        await _respond(scope, send, 200, fields, body)

    def _collected(self, asked: float) -> Any:
        """What was collected since somebody asked: all who wait meanwhile share it."""
        with self._lock:
            if self._began <= asked:
                self._began = time.monotonic()
                self._families = self._collect()["families"]
            return self._families

    def _rendered(self, accept: str, encodings: str, asked: float) -> tuple[list[tuple[bytes, bytes]], bytes]:
        families = self._collected(asked)
        if protobuf_accepted(accept):
            content_type, body = CONTENT_TYPE, protobuf_of(families)
        else:
            content_type, body = self._text_of(families, accept)
        fields = [(b"content-type", content_type.encode()), (b"vary", b"accept, accept-encoding")]
        if self._gzip_accepted(encodings):
            fields.append((b"content-encoding", b"gzip"))
            body = gzip.compress(body, _GZIP_LEVEL)
        return fields, body


async def _respond(
    scope: Any, send: ASGISendCallable, status: int, fields: list[tuple[bytes, bytes]], body: bytes
) -> None:
    headers = [*fields, (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": False})
    content = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": content, "more_body": False})


async def _live(receive: Any, send: Any) -> None:
    """There is nothing to start and nothing to stop."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _field(scope: Any, name: bytes) -> str:
    """The values of a request field, in one list (RFC 9110, 5.3)."""
    return ", ".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def _path_below_root(scope: Any) -> str:
    """The path without where the application is mounted: it is in ``path``, or a proxy has taken it out (ASGI 2.5)."""
    path: str = scope["path"]
    prefix = (scope.get("root_path") or "").rstrip("/")
    if prefix and path.startswith(f"{prefix}/"):
        return path[len(prefix) :]
    return path
