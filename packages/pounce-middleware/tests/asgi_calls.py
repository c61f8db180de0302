"""ASGI calls in memory: scopes, what is received, what was sent."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Call", "answering", "http_scope", "websocket_scope"]


def http_scope(path: str = "/", **more: Any) -> Any:
    """The scope of a request from 192.0.2.1."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("192.0.2.1", 1234),
        "server": ("127.0.0.1", 80),
        "state": {},
        "extensions": {},
        **more,
    }


def websocket_scope(path: str = "/", *, denial: bool = True, **more: Any) -> Any:
    """The scope of a WebSocket; ``denial``: the server offers answers to handshakes."""
    extensions: dict[str, Any] = {"websocket.http.response": {}} if denial else {}
    return http_scope(path, type="websocket", scheme="ws", subprotocols=[], extensions=extensions, **more)


class Call:
    """One call of an application: messages for it wait in ``incoming``, what it sends is in ``sent``."""

    def __init__(self, scope: Any, *messages: dict[str, Any]) -> None:
        self.scope = scope
        if not messages:
            whole = {"type": "http.request", "body": b"", "more_body": False}
            messages = ({"type": "websocket.connect"} if scope["type"] == "websocket" else whole,)
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        for message in messages:
            self.incoming.put_nowait(message)
        self.sent: list[Any] = []

    async def run(self, app: Any) -> Call:
        """Call the application and wait for its end."""
        await app(self.scope, self.receive, self.send)
        return self

    async def receive(self) -> Any:
        """The next message; waits for one."""
        return await self.incoming.get()

    async def send(self, message: Any) -> None:
        """Keep a message."""
        self.sent.append(message)

    def disconnect(self) -> None:
        """The client leaves."""
        self.incoming.put_nowait({"type": f"{self.scope['type']}.disconnect"})

    @property
    def status(self) -> int | None:
        """Of the answer; None without one."""
        return next((one["status"] for one in self.sent if one["type"].endswith("response.start")), None)

    @property
    def fields(self) -> dict[bytes, bytes]:
        """Of the answer, or of the handshake."""
        return next((dict(one.get("headers") or ()) for one in self.sent if "headers" in one), {})

    @property
    def body(self) -> bytes:
        """Of the answer."""
        return b"".join(one.get("body", b"") for one in self.sent)


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """Answers requests, accepts WebSockets, has a lifespan."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"1")]})
        await send({"type": "http.response.body", "body": b"hello"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    else:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
