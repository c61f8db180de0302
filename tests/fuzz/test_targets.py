"""The bounded run: each target's seeds, and as many mutations of them as fit into a second or two.

Campaigns that take longer are run by ``python -m tests.fuzz``; see docs/security/fuzzing.md.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Servers log what clients do wrong; here that is all they do."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found(name: str) -> None:
    campaign = Campaign(TARGETS[name], guided=False)
    campaign.run(rounds=TARGETS[name].rounds)
    lines: list[str] = []
    campaign.report(lines.append)
    assert not campaign.finds, "\n".join(lines)


def test_a_broken_promise_is_found() -> None:
    """A find has its place, and the shortest input of those that come there."""

    def check(data: bytes) -> None:
        assert b"x" not in data

    campaign = Campaign(Target(name="x", promises="", check=check, seeds=(b"axax", b"x", b"a")), guided=False)
    campaign.run(rounds=200)
    assert [find.data for find in campaign.finds.values()] == [b"x"]
    assert campaign.executions == 203


def test_the_same_seed_makes_the_same_inputs() -> None:
    seen: list[list[bytes]] = []
    for _ in range(2):
        inputs: list[bytes] = []
        target = Target(name="x", promises="", check=inputs.append, seeds=(b"abc", b"12"), dictionary=(b"word",))
        Campaign(target, seed=3, guided=False).run(rounds=50)
        seen.append(inputs)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 30
