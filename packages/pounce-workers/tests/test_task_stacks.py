"""Where tasks wait: through coroutines, generators and other tasks."""

from __future__ import annotations

import asyncio
from types import coroutine
from typing import TYPE_CHECKING, Any

import pytest

from pounce_workers.serving.task_stacks import MOST_TASKS, Waiting, task_stack
from pounce_workers.serving.thread_stacks import MOST_FRAMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator


async def waits() -> None:
    await asyncio.get_running_loop().create_future()


async def generates() -> AsyncIterator[int]:
    await waits()
    yield 1


class Waits:
    def __await__(self) -> Generator[Any, None, None]:
        yield from waits().__await__()


@coroutine
def old_style() -> Generator[Any, None, None]:
    yield from waits().__await__()


async def iterates() -> None:
    async for _ in generates():
        pass


async def asks_for_next() -> None:
    await anext(generates())


async def asks_for_next_or_none() -> None:
    await anext(generates(), None)


async def awaits_object() -> None:
    await Waits()


async def awaits_old_style() -> None:
    await old_style()


async def awaits_task() -> None:
    await asyncio.create_task(waits(), name="inner")


async def awaits_several() -> None:
    await asyncio.gather(asyncio.sleep(0), waits())


async def awaits_with_limit() -> None:
    async with asyncio.timeout(60):
        await waits()


async def awaits_lock() -> None:
    lock = asyncio.Lock()
    await lock.acquire()
    await lock.acquire()


async def recurses(levels: int = 200) -> None:
    await (recurses(levels - 1) if levels else waits())


CASES: list[tuple[Callable[[], Awaitable[None]], list[str], str]] = [
    (waits, ["waits"], "Future"),
    (iterates, ["iterates", "generates", "waits"], "Future"),
    (asks_for_next, ["asks_for_next", "generates", "waits"], "Future"),
    (asks_for_next_or_none, ["asks_for_next_or_none", "generates", "waits"], "Future"),
    (awaits_object, ["awaits_object", "__await__", "waits"], "Future"),
    (awaits_old_style, ["awaits_old_style", "old_style", "waits"], "Future"),
    (awaits_task, ["awaits_task", "waits"], "Future"),
    (awaits_several, ["awaits_several", "waits"], "Future"),
    (awaits_with_limit, ["awaits_with_limit", "waits"], "Future"),
    (awaits_lock, ["awaits_lock", "acquire"], "Future"),
]


async def waiting_of(function: Callable[[], Any]) -> Waiting:
    task = asyncio.ensure_future(function())
    for _ in range(5):
        await asyncio.sleep(0)
    try:
        return task_stack(task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("function", "expected", "wakes"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_task_shows_where_it_waits(function: Callable[[], Any], expected: list[str], wakes: str) -> None:
    waiting = asyncio.run(waiting_of(function))
    assert [frame.function for frame in waiting.stack] == expected
    assert waiting.waits_for == wakes
    assert all(frame.line > 0 for frame in waiting.stack)


def test_of_a_deep_stack_the_innermost_frames_are_kept() -> None:
    waiting = asyncio.run(waiting_of(recurses))
    assert len(waiting.stack) == MOST_FRAMES
    assert waiting.stack[-1].function == "waits"


def test_a_task_that_has_not_begun_waits_for_nothing() -> None:
    async def main() -> Waiting:
        task = asyncio.ensure_future(waits())
        waiting = task_stack(task)
        task.cancel()
        return waiting

    waiting = asyncio.run(main())
    assert waiting.waits_for == ""
    assert [frame.function for frame in waiting.stack] == ["waits"]


def test_a_task_that_is_done_has_no_stack() -> None:
    async def main() -> Waiting:
        task = asyncio.ensure_future(asyncio.sleep(0))
        await task
        return task_stack(task)

    assert asyncio.run(main()) == Waiting([], "")


async def awaits_chain(links: int = 20) -> None:
    await (asyncio.create_task(awaits_chain(links - 1), name=f"link {links}") if links else waits())


def test_a_chain_of_tasks_is_followed_for_a_while() -> None:
    async def main() -> Waiting:
        task = asyncio.ensure_future(awaits_chain())
        for _ in range(30):
            await asyncio.sleep(0)
        waiting = task_stack(task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return waiting

    waiting = asyncio.run(main())
    assert [frame.function for frame in waiting.stack] == ["awaits_chain"] * MOST_TASKS
    assert waiting.waits_for == f"task link {21 - MOST_TASKS}"
