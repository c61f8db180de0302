"""Each promise can be broken: a fault that is put into the product is found by the target that is there for it."""

from __future__ import annotations

import logging
import pkgutil
import random
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.doubles import forget_loop
from tests.fuzz.mutation import Mutator
from tests.fuzz.planted_faults import FAULTS, Fault
from tests.fuzz.quic_world import World
from tests.fuzz.server import forget_servers
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 400
"""Mutations at most, besides the seeds."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What is broken by a fault is not for others."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    forget_servers()
    forget_loop()
    World.forget()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.target}-{fault.place.rpartition('.')[2]}")
def test_it_is_found(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, _, name = fault.place.rpartition(".")
    holder = pkgutil.resolve_name(owner)
    campaign = Campaign(TARGETS[fault.target], guided=False)
    campaign.try_one(campaign.target.seeds[0])  # what is made once is made before
    assert not campaign.finds
    monkeypatch.setattr(holder, name, fault.change(getattr(holder, name)))
    mutator = Mutator(random.Random(0), campaign.target.dictionary)
    for number in range(len(campaign.target.seeds) + ROUNDS):
        seeds = campaign.target.seeds
        campaign.try_one(seeds[number] if number < len(seeds) else mutator.mutate(seeds))
        if campaign.finds:
            break
    (find,) = campaign.finds.values()
    assert fault.found in f"{find.error} at {find.place}", find
