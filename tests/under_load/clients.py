"""Clients in a thread of their own that keep asking until they are stopped: whatever is not a whole answer is told."""

from __future__ import annotations

import asyncio
import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["PATIENCE", "Clients", "Tally"]

PATIENCE: Final = 30.0
"""Seconds for one answer."""


@dataclass(slots=True)
class Tally:
    """What the clients have seen."""

    answered: int = 0
    """Whole answers that were read to their end."""
    lost: list[str] = field(default_factory=list)
    """What happened instead of an answer."""


TallyT = TypeVar("TallyT", bound=Tally)


class Clients(Generic[TallyT]):
    """They ask from entering the block to ``stop()`` or the block's end, by a seed, so that it can be again."""

    def __init__(self, count: int, tally: TallyT, *, think: float, seed: int) -> None:
        """``think``: seconds that a client waits at most before it asks again."""
        self._count = count
        self._think = think
        self._seed = seed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="clients", daemon=True)
        self.tally: Final = tally

    def way_of(self, number: int, dice: random.Random) -> Callable[..., Coroutine[None, None, None]]:
        """What this client does next."""
        raise NotImplementedError

    async def go(self, way: Callable[..., Coroutine[None, None, None]], dice: random.Random) -> None:
        """Do it; whatever is waited for has an end."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> TallyT:
        """Let every client have the answer that it waits for, and go."""
        self._stopping.set()
        self._thread.join(PATIENCE + 10)
        assert not self._thread.is_alive(), "a client does not end"
        return self.tally

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as clients:
            for number in range(self._count):
                clients.create_task(self._one(number, random.Random(self._seed * 1000 + number)))

    async def _one(self, number: int, dice: random.Random) -> None:
        while not self._stopping.is_set():
            way = self.way_of(number, dice)
            try:
                await self.go(way, dice)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no answer
                self.tally.lost.append(f"{getattr(way, '__name__', way)}: {error!r}")
            await asyncio.sleep(dice.uniform(0, self._think))
