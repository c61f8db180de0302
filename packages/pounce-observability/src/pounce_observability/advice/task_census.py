"""Counts the tasks of a loop now and then, in the loop's thread, and names those that there are most of."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .code_places import Place
from .task_trend import TaskTrend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .contracts import WatchedLoop

__all__ = ["TaskCensus", "TaskLeak"]

EVERY: Final = 30.0
"""Seconds between two looks: with those of `TaskTrend` a leak is named after 12 minutes, a fast one after two."""
COST: Final = 2000
"""A look is followed by at least so many times as long without one. With 1,000 tasks it takes 0.1 to 0.5 ms, with
100,000 tasks 80 to 200 ms, and Python has no cheaper way to see them."""
MOST: Final = 5000
"""Tasks whose coroutines are looked at to find the commonest."""


class TaskLeak(NamedTuple):
    """Tasks of a loop that only become more."""

    worker_id: int
    own: int
    """Tasks that belong to no request."""
    running: int
    """Requests in flight."""
    place: Place | None
    """The coroutine that most of them run."""
    share: float
    """Of those that were looked at."""

    def __str__(self) -> str:
        where = f" {self.share:.0%} of them run {self.place}." if self.place is not None else ""
        return (
            f"Worker {self.worker_id} has {self.own} tasks that belong to none of its {self.running} requests in"
            f" flight, and they only become more.{where} Await or cancel what you start, or use asyncio.TaskGroup:"
            " a task that nobody ends keeps its memory for ever"
        )


class TaskCensus:
    """Of one loop. ``look`` is for the thread that watches, the rest happens in the loop's."""

    def __init__(
        self,
        watched: WatchedLoop,
        least: int,
        found: Callable[[TaskLeak], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``least`` as in `TaskTrend`. ``found`` is called with a leak, in the loop's thread."""
        self._watched = watched
        self._trend = TaskTrend(least)
        self._found = found
        self._clock = clock
        self._next: float | None = None
        # Written by the loop's thread while a look is under way, which is when the other leaves it alone.
        self._under_way = False
        self._cost = 0.0

    def look(self, now: float) -> None:
        """Let the loop count, if it is time to."""
        if self._under_way or not self._watched.calm:
            return
        if self._next is None:
            self._next = now + EVERY
        elif now >= self._next:
            self._under_way = True
            self._next = now + max(EVERY, COST * self._cost)
            if not self._watched.ask_requests(self.count):
                self._under_way = False

    def count(self, of_requests: frozenset[asyncio.Task[Any]]) -> None:
        """Count, in the loop's thread, all tasks but those of requests."""
        began = self._clock()
        tasks = asyncio.all_tasks(self._watched.loop)
        running = len(of_requests)
        own = len(tasks) - running
        if self._trend.look(own, running):
            others = (task for task in tasks if task not in of_requests)
            self._found(_leak(self._watched.worker_id, others, own, running))
        self._cost = self._clock() - began
        self._under_way = False


def _leak(worker_id: int, tasks: Iterator[asyncio.Task[Any]], own: int, running: int) -> TaskLeak:
    places = Counter(_place_of(task) for task in itertools.islice(tasks, MOST))
    place, count = places.most_common(1)[0]
    return TaskLeak(worker_id, own, running, place, count / places.total())


def _place_of(task: asyncio.Task[Any]) -> Place | None:
    """Where the coroutine of a task is written."""
    coroutine = task.get_coro()
    code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
    if code is None:
        return None
    return Place(code.co_filename, code.co_firstlineno, getattr(coroutine, "__qualname__", code.co_name))
