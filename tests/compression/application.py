"""What the servers serve here: bodies that shrink in every way in which an application can send them."""

from __future__ import annotations

import asyncio
import json
import queue
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ITEMS", "Application"]

ITEMS: bytes = json.dumps([{"id": number, "name": f"item {number}"} for number in range(20_000)]).encode()
"""Large enough for a thread."""

SMALL: bytes = ITEMS[:3000]


class Application:
    """An ASGI application; ``more`` says when the next event may be sent."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "script.js"
        self.file.write_bytes(SMALL * 10)
        self.more: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.sent_at: list[float] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self.echo(receive, send)
        elif scope["type"] == "http":
            await getattr(self, scope["path"].strip("/"))(scope, receive, send)

    async def large(self, scope: Any, receive: Any, send: Any) -> None:
        await self.whole(send, ITEMS)

    async def small(self, scope: Any, receive: Any, send: Any) -> None:
        await self.whole(send, SMALL)

    async def script(self, scope: Any, receive: Any, send: Any) -> None:
        if "http.response.pathsend" in scope.get("extensions", ()):
            await self.start(send, b"text/javascript")
            await send({"type": "http.response.pathsend", "path": str(self.file)})
        else:
            await self.whole(send, self.file.read_bytes())

    async def events(self, scope: Any, receive: Any, send: Any) -> None:
        await self.start(send, b"text/event-stream")
        for number in range(5):
            await asyncio.to_thread(self.more.get)
            self.sent_at.append(time.monotonic())
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
        await send({"type": "http.response.body"})

    async def start(self, send: Any, content_type: bytes, *more: tuple[bytes, bytes]) -> None:
        headers = [(b"content-type", content_type), (b"etag", b'"1"'), *more]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def whole(self, send: Any, body: bytes) -> None:
        await self.start(send, b"application/json", (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.body", "body": body})

    async def echo(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
