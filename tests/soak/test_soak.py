"""A soak of half a minute, and one in which everything leaks; `python -m tests.soak` is for the longer ones."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from pounce.interpreter import gil_is_on
from tests.soak.campaign import Plan, soak
from tests.soak.report import report

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = ("cryptography", "h2", "wsproto")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="memory and descriptors are read from /proc"),
    pytest.mark.skipif(not all(map(importlib.util.find_spec, NEEDED)), reason=f"one of {NEEDED} is not installed"),
    pytest.mark.timeout(240),
]

KIND = "process" if gil_is_on() else "thread"
"""What a server has workers of by itself."""


def test_nothing_grows_and_nothing_is_lost(tmp_path: Path) -> None:
    plan = Plan(
        warm_up=2.0,
        measured=7.0,
        restarting=2.0,
        restarts=2,
        sample_every=0.5,
        reload_every=2.0,
        quiet_each=2,
        requests_of_worker=60,
        think=0.4,
        memory=64 * 2**20,  # it is a few seconds old
        kind=KIND,
    )
    result = soak(plan, tmp_path)
    print(report(result))
    assert result.faults == []
    assert all(life.samples and life.reloads >= 3 and life.restarts == 1 for life in result.lives.values())
    assert sum(life.recycled for life in result.lives.values()) >= 1
    ways = {name for name, counts in result.requests.items() if counts.get("ANSWERED")}
    assert len(ways) >= 7, "over every protocol; HTTP/3 where a client of it is installed"


def test_what_leaks_is_found(tmp_path: Path) -> None:
    plan = Plan(
        warm_up=1.0,
        measured=4.0,
        restarting=0.0,
        restarts=0,
        sample_every=0.2,
        reload_every=3.0,
        quiet_each=1,
        requests_of_worker=10_000,
        think=0.2,
        memory=16 * 2**20,
        kind="thread",
        leak="memory,descriptor,task,thread",
    )
    faults = "\n".join(soak(plan, tmp_path).faults)
    print(faults)
    for quantity in ("memory", "descriptors", "tasks", "threads"):
        assert f" {quantity} " in faults
