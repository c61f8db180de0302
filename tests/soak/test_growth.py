"""The judge: what grows is found, and what comes and goes is not."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final

import pytest

from tests.soak.growth import ALLOWED, growth_of, slope_of

if TYPE_CHECKING:
    from collections.abc import Callable

MIB: Final = 2**20
TIMES: Final = [float(10 * number) for number in range(300)]
"""Seconds: of fifty minutes."""


def samples(value: Callable[[float, random.Random], float]) -> list[tuple[float, float]]:
    dice = random.Random(20261122)
    return [(time, value(time, dice)) for time in TIMES]


def steady(time: float, dice: random.Random) -> float:
    """Memory of a server that is at work: 100 MiB, give or take 15."""
    return (100 + dice.uniform(-15, 15)) * MIB


def with_reloads(time: float, dice: random.Random) -> float:
    """Each fourth sample is taken while two generations live side by side."""
    return steady(time, dice) + (80 * MIB if time % 40 == 0 else 0)


def in_teeth(time: float, dice: random.Random) -> float:
    """What is kept until the next worker begins."""
    return steady(time, dice) + time % 300 / 300 * 30 * MIB


def falling(time: float, dice: random.Random) -> float:
    return steady(time, dice) - time / 3000 * 40 * MIB


GOES_ON: Final = [steady, with_reloads, in_teeth, falling]
"""None of these grows."""


@pytest.mark.parametrize("value", GOES_ON)
def test_what_comes_and_goes_is_no_growth(value: Callable[[float, random.Random], float]) -> None:
    assert not growth_of("memory", samples(value)).too_much


@pytest.mark.parametrize("value", GOES_ON[:3])
@pytest.mark.parametrize("leaked", [30, 100])
def test_a_leak_under_it_is_found(value: Callable[[float, random.Random], float], leaked: int) -> None:
    """In MiB within the fifty minutes: 30 of them are 30 bytes for each of a million requests."""
    growth = growth_of("memory", samples(lambda time, dice: value(time, dice) + time / 3000 * leaked * MIB))
    assert growth.too_much
    assert growth.last - growth.first == pytest.approx(leaked * MIB, rel=0.5)


@pytest.mark.parametrize("quantity", ["descriptors", "threads", "tasks", "connections"])
def test_a_few_that_stay_are_found_among_many_that_do_not(quantity: str) -> None:
    def busy(time: float, dice: random.Random) -> float:
        return float(dice.randint(20, 60))

    assert not growth_of(quantity, samples(busy)).too_much
    assert growth_of(quantity, samples(lambda time, dice: busy(time, dice) + time // 150)).too_much


def test_without_traffic_three_are_too_many() -> None:
    assert not growth_of("threads", samples(lambda time, dice: 13.0)).too_much
    assert growth_of("threads", samples(lambda time, dice: 13.0 + time // 700)).too_much


def test_generations_that_pile_up_are_found() -> None:
    assert not growth_of("generations", samples(lambda time, dice: 2.0 + (time % 60 == 0))).too_much
    assert growth_of("generations", samples(lambda time, dice: 2.0 + time // 600)).too_much


def test_the_slope_is_that_of_most() -> None:
    line = [(float(x), 3.0 * x) for x in range(20)]
    line[4] = (4.0, 1e9)
    line[17] = (17.0, -1e9)
    assert slope_of(line) == 3.0
    assert slope_of([(0.0, 1.0)]) == 0.0


def test_what_is_not_sure_is_not_held_against_it() -> None:
    few = [(0.0, 20.0), (1.0, 60.0), (2.0, 20.0), (3.0, 60.0)]
    growth = growth_of("descriptors", few)
    assert growth.last - growth.first > ALLOWED["descriptors"]
    assert not growth.too_much
    assert math.isfinite(growth.uncertain)
