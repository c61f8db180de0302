"""A file download that lets the server send the file itself where it can.

Serve it with ``pounce examples.file_download:app``, then ``curl -O -J http://127.0.0.1:8000/``: the file is this one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope

FILE = Path(__file__)

PIECE_BYTES = 64 * 1024


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Send the file as an attachment."""
    assert scope["type"] == "http"
    size = (await asyncio.to_thread(FILE.stat)).st_size
    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"content-disposition", f'attachment; filename="{FILE.name}"'.encode("latin-1")),
        (b"content-length", str(size).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if "http.response.pathsend" in (scope.get("extensions") or {}):
        # The server hands the file to the kernel: its bytes never pass through Python.
        await send({"type": "http.response.pathsend", "path": str(FILE)})
    else:
        await send_in_pieces(send)


async def send_in_pieces(send: ASGISendCallable) -> None:
    """For servers without the extension: read in a thread, so that a slow disk holds nobody else up."""
    with await asyncio.to_thread(FILE.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
