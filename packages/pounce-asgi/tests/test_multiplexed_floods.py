"""The budgets by themselves."""

from __future__ import annotations

import pytest

from pounce_asgi.multiplexed.floods import CHORES, CHORES_PER_SECOND, REFUSALS, REFUSALS_PER_SECOND, FloodBudget


class Flood(Exception):  # noqa: N818 - as wires name it
    """What a wire has for it."""

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def test_chores_have_a_bound() -> None:
    budget = FloodBudget(0.0, Flood)
    for _ in range(CHORES):
        budget.chore()
    with pytest.raises(Flood):
        budget.chore()


def test_work_and_time_pay_for_chores_and_nothing_is_saved_up() -> None:
    budget = FloodBudget(0.0, Flood)
    for _ in range(1000):
        budget.request()
    budget.frames_moved(1000)
    budget.pay(1000.0)
    budget.chore(CHORES)
    budget.pay(1001.0)
    budget.chore(CHORES_PER_SECOND)
    with pytest.raises(Flood):
        budget.chore()


def test_only_time_pays_for_refusals() -> None:
    budget = FloodBudget(0.0, Flood)
    for _ in range(REFUSALS):
        budget.refusal()
    budget.request()
    budget.frames_moved(1000)
    with pytest.raises(Flood):
        budget.refusal()
    budget.pay(1.0)
    for _ in range(REFUSALS_PER_SECOND - 1):
        budget.refusal()
    with pytest.raises(Flood):
        budget.refusal()


def test_ticks_that_come_often_pay_as_much() -> None:
    budget = FloodBudget(0.0, Flood)
    for _ in range(REFUSALS):
        budget.refusal()
    for step in range(1, 1001):
        budget.pay(step / 100)
    for _ in range(REFUSALS_PER_SECOND * 10 - 1):
        budget.refusal()
