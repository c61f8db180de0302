"""Clients as they come: they reset, half-close, pipeline, stream, leave too early; by a seed, so that it can be again.

An answer that a client has waited for has to be whole and right; each that is not is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["UnrulyClients"]

PATIENCE: Final = 30.0
CLIENTS: Final = 24
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing resets the connection."""

GET: Final = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
LAST: Final = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
STREAM: Final = b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n"


@dataclass(slots=True)
class Tally:
    """What the clients have seen."""

    answered: int = 0
    """Whole answers that were read to their end."""
    abandoned: int = 0
    """Requests, whole or not, whose answer nobody waited for."""
    lost: list[str] = field(default_factory=list)


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tally: Tally) -> None:
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


class UnrulyClients:
    """Runs in a thread of its own, from entering the block to ``stop()``."""

    def __init__(self, port: int, *, seed: int) -> None:
        self._port = port
        self._seed = seed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="clients", daemon=True)
        self.tally: Final = Tally()
        self._ways: tuple[Callable[[_Connection, random.Random], Awaitable[None]], ...] = (
            self._keep,
            self._pipeline,
            self._post,
            self._half_close,
            self._stream,
            self._reset_at_once,
            self._reset_amid_answer,
            self._leave_amid_request,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> Tally:
        self._stopping.set()
        self._thread.join(PATIENCE + 10)
        assert not self._thread.is_alive(), "a client does not end"
        return self.tally

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(self._one(random.Random(self._seed + number)))

    async def _one(self, dice: random.Random) -> None:
        while not self._stopping.is_set():
            way = dice.choice(self._ways)
            try:
                async with asyncio.timeout(PATIENCE):
                    reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                    try:
                        await way(_Connection(reader, writer, self.tally), dice)
                    finally:
                        writer.close()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no answer
                self.tally.lost.append(f"{getattr(way, '__name__', way)}: {error!r}")
            await asyncio.sleep(dice.uniform(0, 0.02))

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
