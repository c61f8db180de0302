"""Clients that keep asking: each answer is looked at, and whatever is not a whole answer is told.

They are strict. Those with one connection for each request never try again. Those that keep theirs open for many leave
it when an answer says so, and only then: a connection that ends otherwise is a lost answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.under_load.clients import PATIENCE, Clients, Tally

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine

__all__ = ["SteadyLoad", "SteadyTally"]


@dataclass(slots=True)
class SteadyTally(Tally):
    """What these clients have seen."""

    asked: int = 0
    bodies: Counter[str] = field(default_factory=Counter)
    """How often each text was answered."""


class SteadyLoad(Clients[SteadyTally]):
    """Runs from entering the block to ``stop()`` or the block's end, in a thread of its own."""

    def __init__(
        self, port: int, *, keeping: int = 32, closing: int = 32, think: float = 0.2, path: str = "/", seed: int = 1
    ) -> None:
        """``keeping`` clients use a connection for many requests, ``closing`` ones for one. ``think``: seconds that a
        client waits at most between an answer and its next request.
        """
        super().__init__(keeping + closing, SteadyTally(), think=think, seed=seed)
        self._port = port
        self._keeping = keeping
        self._path = path

    def way_of(self, number: int, dice: random.Random) -> Callable[[random.Random], Coroutine[None, None, None]]:
        """The same each time."""
        return self._keep if number < self._keeping else self._close

    async def go(self, way: Callable[..., Coroutine[None, None, None]], dice: random.Random) -> None:
        """Do it. Each answer has its time; a connection may be kept for as long as the server likes."""
        await way(dice)

    async def _keep(self, dice: random.Random) -> None:
        """One connection, until an answer says that it is the last."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            last = False
            while not last:
                last = await self._ask(reader, writer, close=self._stopping.is_set())
                if not last:
                    await asyncio.sleep(dice.uniform(0, self._think))
        finally:
            writer.close()
            with contextlib.suppress(OSError):  # told already, and asyncio would tell it again
                await writer.wait_closed()

    async def _close(self, _: random.Random) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await self._ask(reader, writer, close=True)
            async with asyncio.timeout(PATIENCE):
                after = await reader.read()
            assert after == b"", f"after the answer came {after!r}"
        finally:
            writer.close()
            with contextlib.suppress(OSError):  # told already, and asyncio would tell it again
                await writer.wait_closed()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, close: bool) -> bool:
        """One request and its answer; True when it is the last on this connection."""
        self.tally.asked += 1
        fields = "connection: close\r\n" if close else ""
        writer.write(f"GET {self._path} HTTP/1.1\r\nhost: x\r\n{fields}\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200 "), head
            length = int(head.partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
            body = await reader.readexactly(length)
        self.tally.answered += 1
        self.tally.bodies[body.decode()] += 1
        return b"connection: close\r\n" in head
