"""The swap of generations as a table of rules, and under any order of events."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_workers.supervision.swap_states import MOST_RETIRING, Doing, Effect, Happened, Phase, SwapState, step

IDLE = SwapState()
BUILDING = SwapState(phase=Phase.BUILDING, building=2, latest=2)
DISCARDING = SwapState(phase=Phase.DISCARDING, building=2, latest=2)
FULL = SwapState(serving=9, latest=9, retiring=frozenset(range(5, 5 + MOST_RETIRING)))
BUILD, SWITCH, DISCARD, UNDO, RELEASE = Doing.BUILD, Doing.SWITCH, Doing.DISCARD, Doing.UNDO, Doing.RELEASE


@pytest.mark.parametrize(
    ("state", "event", "phase", "effects"),
    [
        (IDLE, (Happened.REQUESTED, 0), Phase.BUILDING, [(BUILD, 2)]),
        (IDLE, (Happened.STOPPED, 0), Phase.IDLE, []),
        (IDLE, (Happened.READY, 2), Phase.IDLE, []),
        (IDLE, (Happened.FAILED, 2), Phase.IDLE, []),
        (IDLE, (Happened.ENDED, 1), Phase.IDLE, []),
        (BUILDING, (Happened.REQUESTED, 0), Phase.BUILDING, []),
        (BUILDING, (Happened.READY, 2), Phase.IDLE, [(SWITCH, 2)]),
        (BUILDING, (Happened.READY, 1), Phase.BUILDING, []),
        (BUILDING, (Happened.FAILED, 2), Phase.DISCARDING, [(DISCARD, 2)]),
        (BUILDING, (Happened.FAILED, 1), Phase.BUILDING, []),
        (BUILDING, (Happened.DISCARDED, 2), Phase.BUILDING, []),
        (BUILDING, (Happened.STOPPED, 0), Phase.DISCARDING, [(DISCARD, 2)]),
        (DISCARDING, (Happened.DISCARDED, 2), Phase.IDLE, [(UNDO, 2)]),
        (DISCARDING, (Happened.READY, 2), Phase.DISCARDING, []),
        (DISCARDING, (Happened.FAILED, 2), Phase.DISCARDING, []),
        (DISCARDING, (Happened.STOPPED, 0), Phase.DISCARDING, []),
        (FULL, (Happened.ENDED, 5), Phase.IDLE, [(RELEASE, 5)]),
        (FULL, (Happened.REQUESTED, 0), Phase.IDLE, []),
    ],
)
def test_one_step(state: SwapState, event: tuple[Happened, int], phase: Phase, effects: list[Effect]) -> None:
    after, done = step(state, event)
    assert after.phase is phase
    assert list(done) == effects


def run(*events: tuple[Happened, int]) -> tuple[SwapState, list[Effect]]:
    state = IDLE
    effects: list[Effect] = []
    for event in events:
        state, done = step(state, event)
        effects += done
    return state, effects


def test_a_swap_from_begin_to_end() -> None:
    state, effects = run((Happened.REQUESTED, 0), (Happened.READY, 2), (Happened.ENDED, 1))
    assert effects == [(BUILD, 2), (SWITCH, 2), (RELEASE, 1)]
    assert state == SwapState(serving=2, latest=2)


def test_many_requests_while_one_is_under_way_are_one_more() -> None:
    requests = [(Happened.REQUESTED, 0)] * 10
    _, effects = run(*requests, (Happened.READY, 2), (Happened.READY, 3))
    assert effects == [(BUILD, 2), (SWITCH, 2), (BUILD, 3), (SWITCH, 3)]


def test_a_request_waits_for_one_that_is_given_up() -> None:
    requested = (Happened.REQUESTED, 0)
    _, effects = run(requested, (Happened.FAILED, 2), requested, (Happened.DISCARDED, 2))
    assert effects == [(BUILD, 2), (DISCARD, 2), (UNDO, 2), (BUILD, 3)]


def test_a_request_waits_until_there_is_room_for_another_old_generation() -> None:
    state, _ = step(FULL, (Happened.REQUESTED, 0))
    assert step(state, (Happened.ENDED, 6))[1] == ((RELEASE, 6), (BUILD, 10))


def test_nothing_begins_after_a_stop() -> None:
    requested, stopped = (Happened.REQUESTED, 0), (Happened.STOPPED, 0)
    state, effects = run(requested, requested, stopped, requested, (Happened.READY, 2), (Happened.DISCARDED, 2))
    assert effects == [(BUILD, 2), (DISCARD, 2), (UNDO, 2)]
    assert state.finished
    assert state.serving == 1


@pytest.mark.parametrize(
    ("state", "happened", "number"),
    list(itertools.product([IDLE, BUILDING, DISCARDING, FULL], Happened, [0, 1, 2, 5, 10])),
)
def test_every_state_takes_every_event(state: SwapState, happened: Happened, number: int) -> None:
    after, effects = step(state, (happened, number))
    assert (after.building != 0) == (after.phase is not Phase.IDLE)
    assert after.serving in (state.serving, number)
    assert len(effects) <= 2


@given(st.lists(st.tuples(st.sampled_from(Happened), st.integers(0, 8)), max_size=60))
def test_whatever_happens(events: list[tuple[Happened, int]]) -> None:
    state = IDLE
    built, served, over = [], [1], set()
    for event in events:
        state, effects = step(state, event)
        for doing, number in effects:
            if doing is BUILD:
                built.append(number)
            elif doing is SWITCH:
                assert number == built[-1]
                served.append(number)
            elif doing in (UNDO, RELEASE):
                assert number not in over, "each ends once"
                over.add(number)
        assert state.serving == served[-1], "somebody serves, and only who was switched to"
        assert state.serving not in state.retiring | over
        assert state.building not in state.retiring | over
        assert len(state.retiring) <= MOST_RETIRING
        known = {1, *built}
        assert known == over | state.retiring | {state.serving} | ({state.building} - {0}), "none is forgotten"
    assert built == sorted(set(built))
