"""Numbers of tasks, look after look, and which of them are a leak."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pounce_observability.advice.task_trend import MANY, RISES, WINDOW, TaskTrend

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = 100


def warnings(own: Callable[[int], int], running: int = 0, looks: int = 200) -> list[int]:
    """The looks with which it warns."""
    trend = TaskTrend(LEAST)
    return [look for look in range(looks) if trend.look(own(look), running)]


@pytest.mark.parametrize(
    ("own", "why"),
    [
        (lambda _: 50, "constant"),
        (lambda _: 50_000, "many from the start"),
        (lambda look: 50 * look if look < 14 else 700, "grows and stays"),
        (lambda look: 100 * (look % 20), "grows and falls, again and again"),
        (lambda look: look // 5, "grows by less than the least"),
        (lambda look: 2000 if look % WINDOW else 30, "bursts with quiet moments between them"),
        (lambda look: MANY + (look % 3) * 100, "many, up and down"),
    ],
)
def test_what_is_no_leak(own: Callable[[int], int], why: str) -> None:
    assert warnings(own, looks=100) == [], why


def test_a_leak_is_seen_when_it_has_risen_long_enough() -> None:
    first = warnings(lambda look: 20 * look)[0]
    assert first == WINDOW * (RISES + 1) - 1


def test_it_is_said_again_only_at_twice_as_many() -> None:
    found = warnings(lambda look: 20 * look, looks=400)
    assert found == [24, 49, 99, 199, 399]


def test_a_slow_one_is_seen_when_it_has_become_enough() -> None:
    (first, *_) = warnings(lambda look: 2 * look)
    assert 50 <= first <= 50 + 2 * WINDOW


def test_a_fast_one_does_not_have_to_wait() -> None:
    assert warnings(lambda look: 6000 * look)[0] == 3


def test_one_beneath_requests_that_come_and_go_is_seen() -> None:
    noise = random.Random(8)
    found = warnings(lambda look: 40 * look + noise.randrange(30))
    assert found
    assert found[0] < 50


@pytest.mark.parametrize(("running", "seen"), [(0, True), (100, True), (1000, False)])
def test_requests_in_flight_have_tasks_of_their_own(running: int, seen: bool) -> None:
    assert bool(warnings(lambda look: 20 * look, running, looks=100)) is seen


def test_what_grows_by_chance_is_seldom_taken_for_a_leak() -> None:
    noise = random.Random(8)
    taken = sum(bool(warnings(lambda _: noise.randrange(500), looks=100)) for _ in range(100))
    assert taken <= 10
