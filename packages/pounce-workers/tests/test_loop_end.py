"""A loop ends within bounds, whatever was left in it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from typing import TYPE_CHECKING, Any

import pytest

from pounce_workers.serving.loop_end import CANCEL_GRACE, ENDINGS, close_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    MakeLoop = Callable[[], asyncio.AbstractEventLoop]


def run(loop: asyncio.AbstractEventLoop, main: Callable[[], Awaitable[Any]]) -> asyncio.Task[Any]:
    """As a worker does: a main task, and the end of the loop whatever becomes of it."""
    task: asyncio.Task[Any] = loop.create_task(main())  # type: ignore[arg-type]
    try:
        loop.run_until_complete(task)
    finally:
        close_loop(loop, task)
    return task


def test_what_is_left_is_cancelled_and_cleans_up(make_loop: MakeLoop) -> None:
    seen: list[str] = []

    async def left() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0.01)
            seen.append("cleaned up")

    async def main() -> None:
        tasks.append(asyncio.ensure_future(left()))
        await asyncio.sleep(0)

    tasks: list[Any] = []
    loop = make_loop()
    run(loop, main)
    assert seen == ["cleaned up"]
    assert tasks[0].cancelled()
    assert loop.is_closed()


def test_a_task_that_does_not_heed_its_cancellation_is_named_and_left_behind(
    make_loop: MakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def resists() -> None:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    async def main() -> None:
        tasks.append(asyncio.ensure_future(resists()))
        await asyncio.sleep(0)

    tasks: list[Any] = []
    loop = make_loop()
    began = time.monotonic()
    run(loop, main)
    assert CANCEL_GRACE * 0.9 <= time.monotonic() - began < 5
    assert loop.is_closed()
    assert "does not heed its cancellation and is left behind: <Task" in caplog.text
    tasks.clear()
    gc.collect()
    assert "Task was destroyed" not in caplog.text


def test_generators_are_closed_within_a_bound(make_loop: MakeLoop, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            seen.append(name)
            if name == "slow":
                await asyncio.get_running_loop().create_future()

    async def main(*names: str) -> None:
        for name in names:
            generator = numbers(name)
            generators.append(generator)
            assert await anext(generator) == 1

    generators: list[Any] = []
    run(make_loop(), lambda: main("quick"))
    assert seen == ["quick"]
    assert not caplog.records
    loop = make_loop()
    run(loop, lambda: main("slow"))
    assert seen == ["quick", "slow"]
    assert "did not close in time" in caplog.text
    assert loop.is_closed()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_the_main_task_takes_its_own_way_out_before_any_other_is_cancelled(
    make_loop: MakeLoop, kind: type[BaseException]
) -> None:
    seen: list[str] = []

    async def helper(asked: asyncio.Event, done: asyncio.Event) -> None:
        try:
            await asked.wait()
            seen.append("helped")
            done.set()
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append("helper cancelled")
            raise

    async def ends() -> None:
        raise kind(3)

    async def main() -> None:
        asked, done = asyncio.Event(), asyncio.Event()
        tasks.append(asyncio.ensure_future(helper(asked, done)))
        tasks.append(asyncio.ensure_future(ends()))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            asked.set()
            await done.wait()
            seen.append("main ended")

    tasks: list[Any] = []
    loop = make_loop()
    with pytest.raises(kind):
        run(loop, main)
    assert seen == ["helped", "main ended", "helper cancelled"]
    assert loop.is_closed()
    with pytest.raises(kind):
        tasks[1].result()


@pytest.mark.parametrize("times", [ENDINGS - 1, ENDINGS + 5])
def test_endings_that_come_up_again_and_again_are_bounded(make_loop: MakeLoop, times: int) -> None:
    """The main task ends if they stop in time, and the loop in any case."""
    raised: list[int] = []
    tasks: list[Any] = []
    ended: list[str] = []

    async def ends() -> None:
        raise SystemExit(3)

    async def main() -> None:
        tasks.append(asyncio.ensure_future(ends()))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            while len(raised) < times:
                raised.append(1)
                tasks.append(asyncio.ensure_future(ends()))
                with contextlib.suppress(SystemExit):
                    await asyncio.wait((tasks[-1],))
            ended.append("main")

    loop = make_loop()
    with pytest.raises(SystemExit):
        run(loop, main)
    assert loop.is_closed()
    if times < ENDINGS:
        assert ended == ["main"]
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()
