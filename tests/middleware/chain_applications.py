"""Applications inside the whole chain, settings that switch all of it on, and the user's own code that the settings
name. Everything is named, so that worker processes can import it.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import SyncRequest, SyncResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_middleware import HookedRequest, HookedResponse

__all__ = [
    "EVERYTHING_ON",
    "PROCESS_WIDE",
    "Marking",
    "Recording",
    "blocking",
    "in_a_loop",
    "on_request",
    "on_response",
    "stay",
    "tell",
]

LONG: Final = "what is worth compressing " * 100

EVERYTHING_ON: Final[dict[str, Any]] = {
    "metrics": True,
    "health_checks": True,
    "request_id": True,
    "request_id_header": "X-Request-ID",
    "request_id_trust": ("127.0.0.1",),
    "forwarded_allow_ips": ("127.0.0.1",),
    "forwarded_parts": ("for", "proto"),
    "server_timing": True,
    "on_request": (f"{__name__}:on_request",),
    "on_response": (f"{__name__}:on_response",),
    "security_headers": True,
    "allowed_hosts": ("127.0.0.1", "localhost", "example.org", "x"),
    "rate_limit": "100000/h",
    "rate_limit_fields": True,
    "cors_origins": ("https://app.example",),
    "compress": True,
    "static": (f"/files={Path(__file__).parent}",),
    "request_queue_limit": 16,
    "cancel_on_disconnect": True,
    "request_timeout": 30.0,
    "debug": True,
    "middleware": (f"{__name__}:Marking",),
}
"""Every link of the chain, but those that set up a library for the whole process."""

PROCESS_WIDE: Final = frozenset({"traces", "entry of the queue", "exit of the queue", "error reports"})
"""Those: they are tested in processes of their own (tests/observability)."""


def counted(scope: Any) -> str | None:
    """Whose requests are limited: those for one path, of each protocol by itself."""
    return str(scope["http_version"]) if scope["path"] == "/limited" else None


def on_request(head: HookedRequest) -> None:
    head.state["seen"] = head.path


def on_response(head: HookedResponse) -> None:
    head.headers.append((b"x-seen", head.request.state["seen"].encode()))


class Marking:
    """Middleware of the user's own: adds a field."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-mark", b"own")]}
            await send(message)

        await self.app(scope, receive, marked)


class Recording:
    """Middleware that cannot be made."""

    def __init__(self, app: Any, file: str = "") -> None:
        raise ValueError(f"there is no file {file!r} to record to")


# -- an application for every path of a table ------------------------------------------------------------------------


async def tell(scope: Any, receive: Any, send: Any) -> None:
    """Tells as JSON what it was asked; a WebSocket is told the same in a message, and gets its own messages back."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await _websocket(scope, receive, send)
    elif scope["path"] == "/broken":
        raise LookupError("this page shows it")
    else:
        body = LONG if scope["path"] == "/long" else json.dumps(_known(scope))
        if scope["path"] == "/slow":
            await asyncio.sleep(60)
        if scope["path"] == "/echo":
            body = str(await _size_of_body(receive))
        kind = b"text/plain" if scope["path"] == "/long" else b"application/json"
        fields = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": body.encode()})


async def _websocket(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    if scope["path"] == "/broken":
        raise LookupError("this page shows it")
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps(_known(scope))})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def _size_of_body(receive: Any) -> int:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    return size


def _known(scope: Any) -> dict[str, Any]:
    return {"path": scope["path"], "client": scope["client"][0], "scheme": scope["scheme"], "pid": os.getpid()} | {
        "request_id": scope["state"].get("request_id")
    }


async def stay(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once; at /stay it begins and goes on until its client leaves."""
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    while scope["path"] == "/stay" and (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.body", "body": b"done"})


# -- applications that block -----------------------------------------------------------------------------------------


class Blocking:
    """A SyncApp that runs a loop of its own, streams, and reads."""

    def handle(self, request: SyncRequest) -> SyncResponse:
        if request.path == "/loop":
            return SyncResponse(body=asyncio.run(in_a_loop()))
        if request.path == "/stream":
            return SyncResponse(body=self._pieces())
        if request.path == "/broken":
            raise LookupError("this page shows it")
        if request.path == "/long":
            return SyncResponse(headers=[(b"content-type", b"text/plain")], body=LONG.encode())
        return SyncResponse(body=request.path.encode())

    def _pieces(self) -> Iterator[bytes]:
        for number in range(3):
            yield b"piece %d\n" % number


async def in_a_loop() -> bytes:
    await asyncio.sleep(0.001)
    return b"done"


blocking = Blocking()
