"""Short runs of all that a campaign draws from, by seeds that stay: nothing is lost, nothing is counted wrong."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from tests.stress.campaign import SUBJECTS, Campaign
from tests.stress.crowd import INTERVALS, MOST_THREADS, Circumstances, Crowd
from tests.stress.serving import KINDS, drawn_kind

if TYPE_CHECKING:
    import random

    import pytest

SECONDS: Final = (0.05, 0.1)
"""For each run: the campaign has longer ones."""


def test_short_runs_of_everything() -> None:
    campaign = Campaign(seed=1, seconds=SECONDS, most_threads=8)
    for seed, name in enumerate(sorted(SUBJECTS)):
        campaign.run_one(name, seed)
    assert campaign.finds == []
    assert len(campaign.runs) == len(SUBJECTS) > 25


def test_circumstances_are_drawn_from_all_there_are() -> None:
    drawn = [Circumstances.drawn(seed) for seed in range(500)]
    assert {one.threads for one in drawn} == set(range(2, MOST_THREADS + 1))
    assert all(INTERVALS[0] <= one.interval <= INTERVALS[1] for one in drawn)
    assert min(one.interval for one in drawn) < 1e-5
    assert max(one.interval for one in drawn) > 1e-3
    assert {drawn_kind(seed)[0] for seed in range(500)} == set(KINDS)
    assert Circumstances.drawn(7) == Circumstances.drawn(7) != Circumstances.drawn(8)


def test_the_switch_interval_is_as_it_was() -> None:
    before = sys.getswitchinterval()
    campaign = Campaign(seed=1, seconds=(0.01, 0.02))
    campaign.run_one("tickets", 1)
    assert sys.getswitchinterval() == before


def test_what_a_thread_finds_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(given: Circumstances) -> None:
        def work(number: int, _dice: random.Random) -> None:
            assert number != given.threads - 1, "the last one fails"

        Crowd(given).run(work)

    monkeypatch.setitem(SUBJECTS, "fails", fails)
    campaign = Campaign(seed=1, seconds=(5.0, 6.0))
    assert campaign.run_one("fails", 3)
    said: list[str] = []
    campaign.report(said.append)
    assert "the last one fails" in campaign.finds[0]
    assert "seed=3" in said[-1], "so that it can be done again"
