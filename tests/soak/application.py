"""What is served in a soak: a copy of this file, named ``app``, of which each reload brings another generation.

Whatever is asked has its number in the query (``n=``), and is answered by it. What the server says of it (its records)
and what the application was called for is written to the file ``SOAK_JOURNAL``, a line each, with one call of the
system: so lines of threads and processes never mix. What outlives a generation is kept in `sys`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import weakref
import zlib
from typing import Any, Final

from pounce.events import RequestStarted, ResponseCompleted, subscribe

GENERATION: Final = 1
PIECE: Final = 16_384
PAUSE: Final = 0.02
"""Seconds between the events of a stream without end."""


class Code:
    """This import of the code; as long as there is an object of it, its generation is alive."""


CODE: Final = Code()


def of_the_process() -> dict[str, Any]:
    """What all generations of a process share; whoever comes first makes it."""
    fresh = {
        "loops": weakref.WeakSet(),
        "generations": weakref.WeakSet(),
        "lock": threading.Lock(),
        "leaked": [],
        "journal": -1,
    }
    shared: dict[str, Any] = vars(sys).setdefault("soak_of_the_process", fresh)
    with shared["lock"]:
        if shared["journal"] < 0:
            shared["journal"] = os.open(os.environ["SOAK_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return shared


SHARED: Final = of_the_process()
JOURNAL: Final[int] = SHARED["journal"]
LEAK: Final = os.environ.get("SOAK_LEAK", "")
LEAK_EVERY: Final = int(os.environ.get("SOAK_LEAK_EVERY", "20"))
"""Requests to one thing that is never given back."""


def number_in(query: bytes) -> int:
    """``n=`` comes first in every query of these clients; 0 where there is none."""
    digits = query[2:].partition(b"&")[0] if query.startswith(b"n=") else b""
    return int(digits) if digits.isdigit() else 0


def asked_in(query: bytes, name: bytes) -> int:
    """Another number in the query."""
    return int(query.partition(b"&" + name + b"=")[2].partition(b"&")[0])


def started(record: RequestStarted) -> None:
    if number := number_in(record.query_string):
        os.write(JOURNAL, b"s %d\n" % number)


def completed(record: ResponseCompleted) -> None:
    if number := number_in(record.query_string):
        os.write(JOURNAL, b"c %d %d %d %s\n" % (number, record.status, record.aborted, record.protocol.encode()))


with SHARED["lock"]:
    SHARED["generations"].add(CODE)
subscribe(started, RequestStarted)
subscribe(completed, ResponseCompleted)


def pattern(number: int, size: int) -> bytes:
    """A body that no other request has."""
    line = b"%010d\n" % number
    return (line * (size // len(line) + 1))[:size]


def limit_key(scope: Any) -> str | None:
    """Whose requests are limited: one visit to ``/limited``, which names itself. All others are not."""
    if scope["path"] != "/limited":
        return None
    return str(asked_in(scope["query_string"], b"visit"))


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        with SHARED["lock"]:
            SHARED["loops"].add(asyncio.get_running_loop())
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/reading":
        await answer(send, json.dumps(reading()).encode(), b"application/json")
        return
    number = number_in(scope["query_string"])
    os.write(JOURNAL, b"a %d\n" % number)
    if LEAK and number % LEAK_EVERY == 0:
        leak()
    if scope["type"] == "websocket":
        await converse(number, receive, send)
    elif scope["path"] == "/events":
        await events(number, receive, send)
    elif scope["path"] == "/stream":
        await stream(number, asked_in(scope["query_string"], b"pieces"), send)
    elif scope["path"] == "/download":
        await download(number, asked_in(scope["query_string"], b"size"), send)
    else:
        await echo(number, receive, send)


async def answer(send: Any, body: bytes, kind: bytes = b"text/plain") -> None:
    fields = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def echo(number: int, receive: Any, send: Any) -> None:
    """The number, and the size and checksum of the body."""
    size = checksum = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        checksum = zlib.crc32(message["body"], checksum)
        if not message.get("more_body"):
            break
    await answer(send, b"%d %d %d of %d" % (number, size, checksum, GENERATION))


async def download(number: int, size: int, send: Any) -> None:
    body = pattern(number, size)
    fields = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % size)]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    for start in range(0, size, PIECE):
        await send({"type": "http.response.body", "body": body[start : start + PIECE], "more_body": True})
    await send({"type": "http.response.body"})


async def stream(number: int, pieces: int, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for piece in range(pieces):
        await send({"type": "http.response.body", "body": b"%d:%d\n" % (number, piece), "more_body": True})
        await asyncio.sleep(0.002)
    await send({"type": "http.response.body"})


async def events(number: int, receive: Any, send: Any) -> None:
    """Until the client leaves."""
    left = asyncio.ensure_future(left_by_client(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        while not left.done():
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            await asyncio.wait([left], timeout=PAUSE)
    finally:
        left.cancel()


async def left_by_client(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def converse(number: int, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await send({"type": "websocket.send", "text": f"{number} {message['text']}"})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


def reading() -> dict[str, object]:
    """What this process has after a collection; for all its workers, whichever of them is asked."""
    gc.collect()
    with SHARED["lock"]:
        loops = [loop for loop in SHARED["loops"] if not loop.is_closed()]
        generations = len(SHARED["generations"])
    # Of other threads' loops too: asyncio.all_tasks() may be called from any thread.
    tasks = sum(len(asyncio.all_tasks(loop)) for loop in loops)
    names = sorted(thread.name for thread in threading.enumerate())
    objects = len(gc.get_objects()) + gc.get_freeze_count()
    return {"pid": os.getpid(), "tasks": tasks, "generations": generations, "objects": objects, "names": names}


def leak() -> None:
    """What the test of the soak is to find: any of ``memory``, ``descriptor``, ``task``, ``thread``."""
    kept = SHARED["leaked"]
    if "memory" in LEAK:
        kept.append(os.urandom(65_536) * 32)
    if "descriptor" in LEAK:
        kept.append(os.open(os.devnull, os.O_RDONLY))
    if "task" in LEAK:
        kept.append(asyncio.ensure_future(asyncio.Event().wait()))
    if "thread" in LEAK:
        thread = threading.Thread(target=threading.Event().wait, daemon=True)
        thread.start()
        kept.append(thread)
