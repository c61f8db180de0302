"""Back-off and budget of one slot."""

from __future__ import annotations

import pytest

from pounce_workers.supervision.restarts import BUDGET, HEALTHY, LONGEST_DELAY, WINDOW, Restarts
from pounce_workers.supervision.slots import SlotExit

KILLED = SlotExit(expected=False, signal=9)


def test_each_death_in_a_row_waits_twice_as_long() -> None:
    restarts = Restarts()
    delays = [restarts.died(KILLED, 100.0 + n, ready_at=None) for n in range(5)]
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6])


def test_a_healthy_time_ends_the_row() -> None:
    restarts = Restarts()
    for now in (0.0, 1.0, 2.0):
        restarts.died(KILLED, now, ready_at=None)
    assert restarts.died(KILLED, 40.0, ready_at=40.0 - HEALTHY) == pytest.approx(0.1)
    assert restarts.died(KILLED, 50.0, ready_at=49.0) == pytest.approx(0.2)


def test_serving_for_less_does_not() -> None:
    restarts = Restarts()
    restarts.died(KILLED, 0.0, ready_at=None)
    assert restarts.died(KILLED, 100.0, ready_at=100.0 - HEALTHY + 0.1) == pytest.approx(0.2)


def test_a_row_spends_the_budget_however_slow_it_is() -> None:
    restarts = Restarts()
    delays = [restarts.died(KILLED, n * WINDOW, ready_at=None) for n in range(BUDGET)]
    assert None not in delays[:-1]
    assert delays[-1] is None


def test_the_wait_has_a_bound() -> None:
    restarts = Restarts()
    delays = [restarts.died(KILLED, n * WINDOW, ready_at=None) for n in range(BUDGET - 1)]
    assert max(delay for delay in delays if delay is not None) <= LONGEST_DELAY


def test_healthy_deaths_far_apart_never_spend_it() -> None:
    restarts = Restarts()
    for n in range(5 * BUDGET):
        now = n * HEALTHY
        assert restarts.died(KILLED, now, ready_at=now - HEALTHY) == pytest.approx(0.1)


def test_the_budget_is_for_a_window_too() -> None:
    restarts = Restarts()
    step = WINDOW / (BUDGET - 1)
    delays = [restarts.died(KILLED, n * step, ready_at=n * step - HEALTHY) for n in range(BUDGET)]
    assert delays[-1] is None, "ten within one window"
    assert None not in delays[:-1]


def test_the_summary_names_the_last_three_exits() -> None:
    restarts = Restarts()
    for code in (1, 2, 3, 4):
        restarts.died(SlotExit(expected=False, code=code), 0.0, ready_at=None)
    assert restarts.summary() == "it exited with code 2; it exited with code 3; it exited with code 4"
