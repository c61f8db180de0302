"""Applications whose answer says which code it comes from, written to ``app.py`` again and again."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["INTERFACES", "write_code"]

ASGI: Final = """
BODY = b"{body}"

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    fields = [(b"content-length", str(len(BODY)).encode())]
    await send({{"type": "http.response.start", "status": 200, "headers": fields}})
    await send({{"type": "http.response.body", "body": BODY}})
"""
WSGI: Final = """
BODY = b"{body}"

def app(environ, start_response):
    start_response("200 OK", [("content-length", str(len(BODY)))])
    return [BODY]
"""
SYNC: Final = """
from pounce_asgi import SyncRequest, SyncResponse

BODY = b"{body}"

class App:
    def handle(self, request: SyncRequest) -> SyncResponse:
        return SyncResponse(body=BODY)

app = App()
"""
INTERFACES: Final = {"asgi": ASGI, "wsgi": WSGI, "sync": SYNC}

_times = itertools.count(1)


def write_code(folder: Path, code: str) -> None:
    """Replace ``app.py`` in one step, with a time of its own: two texts of a second may have the same length."""
    fresh = folder / "app.py.new"
    fresh.write_text(code)
    written = fresh.stat().st_mtime_ns + next(_times) * 1_000_000_000
    os.utime(fresh, ns=(written, written))
    fresh.replace(folder / "app.py")
