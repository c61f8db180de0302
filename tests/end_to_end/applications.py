"""Applications that show a client what reached them, or that a test can hold at a point."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

WAIT_SECONDS = 20.0
"""How long anything waits for its counterpart: far longer than it takes, short enough to fail."""


async def read_body(receive: ASGIReceiveCallable) -> bytes | None:
    """The whole body, or None when the client did not send all of it."""
    pieces = []
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        pieces.append(event.get("body", b""))
        if not event.get("more_body", False):
            return b"".join(pieces)


async def answer(send: ASGISendCallable, body: bytes, *, status: int = 200) -> None:
    """A whole response of known length."""
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


def described(scope: HTTPScope, body: bytes | None) -> dict[str, Any]:
    return {
        "method": scope["method"],
        "raw_path": (scope["raw_path"] or b"").decode("latin-1"),
        "path": scope["path"],
        "query_string": scope["query_string"].decode("latin-1"),
        "http_version": scope["http_version"],
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": None if body is None else body.decode("latin-1"),
    }


async def report(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer with a description of the request, as JSON."""
    assert scope["type"] == "http"
    body = await read_body(receive)
    await answer(send, json.dumps(described(scope, body)).encode())


async def stream(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer ``/n`` with n pieces of unannounced length."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(int(scope["path"].strip("/") or "3")):
        await send({"type": "http.response.body", "body": b"piece %d\n" % number, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"end\n"})


class Gate:
    """An application that answers ``/held`` only after ``release()``; other paths at once.

    ``entered`` is set when such a request has reached it, ``left`` with the way in which it ended.
    """

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()
        self.left: list[str] = []

    def release(self) -> None:
        """Let the held requests go on."""
        self.released.set()

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        if scope["path"] == "/held":
            self.entered.set()
            await wait_for(self.released)
        await answer(send, scope["path"].encode())
        self.left.append(scope["path"])


async def wait_for(event: threading.Event) -> None:
    """Wait in a coroutine for something that a test does in its own thread."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not event.is_set():  # noqa: ASYNC110 - set in another thread, which asyncio.Event does not allow
            await asyncio.sleep(0.002)
