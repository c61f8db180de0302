"""The application behind a `far_end.FarEnd`.

| Path | Answer |
|---|---|
| ``/`` and others | ``hello`` and the path |
| ``/bytes/n`` | n bytes (`pattern`), in pieces |
| ``/digest`` | the SHA-256 of the request's body |
| ``/echo`` | the request's body |
| ``/wait`` | nothing until `Site.go` is set, then ``done`` |
| ``/fail`` | an error of the application |
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, Final

__all__ = ["Site", "pattern"]

PIECE: Final = bytes(range(256)) * 120
"""30,720 bytes: no datagram ends where it does."""


def pattern(size: int) -> bytes:
    """What ``/bytes/size`` answers."""
    return (PIECE * (size // len(PIECE) + 1))[:size]


class Site:
    """Notes what became of its requests."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun: list[str] = []
        self.done: list[str] = []
        self.disconnected: list[str] = []
        self.http_versions: set[str] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.begun.append(path)
        self.http_versions.add(scope["http_version"])
        name, _, rest = path.strip("/").partition("/")
        answer = getattr(self, f"_{name}", None)
        try:
            if answer is None:
                if scope["method"] == "POST":
                    await self._body(receive)
                await self._head(send)
                await send({"type": "http.response.body", "body": b"hello " + path.encode()})
            else:
                await answer(rest, receive, send)
        except OSError:
            self.disconnected.append(path)
            raise
        self.done.append(path)

    async def _head(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})

    async def _bytes(self, rest: str, receive: Any, send: Any) -> None:
        await self._head(send)
        size = int(rest)
        for _ in range(size // len(PIECE)):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        await send({"type": "http.response.body", "body": PIECE[: size % len(PIECE)]})

    async def _body(self, receive: Any) -> bytes:
        pieces = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("the body was cut off")
            pieces.append(message["body"])
            if not message["more_body"]:
                return b"".join(pieces)

    async def _digest(self, rest: str, receive: Any, send: Any) -> None:
        body = await self._body(receive)
        await self._head(send)
        await send({"type": "http.response.body", "body": hashlib.sha256(body).hexdigest().encode()})

    async def _echo(self, rest: str, receive: Any, send: Any) -> None:
        body = await self._body(receive)
        await self._head(send)
        await send({"type": "http.response.body", "body": body})

    async def _wait(self, rest: str, receive: Any, send: Any) -> None:
        await self.go.wait()
        await self._head(send)
        await send({"type": "http.response.body", "body": b"done"})

    async def _fail(self, rest: str, receive: Any, send: Any) -> None:
        raise RuntimeError("asked for")
