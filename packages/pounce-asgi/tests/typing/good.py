"""Code that must pass a strict type check. Checked by test_types.py, never run."""

from __future__ import annotations

from typing import IO, assert_type

from pounce_asgi import (
    ASGI2Application,
    ASGI3Application,
    ASGIApplication,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    HTTPScope,
    Lifespan,
    Listeners,
    RequestStarted,
    ResponseCompleted,
    Scope,
    Subscriber,
    adapt,
    detect,
)


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    if scope["type"] == "http":
        await http(scope, receive, send, scope["state"]["file"])
    elif scope["type"] == "websocket":
        assert_type(scope["subprotocols"], list[str])
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        await send({"type": "websocket.close", "code": 1000})
    else:
        scope["state"]["pool"] = object()
        await send({"type": "lifespan.startup.complete"})


async def http(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable, file: IO[bytes]) -> None:
    assert_type(scope["headers"], list[tuple[bytes, bytes]])
    assert_type(scope["client"], tuple[str, int] | None)
    message: ASGIReceiveEvent = await receive()
    if message["type"] == "http.request":
        assert_type(message["body"], bytes)
    if "http.response.early_hint" in scope["extensions"]:
        await send({"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]})
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")], "trailers": True})
    await send({"type": "http.response.body"})
    await send({"type": "http.response.body", "body": b"x", "more_body": True})
    await send({"type": "http.response.pathsend", "path": "/etc/hostname"})
    await send({"type": "http.response.zerocopysend", "file": file, "offset": 0, "count": 3})
    await send({"type": "http.response.zerocopysend", "file": file.fileno(), "more_body": True})
    await send({"type": "http.response.trailers", "headers": ((b"a", b"b") for _ in "x")})


class Legacy:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200})


class Instance:
    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await app(scope, receive, send)


one: ASGI3Application = app
two: ASGI3Application = Instance()
three: ASGI2Application = Legacy
four: list[ASGIApplication] = [app, Instance(), Legacy]
assert_type(adapt(Legacy, detect(Legacy)), ASGI3Application)
lifespan = Lifespan(app, mode="on")


def on_started(record: RequestStarted) -> None:
    assert_type(record.monotonic, float)


def on_both(record: RequestStarted | ResponseCompleted) -> None:
    assert_type(record.raw_path, bytes)


listeners = Listeners.of(Subscriber(on_started, RequestStarted), Subscriber(on_both, RequestStarted))
