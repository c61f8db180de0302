"""An application that notes what it was given, and one request through a middleware, without a server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Pairs = list[tuple[bytes, bytes]]


def http_scope(**changes: Any) -> dict[str, Any]:
    """A request of a client that came directly."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/items",
        "raw_path": b"/items",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"example.com")],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8000),
        "state": {},
        "extensions": {},
    }
    return scope | changes


def websocket_scope(**changes: Any) -> dict[str, Any]:
    """The same, for a WebSocket."""
    scope = http_scope(type="websocket", scheme="ws", subprotocols=[]) | changes
    del scope["method"]
    return scope


class Application:
    """Sends these messages, then raises ``error`` if there is one. ``scope`` is what it was called with."""

    def __init__(self, *messages: dict[str, Any], error: BaseException | None = None) -> None:
        self.messages = messages or (
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]},
            {"type": "http.response.body", "body": b"hello"},
        )
        self.error = error
        self.scope: dict[str, Any] = {}
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        self.calls += 1
        for message in self.messages:
            await send(message)
        if self.error is not None:
            raise self.error


class Response:
    """What came back."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.error: BaseException | None = None

    @property
    def start(self) -> dict[str, Any]:
        (start,) = [one for one in self.messages if one["type"].endswith("response.start")]
        return start

    @property
    def status(self) -> int:
        status = self.start["status"]
        assert isinstance(status, int)
        return status

    @property
    def fields(self) -> dict[bytes, bytes]:
        pairs = list(self.start["headers"])
        assert len({name for name, _ in pairs}) == len(pairs), "a field occurs twice"
        return dict(pairs)

    @property
    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.messages if one["type"].endswith("response.body"))


def call(app: Any, scope: dict[str, Any], received: Iterable[dict[str, Any]] = ()) -> Response:
    """One request; the error of the application is kept in the response."""
    response = Response()
    first = {"http": "http.request", "websocket": "websocket.connect", "lifespan": "lifespan.startup"}[scope["type"]]
    incoming = iter([*received] or [{"type": first}])

    async def receive() -> dict[str, Any]:
        return next(incoming)

    async def send(message: dict[str, Any]) -> None:
        response.messages.append(message)

    try:
        asyncio.run(_awaited(app, scope, receive, send))
    except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
        response.error = error
    return response


async def _awaited(app: Any, scope: Any, receive: Any, send: Any) -> None:
    await app(scope, receive, send)
