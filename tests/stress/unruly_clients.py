"""Clients as they come: they reset, half-close, pipeline, stream, leave too early; by a seed, so that it can be again.

An answer that a client has waited for has to be whole and right; each that is not is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.under_load.clients import PATIENCE, Clients, Tally

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine

__all__ = ["UnrulyClients"]

CLIENTS: Final = 24
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing resets the connection."""

GET: Final = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
LAST: Final = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
STREAM: Final = b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n"


@dataclass(slots=True)
class UnrulyTally(Tally):
    """What these clients have seen."""

    abandoned: int = 0
    """Requests, whole or not, whose answer nobody waited for."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tally: UnrulyTally) -> None:
        self.reader = reader
        self.writer = writer
        self.tally = tally

    async def read_answer(self, size: int = 0) -> bool:
        """Read one answer; ``size``: of the body that was sent. True when the connection ends after it."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200 "), head
        if b"transfer-encoding: chunked" in head:
            total = 0
            while count := int(await self.reader.readline(), 16):
                total += count
                await self.reader.readexactly(count + 2)
            assert await self.reader.readexactly(2) == b"\r\n"
            assert total == 4096, total
        else:
            body = await self.reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n", 1)[0]))
            assert body.startswith(b"%d of " % size), body
        self.tally.answered += 1
        return b"connection: close\r\n" in head

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()


class UnrulyClients(Clients[UnrulyTally]):
    """Runs in a thread of its own, from entering the block to ``stop()``."""

    def __init__(self, port: int, *, seed: int) -> None:
        super().__init__(CLIENTS, UnrulyTally(), think=0.02, seed=seed)
        self._port = port
        self._ways: tuple[Callable[[_Connection, random.Random], Coroutine[None, None, None]], ...] = (
            self._keep,
            self._pipeline,
            self._post,
            self._half_close,
            self._stream,
            self._reset_at_once,
            self._reset_amid_answer,
            self._leave_amid_request,
        )

    def way_of(self, number: int, dice: random.Random) -> Callable[..., Coroutine[None, None, None]]:
        """Another each time."""
        return dice.choice(self._ways)

    async def go(self, way: Callable[..., Coroutine[None, None, None]], dice: random.Random) -> None:
        """Do it on a connection of its own."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                await way(_Connection(reader, writer, self.tally), dice)
            finally:
                writer.close()

    # -- those that wait for every answer ------------------------------------------------------------------------------

    async def _keep(self, connection: _Connection, dice: random.Random) -> None:
        for _ in range(dice.randint(1, 8)):
            connection.writer.write(GET)
            if await connection.read_answer():
                return
            await asyncio.sleep(dice.choice((0, 0, 0.05)))

    async def _pipeline(self, connection: _Connection, dice: random.Random) -> None:
        count = dice.randint(2, 8)
        requests = GET * (count - 1) + LAST
        cut = dice.randrange(len(requests))
        connection.writer.write(requests[:cut])
        await asyncio.sleep(dice.choice((0, 0.01)))
        connection.writer.write(requests[cut:])
        for left in reversed(range(count)):
            closes = await connection.read_answer()
            if closes and left:  # the server may end after any answer, and says so: the rest it has not begun
                self.tally.abandoned += left
                return
        assert await connection.reader.read() == b""

    async def _post(self, connection: _Connection, dice: random.Random) -> None:
        body = bytes(dice.randint(1, 40_000))
        connection.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 8192):
            connection.writer.write(body[start : start + 8192])
            await asyncio.sleep(dice.choice((0, 0, 0.005)))
        await connection.read_answer(len(body))

    async def _half_close(self, connection: _Connection, dice: random.Random) -> None:
        connection.writer.write(dice.choice((GET, STREAM)))
        connection.writer.write_eof()
        await connection.read_answer()
        assert await connection.reader.read() == b""

    async def _stream(self, connection: _Connection, _: random.Random) -> None:
        connection.writer.write(STREAM)
        await connection.read_answer()

    # -- those that do not ---------------------------------------------------------------------------------------------

    async def _reset_at_once(self, connection: _Connection, dice: random.Random) -> None:
        if dice.random() < 0.7:
            self.tally.abandoned += 1
            connection.writer.write(dice.choice((GET, STREAM, GET[:10])))
            await asyncio.sleep(dice.choice((0, 0.001)))
        connection.reset()

    async def _reset_amid_answer(self, connection: _Connection, dice: random.Random) -> None:
        self.tally.abandoned += 1
        connection.writer.write(STREAM)
        await connection.reader.readexactly(dice.randint(1, 1000))
        connection.reset()

    async def _leave_amid_request(self, connection: _Connection, dice: random.Random) -> None:
        self.tally.abandoned += 1
        connection.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nsome")
        await asyncio.sleep(dice.choice((0, 0.01)))
