"""The heap of timers."""

from __future__ import annotations

import gc
import weakref
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from pounce_h3.timers import NEVER, Timer, Timers


class Owner:
    def __init__(self, name: int) -> None:
        self.name = name
        self.timer: Timer[Owner] = Timer(self)


def all_due(timers: Timers[Owner], now: float) -> list[Owner]:
    return list(iter(partial(timers.maybe_due, now), None))


def test_the_earliest_is_next_and_those_due_come_in_order() -> None:
    timers: Timers[Owner] = Timers()
    owners = [Owner(number) for number in range(5)]
    for owner, when in zip(owners, (5.0, 1.0, 4.0, 1.0, 9.0), strict=True):
        timers.set(owner.timer, when)
    assert timers.next == 1.0
    assert [one.name for one in all_due(timers, 4.5)] == [1, 3, 2]
    assert timers.next == 5.0
    assert all_due(timers, 4.9) == []


def test_a_timer_that_moves_goes_off_once_where_it_was_moved_to() -> None:
    timers: Timers[Owner] = Timers()
    owner = Owner(0)
    for when in (5.0, 9.0, 3.0, 7.0, 7.0, 6.0):
        timers.set(owner.timer, when)
    assert timers.next == 6.0
    assert all_due(timers, 5.9) == []
    assert all_due(timers, 6.0) == [owner]
    assert all_due(timers, 100.0) == []
    assert timers.next is None


def test_a_timer_can_be_taken_back() -> None:
    timers: Timers[Owner] = Timers()
    owner = Owner(0)
    timers.set(owner.timer, 5.0)
    timers.set(owner.timer, None)
    assert timers.next is None
    timers.set(owner.timer, 6.0)
    assert all_due(timers, 6.0) == [owner]


def test_an_owner_that_is_gone_is_held_by_nothing() -> None:
    timers: Timers[Owner] = Timers()
    keeper = Owner(1)
    timers.set(keeper.timer, 1.0)
    owner = Owner(0)
    timers.set(owner.timer, 75.0)
    timers.set(owner.timer, 5.0)
    gone = weakref.ref(owner)
    timers.drop(owner.timer)
    del owner
    gc.collect()
    assert gone() is None
    assert all_due(timers, 100.0) == [keeper]


def test_acknowledgements_before_a_long_idle_timeout_do_not_pile_up() -> None:
    timers: Timers[Owner] = Timers()
    owners = [Owner(number) for number in range(100)]
    now = 0.0
    for _ in range(200):
        for owner in owners:
            timers.set(owner.timer, now + 0.025)
        now += 0.03
        for owner in all_due(timers, now):
            timers.set(owner.timer, now + 75)
    assert len(timers) < 500


@given(st.lists(st.tuples(st.integers(0, 4), st.one_of(st.none(), st.integers(0, 50)), st.booleans()), max_size=60))
def test_it_does_what_a_plain_table_would(steps: list[tuple[int, int | None, bool]]) -> None:
    """Whatever is set and taken, the same timers go off at the same moments as if all were looked at each time."""
    timers: Timers[Owner] = Timers()
    owners = [Owner(number) for number in range(5)]
    table: dict[int, float] = {}
    for number, when, take in steps:
        if take and when is not None:
            due = sorted(one for one, at in table.items() if at <= when)
            assert sorted(one.name for one in all_due(timers, when)) == due
            for one in due:
                del table[one]
        else:
            timers.set(owners[number].timer, when)
            table.pop(number, None)
            if when is not None:
                table[number] = when
        assert (NEVER if timers.next is None else timers.next) == min(table.values(), default=NEVER)
