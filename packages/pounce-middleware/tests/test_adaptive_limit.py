"""A limit that finds itself, and what becomes of a server with it at four times its capacity. Time is simulated."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from asgi_calls import Call, http_scope
from middleware_clock import run_virtually
from processor import Processor

from pounce_middleware import AdaptiveLimit, LoadShedder, LoadSheddingMiddleware

PATIENCE = 1.0
"""Seconds after which an answer is of no use."""
SECONDS = 10.0
WORK = 0.010


async def goodput(per_second: float, cores: int, waste: float, limit: AdaptiveLimit | int | None) -> float:
    """Answers a second that came in time, in the second half."""
    loop = asyncio.get_running_loop()
    processor = Processor(cores, waste)
    chance = random.Random(7)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await processor.work(chance.expovariate(1 / WORK))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    served: Any = app
    if limit is not None:
        shedder = LoadShedder(limit, queue=50, timeout=0.5, clock=loop.time)
        served = LoadSheddingMiddleware(app, shedder=shedder)
    began = loop.time()
    useful = 0

    async def client() -> None:
        nonlocal useful
        start = loop.time()
        call = await Call(http_scope()).run(served)
        if call.status == 200 and loop.time() - start <= PATIENCE and loop.time() - began > SECONDS / 2:
            useful += 1

    clients = set()
    while loop.time() < began + SECONDS:
        task = loop.create_task(client())
        clients.add(task)
        task.add_done_callback(clients.discard)
        await asyncio.sleep(chance.expovariate(per_second))
    for task in clients:
        task.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    return useful / (SECONDS / 2)


def peak(cores: int, waste: float) -> float:
    capacity = cores / WORK
    return max(float(run_virtually(goodput(capacity * part, cores, waste, None))) for part in (0.6, 0.75))


@pytest.mark.parametrize(("cores", "waste"), [(2, 0.01), (1, 0.01)])
def test_goodput_at_four_times_the_capacity(cores: int, waste: float) -> None:
    capacity = cores / WORK
    best = peak(cores, waste)
    assert best > 0.4 * capacity
    assert run_virtually(goodput(4 * capacity, cores, waste, None)) < 0.05 * best, "without a limit it collapses"
    assert run_virtually(goodput(4 * capacity, cores, waste, AdaptiveLimit(1000))) >= 0.9 * best


def follow(limit: AdaptiveLimit, windows: int, latency: Any, demand: int = 10**9, now: float = 0.0) -> list[int]:
    """The limit after each of so many windows, in which all places are taken if there is so much demand."""
    limits = []
    for _ in range(windows):
        active = min(limit.limit, demand)
        for _ in range(max(20, 2 * limit.limit)):
            epoch = limit.started(active)
            now += 0.02
            limit.finished(epoch, latency(active), now)
        limits.append(limit.limit)
    return limits


def test_it_finds_where_requests_begin_to_wait() -> None:
    limits = follow(AdaptiveLimit(1000), 200, lambda active: 0.01 * max(1.0, active / 50))
    assert 60 <= sorted(limits[100:])[50] <= 100


def test_it_comes_down_from_too_high_a_start() -> None:
    limits = follow(AdaptiveLimit(1000, start=1000), 200, lambda active: 0.01 * max(1.0, active / 5))
    assert sorted(limits[50:])[75] <= 15


def test_it_is_not_tied_to_what_was() -> None:
    """When every request takes ten times as long, a new base is found."""
    limit = AdaptiveLimit(1000)
    follow(limit, 100, lambda active: 0.01 * max(1.0, active / 50))
    limits = follow(limit, 200, lambda active: 0.1 * max(1.0, active / 50), now=1e6)
    assert sorted(limits[100:])[50] >= 50


def test_without_demand_it_stays() -> None:
    assert set(follow(AdaptiveLimit(1000), 100, lambda active: 0.01, demand=5)) == {20}


def test_it_stays_within_its_ends() -> None:
    assert max(follow(AdaptiveLimit(30), 100, lambda active: 0.01)) == 30
    assert min(follow(AdaptiveLimit(30, smallest=4), 100, lambda active: 0.01 * active**2)) >= 4
    assert AdaptiveLimit(5).limit == 5


def test_who_began_under_another_limit_does_not_count() -> None:
    limit = AdaptiveLimit(1000)
    old = limit.started(20)
    follow(limit, 3, lambda active: 0.01)
    before = limit.limit
    for _ in range(100):
        assert not limit.finished(old, 100.0, 1000.0)
    assert limit.limit == before
