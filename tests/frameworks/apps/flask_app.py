"""Idioms of Flask: async views, streams, files, uploads, and an event loop of a view's own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from typing import TYPE_CHECKING

from flask import Flask, Response, request, send_file

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["app"]

app = Flask(__name__)


@app.get("/hello/<name>")
def hello(name: str) -> str:
    """A route with a parameter."""
    return f"hello {name}"


@app.get("/async")
async def wait() -> dict[str, bool]:
    """An async view: Flask runs it in a loop of its own."""
    await asyncio.sleep(0.001)
    return {"in a loop": asyncio.get_running_loop().is_running()}


@app.get("/loop")
def loop() -> str:
    """No loop runs in the thread of a request, so the view may run one."""

    async def slept() -> str:
        await asyncio.sleep(0.001)
        return "done"

    return asyncio.run(slept())


@app.get("/stream/<int:count>")
def stream(count: int) -> Response:
    """Lines of unannounced length."""

    def lines() -> Iterator[str]:
        for number in range(count):
            yield f"line {number}\n"

    return Response(lines(), mimetype="text/plain")


@app.get("/file")
def file() -> Response:
    """This module's own source, by the server's file wrapper."""
    return send_file(__file__, mimetype="text/x-python")


@app.post("/upload")
def upload() -> dict[str, object]:
    """What was uploaded in a form, or as the body itself."""
    source = request.files["file"].stream if request.files else request.stream
    digest = hashlib.sha256()
    size = 0
    while piece := source.read(1 << 16):
        digest.update(piece)
        size += len(piece)
    return {"size": size, "sha256": digest.hexdigest(), "pid": os.getpid(), "thread": threading.get_ident()}


@app.get("/fail")
def fail() -> str:
    """Raise."""
    raise RuntimeError("as the test wants it")
