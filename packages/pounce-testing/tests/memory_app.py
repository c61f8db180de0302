"""An application that does what clients in memory are tested with."""

from __future__ import annotations

import asyncio
from typing import Any

Scope = dict[str, Any]


class Application:
    """What it has seen is kept."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.scopes: list[Scope] = []
        self.gate = asyncio.Event()
        """``/wait`` answers when it is set."""
        self.noticed = asyncio.Event()
        """Set when a client has gone."""

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await getattr(self, "on_" + scope["type"])(scope, receive, send)

    async def on_lifespan(self, scope: Scope, receive: Any, send: Any) -> None:
        while True:
            kind = (await receive())["type"]
            self.events.append(kind.partition(".")[2])
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return

    async def on_http(self, scope: Scope, receive: Any, send: Any) -> None:
        path = scope["path"]
        match path:
            case "/wait":
                await self.gate.wait()
            case "/gone":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"first", "more_body": True})
                while (await receive())["type"] != "http.disconnect":
                    pass
                self.noticed.set()
                return
            case "/endless":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                while True:
                    await send({"type": "http.response.body", "body": b"x" * 50000, "more_body": True})
            case "/cut":
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
                await send({"type": "http.response.body", "body": b"half", "more_body": True})
                raise RuntimeError("on purpose")
            case "/early":
                await send({"type": "http.response.start", "status": 413, "headers": [(b"connection", b"close")]})
                await send({"type": "http.response.body", "body": b"too much"})
                return
        if path == "/trailers":
            await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
            await send({"type": "http.response.body", "body": b"body"})
            await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": False})
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if path == "/pieces":
                if not self.events or self.events[-1] != "answered":
                    await send({"type": "http.response.start", "status": 200, "headers": []})
                    self.events.append("answered")
                if message["body"]:
                    await send({"type": "http.response.body", "body": message["body"], "more_body": True})
            if not message["more_body"]:
                break
        if path == "/pieces":
            await send({"type": "http.response.body", "body": b""})
            return
        answer = f"{scope['method']} {path} {scope['query_string'].decode()} ".encode() + body
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def on_websocket(self, scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        if scope["path"] == "/refused":
            await send({"type": "websocket.close", "code": 1008})
            return
        offered = scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": offered[-1] if offered else None})
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self.events.append(f"disconnect {message['code']}")
                return
            if message.get("text") == "close":
                await send({"type": "websocket.close", "code": 4001, "reason": "as you wish"})
            else:
                await send({**message, "type": "websocket.send"})
