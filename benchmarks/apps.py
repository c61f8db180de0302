"""The applications that every server serves: plain ASGI, as small as they can be, and the same for all.

They know no server and no framework. None supports lifespan, which every server finds out by itself.
"""
# ruff: noqa: ARG001 - every application is given all three arguments

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["echo", "echo_messages", "hello", "large", "sleep", "stream"]

LARGE: Final = b"x" * 65536
CHUNK: Final = b"x" * 1024
CHUNKS: Final = 10
SLEEP_SECONDS: Final = 0.01


async def hello(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """13 bytes of text."""
    assert scope["type"] == "http"
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")],
        }
    )
    await send({"type": "http.response.body", "body": b"Hello, world!"})


async def echo(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """The request's body, read to its end first, as most frameworks do."""
    assert scope["type"] == "http"
    parts = []
    more = True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/octet-stream"), (b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def large(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """64 KiB in one message."""
    assert scope["type"] == "http"
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/octet-stream"), (b"content-length", b"65536")],
        }
    )
    await send({"type": "http.response.body", "body": LARGE})


async def stream(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Ten messages of 1 KiB of an unknown length, then an empty one: what Starlette's StreamingResponse sends."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for _ in range(CHUNKS):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def sleep(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """What waits for a database does: nothing for 10 ms, then the answer."""
    await asyncio.sleep(SLEEP_SECONDS)
    await hello(scope, receive, send)


async def echo_messages(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Each WebSocket message comes back as it is."""
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": message.get("bytes") or b""})
