"""The site that the clients of these tests visit, for workers with an event loop and for those without.

| Path | Answer |
|---|---|
| ``/told`` | the method, the path and the version of HTTP that the application was told, as JSON |
| ``/bytes/n`` | n bytes (`pattern`), in pieces |
| ``/echo`` | the body of the request, each piece as it comes |
| ``/digest`` | the SHA-256 of the body of the request, in hexadecimal |
| ``/slow/20`` | twenty lines in two seconds, from workers with an event loop |
| ``/page`` | a page that loads `RESOURCES` others, each of which counts itself |
| ``/resource/n.js`` | one of these |

A WebSocket is told the version of HTTP that it came over, and then gets back what it sends.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import SyncRequest, SyncResponse
from pounce_testing import Twins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["LARGE", "RESOURCES", "SITE", "app", "pattern", "sync_app"]

SITE: Final = Twins(asgi="tests.clients.site:app", sync="tests.clients.site:sync_app")

RESOURCES: Final = 50

PIECE: Final = bytes(range(256)) * 250
"""64,000 bytes: neither a frame of HTTP/2 nor a record of TLS ends where it does."""

SCRIPT: Final = b"window.counted = (window.counted || 0) + 1;\n"
PAGE: Final = "<!doctype html><title>Resources</title><link rel=icon href=data:,>" + "".join(
    f"<script async src=/resource/{number}.js></script>" for number in range(RESOURCES)
)

Headers = list[tuple[bytes, bytes]]


def pattern(size: int) -> bytes:
    """What ``/bytes/size`` answers."""
    return (PIECE * (size // len(PIECE) + 1))[:size]


LARGE: Final = pattern(3_000_000)
"""Larger than every window and every buffer on its way."""


def typed(kind: str) -> Headers:
    return [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]


def found(method: str, path: str, http_version: str) -> tuple[int, Headers, Iterator[bytes]]:
    """What is at a path, unless it is about the body of the request."""
    name, _, rest = path.strip("/").partition("/")
    if name == "bytes":
        return 200, typed("application/octet-stream"), in_pieces(int(rest))
    if name == "page":
        return 200, typed("text/html"), iter([PAGE.encode()])
    if name == "resource":
        return 200, typed("text/javascript"), iter([SCRIPT])
    if name == "told":
        told = {"method": method, "path": path, "http_version": http_version}
        return 200, typed("application/json"), iter([json.dumps(told).encode()])
    return 404, typed("text/plain"), iter([b"nothing here"])


def in_pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // len(PIECE)):
        yield PIECE
    yield PIECE[: size % len(PIECE)]


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    if scope["type"] == "websocket":
        await websocket_echo(scope["http_version"], receive, send)
    elif scope["type"] == "http":
        answer = {"/echo": echo, "/digest": digest, "/slow/20": slowly}.get(scope["path"])
        if answer is not None:
            await answer(receive, send)
            return
        status, headers, pieces = found(scope["method"], scope["path"], scope["http_version"])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def echo(receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": typed("application/octet-stream")})
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            return  # the client left
        more = event.get("more_body", False)
        await send({"type": "http.response.body", "body": event.get("body", b""), "more_body": more})


async def slowly(receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": typed("text/plain")})
    for _ in range(20):
        await send({"type": "http.response.body", "body": b"piece\n", "more_body": True})
        await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": b""})


async def digest(receive: Any, send: Any) -> None:
    taken = hashlib.sha256()
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            return  # the client left
        more = event.get("more_body", False)
        taken.update(event.get("body", b""))
    await send({"type": "http.response.start", "status": 200, "headers": typed("text/plain")})
    await send({"type": "http.response.body", "body": taken.hexdigest().encode()})


async def websocket_echo(http_version: str, receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": http_version})
    while (message := await receive())["type"] == "websocket.receive":
        kind = "text" if message.get("text") is not None else "bytes"
        await send({"type": "websocket.send", kind: message[kind]})


class SyncSite:
    """The same, but for the WebSocket."""

    def handle(self, request: SyncRequest) -> SyncResponse:
        """Answer a request."""
        if request.path == "/echo":
            return SyncResponse(headers=typed("application/octet-stream"), body=iter(request.body.read1, b""))
        if request.path == "/digest":
            taken = hashlib.sha256()
            for piece in iter(request.body.read1, b""):
                taken.update(piece)
            return SyncResponse(headers=typed("text/plain"), body=taken.hexdigest().encode())
        status, headers, pieces = found(request.method, request.path, request.http_version)
        return SyncResponse(status=status, headers=headers, body=pieces)


sync_app: Final = SyncSite()
