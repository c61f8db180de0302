"""A server to be overloaded: a processor that is shared by its jobs, and does less the more of them there are."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import Any

__all__ = ["Processor"]


class Processor:
    """``cores`` of it work at full speed. Each job beyond them costs the whole ``waste`` of its speed, by switching
    between them, by caches and by memory. A job gets an equal share; time is the loop's.
    """

    def __init__(self, cores: int, waste: float) -> None:
        self._cores = cores
        self._waste = waste
        self._order = itertools.count()
        self._jobs: list[tuple[float, int, asyncio.Future[None]]] = []
        self._done = 0.0  # work that each job that was there all the time has got
        self._at = 0.0
        self._timer: Any = None

    async def work(self, seconds: float) -> None:
        """Be given so many seconds of a core."""
        future = asyncio.get_running_loop().create_future()
        self._advance()
        heapq.heappush(self._jobs, (self._done + seconds, next(self._order), future))
        self._plan()
        await future

    def _speed(self) -> float:
        jobs = len(self._jobs)
        return min(1.0, self._cores / jobs) / (1.0 + self._waste * max(0, jobs - self._cores)) if jobs else 0.0

    def _advance(self) -> None:
        now = asyncio.get_running_loop().time()
        self._done += (now - self._at) * self._speed()
        self._at = now

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._jobs:
            wait = (self._jobs[0][0] - self._done) / self._speed()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._finish)

    def _finish(self) -> None:
        self._advance()
        while self._jobs and self._jobs[0][0] <= self._done + 1e-9:
            future = heapq.heappop(self._jobs)[2]
            if not future.done():
                future.set_result(None)
        self._plan()
