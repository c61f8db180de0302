"""Applications that show a client what reached them, or that a test can hold at a point.

Each has a twin in ``blocking_applications``, for workers without an event loop. What a test shares with them is in a
folder (`Signals`), which a request names in its query.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from pounce_testing import Twins
from tests.end_to_end.signals import WAIT_SECONDS, Signals

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

__all__ = ["CASES", "REPORT", "STREAM", "UPLOAD", "WAIT_SECONDS", "answer", "cases", "read_body", "report", "wait_for"]


def twins(name: str) -> Twins:
    return Twins(asgi=f"tests.end_to_end.applications:{name}", sync=f"tests.end_to_end.blocking_applications:{name}")


REPORT: Final = twins("report")
STREAM: Final = twins("stream")
CASES: Final = twins("cases")
UPLOAD: Final = Twins(asgi="examples.upload_echo:app", sync="tests.end_to_end.blocking_applications:upload_echo")

PIECE: Final = b"x" * 65536
ENDLESS: Final = 20_000
"""Pieces of an answer that nobody reads to its end: what the system buffers before it tells is far less."""


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


async def start(send: ASGISendCallable, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})


async def piece(send: ASGISendCallable, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def answer(send: ASGISendCallable, body: bytes, *, status: int = 200) -> None:
    """A whole response of known length."""
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def wait_for(event: threading.Event) -> None:
    """Wait in a coroutine for something that a test does in its own thread."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not event.is_set():  # noqa: ASYNC110 - set in another thread, which asyncio.Event does not allow
            await asyncio.sleep(0.002)


def described(scope: HTTPScope, body: bytes | None) -> dict[str, Any]:
    return {
        "method": scope["method"],
        "raw_path": (scope["raw_path"] or b"").decode("latin-1"),
        "path": scope["path"],
        "query_string": scope["query_string"].decode("latin-1"),
        "http_version": scope["http_version"],
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "client": scope["client"],
        "server": scope["server"],
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
    await start(send)
    for number in range(int(scope["path"].strip("/") or "3")):
        await piece(send, b"piece %d\n" % number)
        await asyncio.sleep(0)
    await piece(send, b"end\n", more=False)


# What the paths of ``cases`` do. All of them take the rest of the path, the test's signals, receive and send.


async def held(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answered only when the test says so."""
    signals.set("entered")
    await signals.wait_in_loop("released")
    await answer(send, b"/held")


async def close(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """The connection is to end with it."""
    await start(send, (b"connection", b"close"))
    await piece(send, b"bye", more=False)


async def fail(when: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Raise before the response or inside it."""
    if when == "inside":
        await start(send)
        await piece(send, b"begun")
    raise RuntimeError("as the test wants it")


async def length(announced: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Five bytes, whatever is announced."""
    await start(send, (b"content-length", announced.encode()))
    await piece(send, b"five!", more=False)


async def status(code: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Nothing but a status. The body of the request is not read."""
    await answer(send, b"not interested" if int(code) >= 400 else b"", status=int(code))


async def read(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Send back the body of the request, once it is whole; the test is told whether that is so."""
    body = await read_body(receive)
    signals.set("read", "cut off" if body is None else "whole")
    if body is not None:
        await answer(send, body)


async def expect(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Ask for the body only when the test says so."""
    await signals.wait_in_loop("released")
    await answer(send, await read_body(receive) or b"")


async def endless(size: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Send pieces, large ones or of the given size, until the client has gone; the test is told how it ended."""
    sent = 0
    body = PIECE[: int(size or len(PIECE))]
    await start(send)
    try:
        for sent in range(endless_count(body)):  # noqa: B007 - it is told how far it went
            await piece(send, body)
    except OSError:
        signals.set("gone", str(sent))
        raise


def endless_count(body: bytes) -> int:
    """How many pieces are far more than any client takes: a server that swallows them ends there, and is seen."""
    return ENDLESS if body == PIECE else 25 * ENDLESS


async def large(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """100 MiB, of which the test sees how much has been sent."""
    await start(send)
    for number in range(1600):
        await piece(send, PIECE)
        if number % 100 == 99:
            signals.set(f"sent-{number + 1}")
    await piece(send, b"", more=False)


async def early(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """The first chunk has to be at the client before the second is sent, and the worker is blocked meanwhile."""
    await start(send)
    await piece(send, b"first")
    signals.wait("released")
    await piece(send, b"second", more=False)


async def file(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """The file that the test has put into its folder."""
    await start(send)
    await send({"type": "http.response.pathsend", "path": str(signals.folder / "file")})


async def half_read(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Half a megabyte before the request is read; the test sees how often it was called."""
    signals.set(f"called-{time.monotonic_ns()}")
    await answer(send, b"x" * 500_000)


async def worker(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Which worker answers."""
    await answer(send, b"%d-%d" % (os.getpid(), threading.get_ident()))


async def cpus(_: str, signals: Signals, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """On which CPUs the worker may run."""
    await answer(send, json.dumps(sorted(os.sched_getaffinity(0))).encode())


PATHS: Final[dict[str, Any]] = {
    case.__name__: case
    for case in (held, close, fail, length, status, read, expect, endless, large, early, file, half_read, worker, cpus)
}


async def cases(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Do what the path says; any other path is the answer."""
    assert scope["type"] == "http"
    name, _, rest = scope["path"].strip("/").partition("/")
    case = PATHS.get(name)
    if case is None:
        await answer(send, scope["path"].encode())
    else:
        await case(rest, Signals.of_query(scope["query_string"]), receive, send)
