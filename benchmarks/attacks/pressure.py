"""What attacks over TCP have in common: connections that are held, or a few that are written to without a pause."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from typing import TYPE_CHECKING, Final

from benchmarks.servers import HOST

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

__all__ = ["DRIP", "SLOW", "connect", "flood", "hold", "repeated"]

SLOW: Final = 500
"""Connections of a slow attack."""
DRIP: Final = 0.5
"""Seconds between one little something and the next."""
RAMP: Final = 0.5
"""Seconds until all of them are there."""
FLOODS: Final = 4
"""Connections of a flood: more than one core can serve."""
PIECE: Final = 65536
AFTER_REFUSAL: Final = 0.01


async def connect(
    port: int, receive_bytes: int | None = None, *, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises:
    OSError: nobody listens, or there is no socket to be had.
    """
    sock = socket.socket()
    try:
        if receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (HOST, port))
    except BaseException:
        sock.close()
        raise
    return await asyncio.open_connection(sock=sock, limit=PIECE, ssl=tls, server_hostname="localhost" if tls else None)


async def hold(
    port: int,
    first: bytes | Callable[[], bytes],
    drip: bytes,
    *,
    count: int | None = None,
    receive_bytes: int | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Keep so many connections: each says something, and then a little now and then. Nothing is read."""
    many = min(SLOW, count or SLOW)

    async def one(number: int) -> None:
        await asyncio.sleep(RAMP * number / many)  # a crowd that comes at once is another thing than slow clients
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await connect(port, receive_bytes, tls=tls)
                try:
                    reader._transport.pause_reading()  # type: ignore[attr-defined]
                    writer.write(first() if callable(first) else first)
                    while not writer.is_closing():
                        await asyncio.sleep(DRIP)
                        if drip:
                            writer.write(drip)
                            await writer.drain()
                finally:
                    writer.transport.abort()
            await asyncio.sleep(DRIP)

    await asyncio.gather(*[one(number) for number in range(many)])


async def flood(port: int, wire: Callable[[], Iterator[bytes]], *, read: bool = True, count: int = FLOODS) -> None:
    """Write as fast as it is taken, on so many connections; a new one when one is ended."""

    async def drain(reader: asyncio.StreamReader) -> None:
        while await reader.read(PIECE):
            pass

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await connect(port)
                reading = asyncio.ensure_future(drain(reader)) if read else None
                try:
                    for piece in wire():
                        writer.write(piece)
                        await writer.drain()
                        if reading is not None and reading.done():
                            break
                        await asyncio.sleep(0)
                finally:
                    writer.transport.abort()
                    if reading is not None:
                        reading.cancel()
                        await asyncio.gather(reading, return_exceptions=True)
            await asyncio.sleep(0)

    await asyncio.gather(*[one() for _ in range(count)])


def repeated(piece: bytes, before: bytes = b"") -> Callable[[], Iterator[bytes]]:
    """The same for ever, in writes of some 16 KB."""
    many = piece * max(1, PIECE // len(piece) // 4)
    return lambda: itertools.chain([before], itertools.repeat(many))
