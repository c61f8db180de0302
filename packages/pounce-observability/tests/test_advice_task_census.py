"""A loop that counts its tasks, now and then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from advice_doubles import FakeLoop

from pounce_observability.advice.task_census import COST, EVERY, TaskCensus, TaskLeak

if TYPE_CHECKING:
    from collections.abc import Coroutine


class RealTasks(FakeLoop):
    """Its tasks are those of the loop of the test."""

    @property
    def loop(self) -> Any:
        return asyncio.get_running_loop()


class Counting:
    """Looks at it each half a minute, and tells what was found."""

    def __init__(self, *, cost: float = 0.0) -> None:
        self.watched = RealTasks()
        self.found: list[TaskLeak] = []
        self.now = 1000.0
        self._ticks = 0.0
        self._cost = cost
        self.census = TaskCensus(self.watched, 100, self.found.append, clock=self._clock)
        self.census.look(self.now)

    def _clock(self) -> float:
        self._ticks += self._cost
        return self._ticks

    def look(self, seconds: float = EVERY) -> None:
        self.now += seconds
        self.census.look(self.now)


async def leaking(queue: asyncio.Event) -> None:
    await queue.wait()


async def innocent(queue: asyncio.Event) -> None:
    await queue.wait()


async def leak(counting: Counting, looks: int) -> None:
    never = asyncio.Event()
    tasks = [asyncio.create_task(innocent(never)) for _ in range(20)]
    counting.watched.of_requests = frozenset(tasks[:5])
    for _ in range(looks):
        tasks += [asyncio.create_task(leaking(never)) for _ in range(20)]
        counting.look()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def run(what: Coroutine[Any, Any, None]) -> None:
    asyncio.run(what)


def test_the_commonest_coroutine_is_named() -> None:
    async def main() -> None:
        counting = Counting()
        await leak(counting, 30)
        (found,) = counting.found
        assert found.worker_id == 2
        assert found.running == 5
        assert found.own == 25 * 20 + 15 + 1, "the test is a task, too"
        assert found.place is not None
        assert found.place[0::2] == (__file__, "leaking")
        assert found.place.line == leaking.__code__.co_firstlineno
        assert found.share == pytest.approx(500 / 516)
        assert str(found).startswith(
            "Worker 2 has 516 tasks that belong to none of its 5 requests in flight, and they only become more."
            f" 97% of them run leaking ({__file__}:"
        )

    run(main())


def test_looks_are_as_seldom_as_they_are_dear() -> None:
    async def main() -> None:
        counting = Counting(cost=0.1)
        counting.look()
        asked = counting.watched.samples = 0
        counting.watched.ask_requests = _counts(counting)  # type: ignore[method-assign]
        for _ in range(10):
            counting.look(COST * 0.1 / 10)
            asked = counting.watched.samples
        assert asked == 1

    run(main())


def _counts(counting: Counting) -> Any:
    def ask(answer: Any, /) -> bool:
        counting.watched.samples += 1
        answer(frozenset())
        return True

    return ask


def test_a_loop_that_does_not_answer_is_not_asked_again() -> None:
    counting = Counting()
    asked: list[Any] = []

    def ask(answer: Any, /) -> bool:
        asked.append(answer)
        return True

    counting.watched.ask_requests = ask  # type: ignore[method-assign]
    for _ in range(5):
        counting.look()
    assert len(asked) == 1


def test_one_that_has_ended_or_drains_is_left_alone() -> None:
    counting = Counting()
    counting.watched.alive = False
    counting.look()
    counting.look()
    counting.watched.alive = True
    counting.watched.calm = False
    counting.look()
    assert counting.found == []


def test_tasks_without_a_coroutine_to_name_are_counted() -> None:
    assert str(TaskLeak(1, 200, 0, None, 1.0)).startswith(
        "Worker 1 has 200 tasks that belong to none of its 0 requests in flight, and they only become more. Await"
    )
