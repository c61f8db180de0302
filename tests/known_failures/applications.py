"""What the tests of known failures are served by: bare, or with middleware in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import SyncRequest, SyncResponse
from pounce_testing import Twins
from tests.end_to_end.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

__all__ = ["APPLICATION", "PIECE", "PIECES", "asgi", "sync"]

APPLICATION: Final = Twins(asgi=f"{__name__}:asgi", sync=f"{__name__}:sync")

LONG: Final = b"a text that would shrink " * 100
PIECE: Final = b"p" * 1000
PIECES: Final = 25
PAUSE: Final = 0.02
TEXT: Final = (b"content-type", b"text/plain")


async def whole_body(receive: ASGIReceiveCallable) -> bytes:
    pieces = []
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise ConnectionError("cut off")
        pieces.append(event.get("body", b""))
        if not event.get("more_body", False):
            return b"".join(pieces)


async def answer(send: ASGISendCallable, body: bytes, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [TEXT, *headers]})
    await send({"type": "http.response.body", "body": body})


async def once(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Take longer than a thread may be held; the test sees each call."""
    Signals.of_query(scope["query_string"]).set(f"called-{time.monotonic_ns()}")
    body = await whole_body(receive)
    await asyncio.sleep(0.1)
    await answer(send, body)


async def watching(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Watch for the client's end while the answer is made, as frameworks do."""
    body = await whole_body(receive)
    watcher = asyncio.ensure_future(receive())
    await asyncio.sleep(0.02)
    await answer(send, body)
    watcher.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watcher


async def patient(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer how many events there were after the whole body, while the client only waited."""
    await whole_body(receive)
    events = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            while True:
                await receive()
                events += 1
    await answer(send, b"%d" % events)


async def steady(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Pieces for longer than any limit of the test."""
    await send({"type": "http.response.start", "status": 200, "headers": [TEXT]})
    for _ in range(PIECES):
        await asyncio.sleep(PAUSE)
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    await send({"type": "http.response.body"})


async def status(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """A status that has no body, from an application that gives it one, large enough to be compressed."""
    await answer(send, LONG, int(scope["path"].rpartition("/")[2]), (b"etag", b'"1"'))


async def part(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """A range."""
    await answer(send, LONG[:1000], 206, (b"content-range", b"bytes 0-999/%d" % len(LONG)))


async def long(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """What is worth compressing."""
    await answer(send, LONG)


async def client(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Who asks."""
    assert scope["client"]
    await answer(send, scope["client"][0].encode())


async def echo(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """The body, or the path where there is none."""
    await answer(send, await whole_body(receive) or json.dumps(scope["path"]).encode())


async def held(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answered when the test says so."""
    signals = Signals.of_query(scope["query_string"])
    signals.set("entered")
    await signals.wait_in_loop("released")
    await answer(send, b"held")


ACTIONS: Final[dict[str, Any]] = {
    one.__name__: one for one in (once, watching, patient, steady, status, part, long, client, held)
}


async def asgi(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Do what the path says."""
    assert scope["type"] == "http"
    await ACTIONS.get(scope["path"].split("/")[1], echo)(scope, receive, send)


# The same where nothing waits but threads.


def sync_once(request: SyncRequest) -> SyncResponse:
    Signals.of_query(request.query_string).set(f"called-{time.monotonic_ns()}")
    body = request.body.read()
    time.sleep(0.1)
    return SyncResponse(headers=[TEXT], body=body)


def sync_steady(request: SyncRequest) -> SyncResponse:
    def pieces() -> Iterator[bytes]:
        for _ in range(PIECES):
            time.sleep(PAUSE)
            yield PIECE

    return SyncResponse(headers=[TEXT], body=pieces())


def sync_status(request: SyncRequest) -> SyncResponse:
    return SyncResponse(int(request.path.rpartition("/")[2]), [TEXT, (b"etag", b'"1"')], LONG)


def sync_part(request: SyncRequest) -> SyncResponse:
    return SyncResponse(206, [TEXT, (b"content-range", b"bytes 0-999/%d" % len(LONG))], LONG[:1000])


def sync_long(request: SyncRequest) -> SyncResponse:
    return SyncResponse(headers=[TEXT], body=LONG)


def sync_client(request: SyncRequest) -> SyncResponse:
    assert request.client
    return SyncResponse(headers=[TEXT], body=request.client[0].encode())


def sync_echo(request: SyncRequest) -> SyncResponse:
    return SyncResponse(headers=[TEXT], body=request.body.read() or json.dumps(request.path).encode())


def sync_held(request: SyncRequest) -> SyncResponse:
    signals = Signals.of_query(request.query_string)
    signals.set("entered")
    signals.wait("released")
    return SyncResponse(headers=[TEXT], body=b"held")


SYNC_ACTIONS: Final[dict[str, Callable[[SyncRequest], SyncResponse]]] = {
    "once": sync_once,
    "steady": sync_steady,
    "status": sync_status,
    "part": sync_part,
    "long": sync_long,
    "client": sync_client,
    "held": sync_held,
}


class Sync:
    """The SyncApp."""

    def handle(self, request: SyncRequest) -> SyncResponse:
        """Do what the path says."""
        return SYNC_ACTIONS.get(request.path.split("/")[1], sync_echo)(request)


sync: Final = Sync()
