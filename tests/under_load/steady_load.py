"""Clients that keep asking: each answer is looked at, and whatever is not a whole answer is told.

They are strict. Those with one connection for each request never try again. Those that keep theirs open for many leave
it when an answer says so, and only then: a connection that ends otherwise is a lost answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["SteadyLoad", "Tally"]

PATIENCE: Final = 30.0
"""Seconds for one answer."""


@dataclass(slots=True)
class Tally:
    """What the clients have seen."""

    asked: int = 0
    answered: int = 0
    bodies: Counter[str] = field(default_factory=Counter)
    """How often each text was answered."""
    lost: list[str] = field(default_factory=list)
    """What happened instead of an answer."""


class SteadyLoad:
    """Runs from entering the block to ``stop()`` or the block's end, in a thread of its own."""

    def __init__(
        self, port: int, *, keeping: int = 32, closing: int = 32, think: float = 0.2, path: str = "/", seed: int = 1
    ) -> None:
        """``keeping`` clients use a connection for many requests, ``closing`` ones for one. ``think``: seconds that a
        client waits at most between an answer and its next request.
        """
        self._port = port
        self._clients: list[Callable[[random.Random], Coroutine[None, None, None]]] = [
            *[self._keep] * keeping,
            *[self._close] * closing,
        ]
        self._think = think
        self._path = path
        self._seed = seed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="clients", daemon=True)
        self.tally: Final = Tally()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> Tally:
        """Let every client have the answer that it waits for, and go."""
        self._stopping.set()
        self._thread.join(PATIENCE + 10)
        assert not self._thread.is_alive(), "a client does not end"
        return self.tally

    # -- the clients -------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as clients:
            for number, client in enumerate(self._clients):
                clients.create_task(self._one(client, random.Random(self._seed * 1000 + number)))

    async def _one(self, client: Callable[[random.Random], Coroutine[None, None, None]], dice: random.Random) -> None:
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(PATIENCE):
                    await client(dice)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no answer
                self.tally.lost.append(f"{client.__name__}: {error!r}")
            await asyncio.sleep(dice.uniform(0, self._think))

    async def _keep(self, dice: random.Random) -> None:
        """One connection, until an answer says that it is the last."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            last = False
            while not last:
                async with asyncio.timeout(PATIENCE):
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
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200 "), head
        length = int(head.partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        self.tally.answered += 1
        self.tally.bodies[body.decode()] += 1
        return b"connection: close\r\n" in head
