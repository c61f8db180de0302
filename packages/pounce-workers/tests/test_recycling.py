"""When a worker has served enough."""

from __future__ import annotations

import random
from typing import Any

import pytest
from slot_doubles import FakeHandle

from pounce_workers import WorkerSettings
from pounce_workers.supervision.recycling import MIB, Quota


def quota(**settings: Any) -> Quota:
    return Quota.draw(WorkerSettings(**settings), random.Random(1))


@pytest.mark.parametrize(
    ("settings", "requests", "age", "rss", "reason"),
    [
        ({}, 10**9, 10.0**9, 10**12, None),
        ({"limit_max_requests": 100}, 99, 1e9, 10**12, None),
        ({"limit_max_requests": 100}, 100, 0.0, None, "it has served 100 requests"),
        ({"workers_lifetime": 60}, 0, 59.9, None, None),
        ({"workers_lifetime": 60}, 0, 60.0, None, "it has served for 60 s"),
        ({"workers_max_rss": 200}, 0, 0.0, 200 * MIB - 1, None),
        ({"workers_max_rss": 200}, 0, 0.0, 200 * MIB, "its memory has grown to 200 MiB"),
        ({"workers_max_rss": 200}, 0, 0.0, None, None),
    ],
)
def test_used_up(settings: dict[str, Any], requests: int, age: float, rss: int | None, reason: str | None) -> None:
    handle = FakeHandle(0)
    handle.requests_served = requests
    handle.rss = rss
    assert quota(**settings).used_up(handle, age) == reason


def test_jitter_spreads_and_stays_in_its_bounds() -> None:
    settings = WorkerSettings(
        limit_max_requests=100, limit_max_requests_jitter=20, workers_lifetime=60, workers_lifetime_jitter=5
    )
    chance = random.Random(1)
    drawn = [Quota.draw(settings, chance) for _ in range(200)]
    requests = {each.requests or 0 for each in drawn}
    lifetimes = {each.lifetime or 0 for each in drawn}
    assert (min(requests), max(requests)) == (100, 120)
    assert len(requests) > 15
    assert 60 <= min(lifetimes) < 61
    assert 64 < max(lifetimes) <= 65
