"""A Flask application, as it is: WSGI is recognised, and each request has a thread of its own while it is handled.

Serve it with ``pounce examples.flask_app:app``, then ``curl http://127.0.0.1:8000/hello/world``. It needs
``pip install 'flask[async]'``. ``--sync-threads 32`` serves more requests at a time, ``--workers 4`` on more cores.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from flask import Flask, Response, request

if TYPE_CHECKING:
    from collections.abc import Iterator

app = Flask(__name__)


@app.get("/hello/<name>")
def hello(name: str) -> str:
    """A handler may block: other requests have threads of their own."""
    time.sleep(0.01)
    return f"Hello, {name}!"


@app.get("/later")
async def later() -> dict[str, str]:
    """An async view; Flask runs it in an event loop for this request."""
    await asyncio.sleep(0.01)
    return {"hello": "later"}


@app.get("/countdown")
def countdown() -> Response:
    """Lines that leave one by one, as they are made."""

    def lines() -> Iterator[str]:
        for number in range(3, 0, -1):
            yield f"{number}\n"
            time.sleep(0.01)
        yield "done\n"

    return Response(lines(), mimetype="text/plain")


@app.post("/size")
def size() -> dict[str, int]:
    """An upload, read as it arrives: a large one is never in memory as a whole."""
    counted = 0
    while piece := request.stream.read(1 << 16):
        counted += len(piece)
    return {"bytes": counted}
