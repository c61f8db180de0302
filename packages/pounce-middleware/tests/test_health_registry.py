"""Checks that an application adds."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

import pytest

from pounce_middleware import CheckResult, HealthRegistry


async def well() -> None:
    await asyncio.sleep(0)


async def hanging() -> None:
    await asyncio.sleep(1000)


async def failing() -> None:
    raise ConnectionError("postgres://user:password@db")


def results(registry: HealthRegistry) -> dict[str, CheckResult]:
    return asyncio.run(registry.results())


@pytest.mark.parametrize(
    ("check", "result"),
    [
        (lambda: None, CheckResult(True)),
        (lambda: True, CheckResult(True)),
        (lambda: False, CheckResult(False)),
        (lambda: 0, CheckResult(False)),
        (lambda: "too full", CheckResult(False, "too full")),
        (lambda: well(), CheckResult(True)),
        (well, CheckResult(True)),
        (hanging, CheckResult(False, "no answer within 0.05 s")),
        (failing, CheckResult(False, "ConnectionError")),
    ],
)
def test_what_checks_say(check: Any, result: CheckResult) -> None:
    registry = HealthRegistry()
    registry.add("one", check, timeout=0.05 if check is hanging else 30)
    assert results(registry) == {"one": result}


def test_one_that_blocks_does_not_hold_up_the_loop_and_is_not_called_again() -> None:
    now = 0.0
    registry = HealthRegistry(lambda: now)
    end = threading.Event()
    called = []

    def blocks() -> None:
        called.append(1)
        end.wait(30)

    registry.add("blocks", blocks, timeout=0.05)
    late = {"blocks": CheckResult(False, "no answer within 0.05 s")}

    async def main() -> None:
        nonlocal now
        try:
            for now in (0.0, 2.0, 4.0):  # noqa: B007 - it is the clock
                assert await registry.results() == late
        finally:
            end.set()

    asyncio.run(main())  # it waits for the thread
    now = 6.0
    assert results(registry) == {"blocks": CheckResult(True)}
    assert len(called) == 2


def test_one_that_blocks_two_workers_is_not_called_again_when_one_of_them_is_let_go() -> None:
    now = 0.0
    registry = HealthRegistry(lambda: now)
    let_go = threading.Semaphore(0)
    called = []

    def blocks() -> None:
        called.append(1)
        let_go.acquire(timeout=30)

    registry.add("blocks", blocks, timeout=0.05)
    check = registry._checks["blocks"]
    workers = [threading.Thread(target=check._call_in_thread) for _ in range(2)]  # as their loops have it called
    for worker in workers:
        worker.start()
    try:
        while len(called) < 2:
            time.sleep(0.001)
        let_go.release()
        while all(worker.is_alive() for worker in workers):
            time.sleep(0.001)
        now = 2.0
        assert results(registry) == {"blocks": CheckResult(False, "no answer within 0.05 s")}
        assert len(called) == 2, "the other is still in its thread"
    finally:
        let_go.release(10)
        for worker in workers:
            worker.join(30)
    now = 4.0
    assert results(registry) == {"blocks": CheckResult(True)}


def test_many_ask_once_in_each_worker_whatever_others_do() -> None:
    registry = HealthRegistry()
    asked: list[int] = []
    begun, over = threading.Barrier(2), threading.Event()

    async def check() -> None:
        asked.append(threading.get_ident())
        while not over.is_set():  # noqa: ASYNC110 - set in another thread
            await asyncio.sleep(0.002)

    registry.add("one", check, timeout=30)

    async def worker(*, first: bool) -> None:
        one = asyncio.create_task(registry.results())
        while threading.get_ident() not in asked:  # noqa: ASYNC110 - it is a list
            await asyncio.sleep(0.002)
        begun.wait(30)  # the other has begun to ask meanwhile
        two = asyncio.create_task(registry.results())
        await asyncio.sleep(0.002)
        begun.wait(30)
        if first:
            over.set()
        await asyncio.gather(one, two)

    other = threading.Thread(target=lambda: asyncio.run(worker(first=False)))
    other.start()
    asyncio.run(worker(first=True))
    other.join(30)
    assert len(asked) == len(set(asked)) == 2


def test_they_are_asked_at_the_same_time() -> None:
    registry = HealthRegistry()

    async def main() -> dict[str, CheckResult]:
        barrier = asyncio.Barrier(3)

        async def meet() -> None:
            await barrier.wait()

        for name in "abc":
            registry.add(name, meet, timeout=30)
        return await registry.results()

    assert all(result.ok for result in asyncio.run(main()).values())


def test_a_result_counts_for_a_second_and_many_ask_once() -> None:
    now = 0.0
    registry = HealthRegistry(lambda: now)
    asked = 0

    async def check() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)

    registry.add("one", check)

    async def main() -> None:
        nonlocal now
        await asyncio.gather(*(registry.results() for _ in range(50)))
        assert asked == 1
        now = 0.9
        await registry.results()
        assert asked == 1
        now = 1.0
        await registry.results()
        assert asked == 2

    asyncio.run(main())
    now = 5.0
    asyncio.run(registry.results())  # on another loop
    assert asked == 3


def test_who_asks_may_leave() -> None:
    registry = HealthRegistry()
    gate: asyncio.Event

    async def check() -> None:
        await gate.wait()

    registry.add("one", check, timeout=30)

    async def main() -> None:
        nonlocal gate
        gate = asyncio.Event()
        first, second = (asyncio.create_task(registry.results()) for _ in range(2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        gate.set()
        assert (await second)["one"].ok

    asyncio.run(main())


def test_the_log_has_the_reason_once_and_the_answer_has_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    now = 0.0
    registry = HealthRegistry(lambda: now)
    registry.add("database", failing)
    for now in (0.0, 2.0, 4.0):  # noqa: B007 - it is the clock
        assert "password" not in results(registry)["database"].detail
    assert caplog.messages == ["The health check database fails: postgres://user:password@db"]


def test_a_name_is_replaced_and_removed() -> None:
    registry = HealthRegistry()
    registry.add("one", lambda: False)
    registry.add("one", lambda: True)
    registry.add("two", lambda: False)
    registry.remove("two")
    registry.remove("three")
    assert results(registry) == {"one": CheckResult(True)}
    for name, timeout in (("", 1.0), ("x", 0.0)):
        with pytest.raises(ValueError, match="a check needs a name and a time above 0"):
            registry.add(name, well, timeout=timeout)
