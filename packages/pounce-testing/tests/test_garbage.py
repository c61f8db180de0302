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


TALKS = {
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


async def application(scope: Any, receive: Any, send: Any) -> None:
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
