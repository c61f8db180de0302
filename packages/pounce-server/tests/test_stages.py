"""The life of a server, looked at in every state with every event."""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce import stage_effects as do
from pounce import stage_events as on
from pounce.stages import TABLE, Stage, State, step

BROKEN = OSError("broken")

EVENTS: Final[tuple[on.Event, ...]] = (
    on.ConfigLoaded(),
    on.KindDetected(kind="thread"),
    on.KindDetected(kind="process"),
    on.Bound(),
    on.WorkersReady(),
    on.ReloadRequested(),
    on.GenerationReady(generation=2),
    on.GenerationReady(generation=3),
    on.GenerationFailed(generation=2, reason="SyntaxError"),
    on.GenerationFailed(generation=3),
    on.StopRequested(),
    on.Drained(),
    on.Failed(error=BROKEN),
    on.Failed(error=BROKEN, code=2),
)

SERVING: Final = (on.ConfigLoaded(), on.KindDetected(kind="thread"), on.Bound(), on.WorkersReady())
STOP, RELOAD = on.StopRequested(), on.ReloadRequested()

TO_SERVE: Final = [
    do.DetectKind(),
    do.Bind(),
    do.StartWorkers(kind="thread"),
    do.Announce(),
    do.NotifyReady(),
]
DRAIN: Final = [do.NotifyStopping(), do.BeginDrain()]


def live(*events: on.Event, state: State | None = None) -> tuple[State, list[do.Effect]]:
    """Where these events lead, and all that they order."""
    state = state or State()
    ordered: list[do.Effect] = []
    for event in events:
        state, effects = step(state, event)
        ordered += effects
    return state, ordered


def all_states(*, generations: int = 4) -> list[State]:
    """Every state that events can lead to, up to so many generations."""
    found = {State()}
    waiting = deque(found)
    while waiting:
        state = waiting.popleft()
        for event in EVENTS:
            after, _ = step(state, event)
            after = dataclasses.replace(after, stop_requests=min(after.stop_requests, 4))
            if after not in found and after.generation <= generations:
                found.add(after)
                waiting.append(after)
    return sorted(found, key=repr)


STATES: Final = all_states()


def exits(effects: Any) -> list[do.Exit]:
    return [one for one in effects if isinstance(one, do.Exit)]


def test_all_stages_and_events_are_tried() -> None:
    assert {state.stage for state in STATES} == set(Stage)
    assert {type(event) for event in EVENTS} == set(on.Event.__args__)
    assert len(STATES) > 100


def test_every_state_with_every_event() -> None:
    for state in STATES:
        for event in EVENTS:
            after, effects = step(state, event)
            rule = TABLE[state.stage].get(type(event))
            if rule is None:
                assert (after, effects) == (state, ()), "what is not in the table changes nothing"
                continue
            assert after.stage in rule.to
            assert bool(exits(effects)) is (after.stage is Stage.STOP)
            assert all(not isinstance(one, do.Exit) for one in effects[:-1]), "nothing follows the exit"
            assert after.stop_requests == state.stop_requests + isinstance(event, on.StopRequested)
            assert not state.exit_code or after.exit_code == state.exit_code, "the first failure is the cause"


def test_every_way_that_the_table_names_is_taken() -> None:
    named = {(stage, event, to) for stage, row in TABLE.items() for event, rule in row.items() for to in rule.to}
    taken = {
        (state.stage, type(event), step(state, event)[0].stage)
        for state in STATES
        for event in EVENTS
        if type(event) in TABLE[state.stage]
    }
    assert taken == named


def test_stop_absorbs_everything() -> None:
    assert TABLE[Stage.STOP] == {}
    ended = [state for state in STATES if state.stage is Stage.STOP]
    assert ended
    assert all(step(state, event) == (state, ()) for state in ended for event in EVENTS)


def test_the_second_stop_hastens_in_every_state() -> None:
    for state in STATES:
        if state.stage is Stage.STOP or state.stop_requests:
            continue
        for event in EVENTS:  # whatever comes between the two
            after, effects = live(STOP, event, STOP, state=state)
            assert any(isinstance(one, do.HastenDrain | do.Exit) for one in effects), (state, event)
            if after.stop_requests == 2 and after.stage is not Stage.STOP:
                after, effects = live(STOP, state=after)
                assert any(isinstance(one, do.KillWorkers | do.Exit) for one in effects), "the third waits for nobody"
            assert live(on.Drained(), state=after)[0].stage is Stage.STOP


@given(st.lists(st.sampled_from(EVENTS), max_size=60))
def test_every_life_ends_once(events: list[on.Event]) -> None:
    state, effects = live(*events, STOP, STOP, STOP, on.Drained(), *events)
    assert state.stage is Stage.STOP
    assert exits(effects) == [effects[-1]] == [do.Exit(code=state.exit_code)]
    assert sum(isinstance(one, do.BeginDrain) for one in effects) <= 1
    assert sum(isinstance(one, do.HastenDrain) for one in effects) <= 1
    assert sum(isinstance(one, do.KillWorkers) for one in effects) <= 1
    if do.Bind() in effects:
        assert do.CloseSockets() in effects, "what was opened is closed"
    if any(isinstance(one, do.StartWorkers) for one in effects):
        assert do.BeginDrain() in effects, "workers are told before the end"


@given(st.lists(st.sampled_from(EVENTS), max_size=60))
def test_generations_count_up_and_only_one_is_coming(events: list[on.Event]) -> None:
    state = State()
    coming: int | None = None
    started = 1
    for event in events:
        was, (state, effects) = coming, step(state, event)
        if isinstance(event, on.GenerationReady | on.GenerationFailed) and event.generation == was:
            coming = None
        for one in effects:
            if isinstance(one, do.StartGeneration):
                assert coming is None, "one at a time"
                assert one.generation == started + 1
                coming = started = one.generation
            elif isinstance(one, do.SwitchGeneration):
                assert one.generation == was, "only to one that is ready"


@pytest.mark.parametrize(
    ("events", "stage", "effects"),
    [
        (SERVING, Stage.SERVE, TO_SERVE),
        ((*SERVING, STOP), Stage.DRAIN, [*TO_SERVE, *DRAIN]),
        ((*SERVING, STOP, on.Drained()), Stage.STOP, [*TO_SERVE, *DRAIN, do.CloseSockets(), do.Exit(code=0)]),
        (
            (*SERVING, STOP, STOP, on.Drained()),
            Stage.STOP,
            [*TO_SERVE, *DRAIN, do.HastenDrain(), do.CloseSockets(), do.Exit(code=0)],
        ),
        (
            (*SERVING, STOP, STOP, STOP, STOP, on.Drained()),
            Stage.STOP,
            [*TO_SERVE, *DRAIN, do.HastenDrain(), do.KillWorkers(), do.CloseSockets(), do.Exit(code=0)],
        ),
        ((STOP,), Stage.STOP, [do.Exit(code=0)]),
        ((*SERVING[:1], STOP), Stage.STOP, [*TO_SERVE[:1], do.Exit(code=0)]),
        ((*SERVING[:2], STOP), Stage.STOP, [*TO_SERVE[:2], do.CloseSockets(), do.Exit(code=0)]),
        ((*SERVING[:3], STOP), Stage.DRAIN, [*TO_SERVE[:3], *DRAIN]),
        ((on.Failed(error=BROKEN, code=2),), Stage.STOP, [do.Report(what=BROKEN), do.Exit(code=2)]),
        (
            (*SERVING[:2], on.Failed(error=BROKEN)),
            Stage.STOP,
            [*TO_SERVE[:2], do.Report(what=BROKEN), do.CloseSockets(), do.Exit(code=1)],
        ),
        (
            (*SERVING[:3], on.Failed(error=BROKEN), on.Failed(error=BROKEN, code=2), STOP, on.Drained()),
            Stage.STOP,
            [
                *TO_SERVE[:3],
                do.Report(what=BROKEN),
                *DRAIN,
                do.Report(what=BROKEN),
                do.CloseSockets(),
                do.Exit(code=1),
            ],
        ),
        (
            (*SERVING, on.Failed(error=BROKEN, code=0), on.Drained()),
            Stage.STOP,
            [*TO_SERVE, do.Report(what=BROKEN), *DRAIN, do.CloseSockets(), do.Exit(code=1)],
        ),
    ],
)
def test_lives(events: tuple[on.Event, ...], stage: Stage, effects: list[do.Effect]) -> None:
    state, ordered = live(*events)
    assert state.stage is stage
    assert ordered == effects


def test_processes_where_they_were_chosen() -> None:
    _, effects = live(on.ConfigLoaded(), on.KindDetected(kind="process"), on.Bound())
    assert effects[-1] == do.StartWorkers(kind="process")


NEW: Final = [do.NotifyReloading(), do.StartGeneration(generation=2)]
NEXT: Final = [do.NotifyReloading(), do.StartGeneration(generation=3)]
SWITCHED: Final = [do.SwitchGeneration(generation=2), do.NotifyReady()]
READY, LATE = on.GenerationReady(generation=2), on.GenerationReady(generation=1)


@pytest.mark.parametrize(
    ("events", "effects"),
    [
        ((RELOAD, READY), [*NEW, *SWITCHED]),
        ((RELOAD, READY, RELOAD), [*NEW, *SWITCHED, *NEXT]),
        # Several requests while one is on its way are one more reload after it, for the code may have changed again.
        ((RELOAD, RELOAD, RELOAD, READY), [*NEW, *SWITCHED, *NEXT]),
        # One that is not awaited, because it is too late or was never asked for, never serves.
        ((READY,), []),
        ((RELOAD, LATE), NEW),
        ((RELOAD, on.GenerationFailed(generation=1)), NEW),
        ((RELOAD, STOP, READY), [*NEW, *DRAIN]),
        ((RELOAD, STOP, on.GenerationFailed(generation=2), RELOAD), [*NEW, *DRAIN]),
    ],
)
def test_reloads(events: tuple[on.Event, ...], effects: list[do.Effect]) -> None:
    serving, _ = live(*SERVING)
    assert live(*events, state=serving)[1] == effects


def test_broken_new_code_leaves_the_old_serving() -> None:
    serving, _ = live(*SERVING)
    broken = on.GenerationFailed(generation=2, reason="SyntaxError: invalid syntax")
    state, effects = live(RELOAD, broken, RELOAD, state=serving)
    assert state.stage is Stage.SERVE
    report, *rest = effects[2:]
    assert "what served before goes on: SyntaxError: invalid syntax" in str(report)
    assert rest == [do.NotifyReady(), *NEXT]


@pytest.mark.parametrize("when", range(4))
def test_a_reload_that_was_asked_for_too_early_is_made_up_for(when: int) -> None:
    _, effects = live(*SERVING[:when], RELOAD, *SERVING[when:])
    assert effects == [*TO_SERVE, *NEW]
