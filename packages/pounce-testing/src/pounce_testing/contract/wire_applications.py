"""The application that `WireContract` has served, and what it notes."""

from __future__ import annotations

import asyncio
from typing import Any, Final

__all__ = ["FLOOD_PIECES", "FLOOD_SIZE", "WireApplication"]

FLOOD_PIECES: Final = 64
FLOOD_SIZE: Final = 65536


class WireApplication:
    """One for each conversation. Owned by its loop."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.gate = asyncio.Event()
        """What ``/gate`` and ``/stream`` wait for."""
        self.sent = 0
        """Pieces that ``/flood`` has got rid of."""
        self.disconnected = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        assert scope["type"] == "http", "the lifespan is off"
        self.scopes.append(scope)
        match scope["path"]:
            case "/echo":
                await self._answer(send, await _body(receive))
            case "/gate":
                await self.gate.wait()
                await self._answer(send, b"opened")
            case "/stream":
                await self._stream(send)
            case "/flood":
                await self._flood(send)
            case "/leave":
                await self._begin(send, b"first")
                while (await receive())["type"] != "http.disconnect":
                    pass
                self.disconnected.set()
            case "/fail":
                raise _OnPurposeError
            case "/fail-late":
                await self._begin(send, b"half")
                raise _OnPurposeError
            case _:
                await self._answer(send, b"hello")

    async def _answer(self, send: Any, body: bytes) -> None:
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _begin(self, send: Any, piece: bytes) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _stream(self, send: Any) -> None:
        await self._begin(send, b"first")
        await self.gate.wait()
        await send({"type": "http.response.body", "body": b" second"})

    async def _flood(self, send: Any) -> None:
        await self._begin(send, b"")
        for _ in range(FLOOD_PIECES):
            await send({"type": "http.response.body", "body": b"x" * FLOOD_SIZE, "more_body": True})
            self.sent += 1
        await send({"type": "http.response.body", "body": b""})


class _OnPurposeError(Exception):
    """The application fails, as it was asked to."""


async def _body(receive: Any) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
