"""The application that `WorkerContract` has served: once for event loops, once for workers that block."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import SyncRequest, SyncResponse
from pounce_testing.matrix import Twins

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["APPLICATION", "LARGE", "asgi", "sync"]

LARGE: Final = bytes(range(256)) * 8192
"""Two megabytes, more than any buffer takes at once."""
SLOW: Final = 0.3
"""Seconds that ``/slow`` takes: longer than a stop needs to begin."""


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """For event loops."""
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    path = scope["path"]
    if path == "/pieces":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in _pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    body = await _body(receive) if path == "/echo" else b""
    if path == "/fail":
        raise OnPurposeError
    if path == "/slow":
        await asyncio.sleep(SLOW)
    answer = LARGE if path == "/large" else body or path.encode()
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _body(receive: Any) -> bytes:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


def _pieces() -> Iterator[bytes]:
    for number in range(10):
        yield b"%d" % number


class OnPurposeError(Exception):
    """The application fails, as it was asked to."""


class _Blocking:
    """A SyncApp."""

    def handle(self, request: SyncRequest) -> SyncResponse:
        """Answer as `asgi` does."""
        if request.path == "/pieces":
            return SyncResponse(body=_pieces())
        body = request.body.read() if request.path == "/echo" else b""
        if request.path == "/fail":
            raise OnPurposeError
        if request.path == "/slow":
            time.sleep(SLOW)
        return SyncResponse(body=LARGE if request.path == "/large" else body or request.path.encode())


sync: Final = _Blocking()

APPLICATION: Final = Twins(asgi=f"{__name__}:asgi", sync=f"{__name__}:sync")
"""Both, by name."""
