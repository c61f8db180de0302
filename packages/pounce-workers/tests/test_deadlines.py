"""Deadlines on a coarse tick, on a clock and a loop that the test moves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_workers.net.deadlines import NEVER, DeadlineSweeper, tick_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EPSILON = 1e-6


class Clock:
    """A monotonic clock and a loop with timers, in one."""

    def __init__(self) -> None:
        self.now = 5000.0
        self.timers: list[tuple[float, Callable[[], None], Clock.Handle]] = []
        self.held_up = 0.0

    class Handle:
        cancelled = False

        def cancel(self) -> None:
            self.cancelled = True

    def call_later(self, delay: float, callback: Callable[[], None]) -> Handle:
        handle = self.Handle()
        self.timers.append((self.now + delay, callback, handle))
        return handle

    def advance_to(self, moment: float) -> None:
        """Let time pass; timers are called when they are due, or as late as the loop is held up."""
        while True:
            due = [timer for timer in self.timers if max(timer[0], self.held_up) <= moment and not timer[2].cancelled]
            if not due:
                break
            first = min(due, key=lambda timer: timer[0])
            self.timers.remove(first)
            self.now = max(self.now, first[0], self.held_up)
            first[1]()
        self.now = max(self.now, moment)

    def hold_up(self, seconds: float) -> None:
        """The loop does something else for so long, and calls no timer meanwhile."""
        self.held_up = self.now + seconds
        self.now = self.held_up


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: made.now)
        yield made


class Member:
    """Something with one deadline, as a transport has it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.deadline = NEVER
        self.expired_at: list[float] = []

    def expire(self, now: float) -> None:
        if self.deadline <= now:
            self.deadline = NEVER
            self.expired_at.append(self.clock.now)


def sweeper_and_member(clock: Any, tick: float) -> tuple[DeadlineSweeper, Member]:
    sweeper, member = DeadlineSweeper(clock, tick), Member(clock)
    sweeper.start()
    sweeper.add(member)
    return sweeper, member


@settings(max_examples=300, deadline=None)
@given(
    tick=st.sampled_from([0.02, 0.1, 0.25, 1.0]),
    timeout=st.floats(0.001, 20),
    set_after=st.floats(0, 3),
)
def test_never_early_and_at_most_two_ticks_late(tick: float, timeout: float, set_after: float) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: clock.now)
        sweeper, member = sweeper_and_member(clock, tick)
        clock.advance_to(clock.now + set_after)
        set_at = clock.now
        member.deadline = sweeper.soon + timeout
        clock.advance_to(set_at + timeout + 2 * tick + EPSILON)
        (expired_at,) = member.expired_at
        assert expired_at >= set_at + timeout - EPSILON


@pytest.mark.parametrize("held_up", [0.5, 3, 12, 300])
def test_a_loop_that_was_held_up_takes_it_out_on_nobody(clock: Clock, held_up: float) -> None:
    """An application blocks the loop. Right after that, before the next tick, a client's time begins to run."""
    sweeper, member = sweeper_and_member(clock, 1.0)
    clock.advance_to(clock.now + 5.5)
    clock.hold_up(held_up)
    set_at = clock.now
    member.deadline = sweeper.soon + 10
    clock.advance_to(set_at + 10 - EPSILON)
    assert member.expired_at == []
    clock.advance_to(set_at + 12 + EPSILON)
    assert len(member.expired_at) == 1


def test_what_was_removed_or_stopped_does_not_expire(clock: Clock) -> None:
    sweeper, removed = sweeper_and_member(clock, 1.0)
    kept = Member(clock)
    sweeper.add(kept)
    removed.deadline = kept.deadline = sweeper.soon + 1
    sweeper.remove(removed)
    sweeper.remove(removed)
    clock.advance_to(clock.now + 10)
    assert (removed.expired_at, len(kept.expired_at)) == ([], 1)
    kept.deadline = sweeper.soon + 1
    sweeper.stop()
    sweeper.stop()
    clock.advance_to(clock.now + 10)
    assert len(kept.expired_at) == 1
    assert all(handle.cancelled for _, _, handle in clock.timers)


def test_members_may_come_and_go_while_the_tick_looks_at_them(clock: Clock) -> None:
    sweeper, _ = sweeper_and_member(clock, 1.0)

    class Replaced(Member):
        def expire(self, now: float) -> None:
            super().expire(now)
            if self.expired_at:
                sweeper.remove(self)
                sweeper.add(Member(clock))

    members = [Replaced(clock) for _ in range(100)]
    for member in members:
        sweeper.add(member)
        member.deadline = sweeper.soon
    clock.advance_to(clock.now + 3)
    assert all(len(member.expired_at) == 1 for member in members)


def test_one_that_raises_costs_the_others_no_more_than_a_tick(clock: Clock) -> None:
    sweeper, _ = sweeper_and_member(clock, 1.0)

    class Raising(Member):
        def expire(self, now: float) -> None:
            super().expire(now)
            if self.expired_at and len(self.expired_at) == 1:
                self.expired_at.append(0.0)
                raise ZeroDivisionError

    members = [*(Member(clock) for _ in range(20)), Raising(clock)]
    for member in members:
        sweeper.add(member)
        member.deadline = sweeper.soon
    with pytest.raises(ZeroDivisionError):
        clock.advance_to(clock.now + 1.5)
    clock.advance_to(clock.now + 1.5)
    assert all(member.expired_at for member in members)


@pytest.mark.parametrize(
    ("timeouts", "tick"),
    [((75, 10, 30, 30), 1.0), ((1, 10), 0.25), ((0.001,), 0.02), ((0.4, 75), 0.1)],
)
def test_the_tick_suits_the_shortest_timeout(timeouts: tuple[float, ...], tick: float) -> None:
    assert tick_for(timeouts) == pytest.approx(tick)
