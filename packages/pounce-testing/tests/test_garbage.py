"""Connections leave nothing to the garbage collector: on a free-threaded Python it stops every thread for as long as it
looks, and it looks the more often, the more is left to it.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
from typing import TYPE_CHECKING, Any

import pytest

from pounce_testing import TestServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
GET = bytes.fromhex("8286840101") + b"x"  # method, scheme and path of the static table, and authority


def frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def requests(count: int, *, reset: bool = False) -> bytes:
    ending = b"\0\0\0\x08"
    return b"".join(
        frame(1, 5, stream, GET) + (frame(3, 0, stream, ending) if reset else b"") for stream in range(1, 2 * count, 2)
    )


def upgrade(*fields: bytes, version: bytes = b"13", path: bytes = b"/") -> bytes:
    lines = (b"GET %b HTTP/1.1" % path, b"Host: x", b"Connection: upgrade", b"Upgrade: websocket", *fields)
    key = (b"Sec-WebSocket-Version: %b" % version, b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
    return b"\r\n".join((*lines, *key, b"", b""))


DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"
HELLO = bytes.fromhex("81850000000048656c6c6f")
FRAGMENTS = bytes.fromhex("0183000000004865" + "6c" + "8082000000006c6f")
COMPRESSED = bytes.fromhex("c18700000000f248cdc9c90700") + bytes.fromhex("418300000000f248cd" + "808400000000c9c90700")
GOODBYE = bytes.fromhex("88820000000003e8")
EXTENDED = (  # CONNECT, scheme, path and authority; protocol and version are literals (RFC 8441, 4)
    bytes.fromhex("0207") + b"CONNECT" + bytes.fromhex("8684") + b"\x01\x01x" + b"\0\x09:protocol\x09websocket"
    + b"\0\x15sec-websocket-version\x0213"
)  # fmt: skip


def data(stream: int, content: bytes, flags: int = 0) -> bytes:
    return frame(0, flags, stream, content)


TALKS = {
    "websocket": upgrade() + HELLO + GOODBYE,
    "websocket-left": upgrade() + HELLO,
    "websocket-compressed": upgrade(DEFLATE) + COMPRESSED + FRAGMENTS + GOODBYE,
    "websocket-fault": upgrade() + HELLO + b"\xff\xff",
    "websocket-refused": upgrade(path=b"/refused"),
    "websocket-denied": upgrade(path=b"/denied"),
    "websocket-failed": upgrade(path=b"/failed"),
    "websocket-closed": upgrade(path=b"/closed") + HELLO + GOODBYE,
    "websocket-version": upgrade(version=b"12"),
    "websocket-http2": PREFACE + frame(1, 4, 1, EXTENDED) + data(1, HELLO) + data(1, GOODBYE, 1),
    "websocket-http2-left": PREFACE + frame(1, 4, 1, EXTENDED) + data(1, FRAGMENTS),
    "websocket-http2-reset": PREFACE + frame(1, 4, 1, EXTENDED) + data(1, HELLO) + frame(3, 0, 1, b"\0\0\0\x08"),
    "http1": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "http1-kept": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "http1-body": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "http1-fault": b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "http1-fault-of-body": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "http2": PREFACE + requests(10) + frame(7, 0, 0, bytes(8)),
    "http2-resets": PREFACE + requests(10, reset=True),
    "http2-fault": PREFACE + requests(10) + frame(9, 0, 1, b"x"),
}


TIMES = 25
"""More than there is once of anything in a server."""


async def websocket(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    match scope["path"]:
        case "/refused":
            await send({"type": "websocket.close"})
            return
        case "/denied":
            await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"no"})
            return
        case "/failed":
            await asyncio.sleep(0)
            return
    await send({"type": "websocket.accept"})
    if scope["path"] == "/closed":
        await send({"type": "websocket.close"})
    while (message := await receive())["type"] == "websocket.receive":
        with contextlib.suppress(OSError):
            await send({"type": "websocket.send", "text": message["text"]})


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await websocket(scope, receive, send)
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def garbage() -> Iterator[list[Any]]:
    """What only the collector would find from here on."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


async def talk(port: int, wire: bytes) -> None:
    """Say it, hear something, and leave."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(wire)
    assert await reader.read(10)
    writer.write_eof()
    with contextlib.suppress(OSError):
        await asyncio.wait_for(reader.read(), 10)
    writer.transport.abort()


@pytest.mark.parametrize("name", TALKS)
def test_nothing_of_a_connection_is_garbage(name: str, garbage: list[Any]) -> None:
    async def main() -> None:
        async with TestServer(application) as server:
            for _ in range(TIMES):
                await talk(server.port, TALKS[name])

    asyncio.run(main())
    gc.collect()
    ours = collections.Counter(
        kind.__qualname__ for kind in map(type, garbage) if kind.__module__.startswith(("pounce", "h2", "hpack"))
    )
    assert not {kind: count for kind, count in ours.items() if count >= TIMES}
