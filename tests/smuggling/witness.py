"""The application behind the proxies: it notes every request that reaches it, and its answers say which that was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope, WebSocketScope

__all__ = ["MARK", "Request", "Witness"]

MARK: Final = b"x-of-the-proxy"
"""The field that each proxy puts into each request, with another value each time. What it did not see has none."""

PATIENCE: Final = 2.0
"""Seconds for a body that may never end: some proxies hold what a client has left for long."""


@dataclass(slots=True)
class Request:
    """One that reached the application."""

    path: bytes
    marks: tuple[bytes, ...]
    """What proxies have put into it."""
    version: str
    body: bytearray = field(default_factory=bytearray)
    """As far as it was read."""

    @property
    def mark(self) -> bytes:
        return self.marks[0] if self.marks else b"none"


class Witness:
    """Written by the server's threads, each request by one; `requests` is only ever appended to."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        request = self.note(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # refused, and so it was a request like any other
            return
        kind = request.path.lstrip(b"/").partition(b"/")[0]
        answer = b"{seen %s by %s}" % (request.path, request.mark)
        match kind:
            case b"empty" | b"unchanged":
                await read(request, receive)
                status = 204 if kind == b"empty" else 304
                await send({"type": "http.response.start", "status": status, "headers": []})
                await send({"type": "http.response.body"})
            case b"early":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": answer, "more_body": True})
                await read(request, receive)
                await send({"type": "http.response.body"})
            case _:
                if kind != b"unread":
                    await read(request, receive)
                length = (b"content-length", b"%d" % len(answer))
                await send({"type": "http.response.start", "status": 200, "headers": [length]})
                await send({"type": "http.response.body", "body": answer})

    def note(self, scope: HTTPScope | WebSocketScope) -> Request:
        fields = scope["headers"]
        request = Request(
            path=scope["raw_path"] or b"",
            marks=tuple(value for name, value in fields if name == MARK),
            version=scope["http_version"],
        )
        self.requests.append(request)
        return request


async def read(request: Request, receive: ASGIReceiveCallable) -> None:
    """The body, or what comes of it."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await receive()
                if event["type"] != "http.request":
                    return
                request.body += event["body"]
                if not event["more_body"]:
                    return
    except TimeoutError:
        return
