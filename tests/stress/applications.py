"""The same application for every kind of worker: it says how long the body was, and which code it is; ``/stream``
answers in pieces.
"""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATIONS"]

ASGI: Final = """
import asyncio

GENERATION = {generation}

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    assert "of another request" not in scope["state"]
    scope["state"]["of another request"] = True
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        if not message.get("more_body"):
            break
    if scope["path"] == "/stream":
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        for _ in range(8):
            await send({{"type": "http.response.body", "body": b"x" * 512, "more_body": True}})
            await asyncio.sleep(0.002)
        await send({{"type": "http.response.body"}})
        return
    body = b"%d of %d" % (size, GENERATION)
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}})
    await send({{"type": "http.response.body", "body": body}})
"""

WSGI: Final = """
import time

GENERATION = {generation}

def pieces():
    for _ in range(8):
        yield b"x" * 512
        time.sleep(0.002)

def app(environ, start_response):
    assert "of another request" not in environ
    environ["of another request"] = True
    size = len(environ["wsgi.input"].read())
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [])
        return pieces()
    body = b"%d of %d" % (size, GENERATION)
    start_response("200 OK", [("content-length", str(len(body)))])
    return [body]
"""

SYNC: Final = """
import time
from pounce_asgi import SyncRequest, SyncResponse

GENERATION = {generation}

def pieces():
    for _ in range(8):
        yield b"x" * 512
        time.sleep(0.002)

class App:
    def handle(self, request: SyncRequest) -> SyncResponse:
        size = len(request.body.read())
        if request.path == "/stream":
            return SyncResponse(body=pieces())
        return SyncResponse(body=b"%d of %d" % (size, GENERATION))

app = App()
"""

APPLICATIONS: Final = {"asgi": ASGI, "wsgi": WSGI, "sync": SYNC}
