"""The life of a server as a table: what each event leads to at each stage, without doing any of it.

`step` is a pure function from a state and an event to the next state and the orders that follow from it (effects). It
knows no socket, no thread and no clock, so whoever drives a server - one worker or many, threads or processes - carries
out the same orders in the same order. `TABLE` is all there is: an event that it does not have at a stage came too early
or too late, and changes nothing. ``docs/life-of-the-server.md`` is drawn from it.

Its promises, each held by a test over all states: every life ends in exactly one `Exit`, and nothing follows it; the
second `StopRequested` hastens whatever goes on, and the third waits for nobody.

Workers that die are no matter of it: the supervisor replaces them, and says when it cannot.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from . import stage_effects as do
from . import stage_events as on

if TYPE_CHECKING:
    from collections.abc import Callable

    from .stage_effects import Effect
    from .stage_events import Event

__all__ = ["TABLE", "Rule", "Stage", "State", "step"]

EXIT_FAILED: Final = 1
"""The exit code when workers cannot be had, or do not end."""


class Stage(enum.Enum):
    """Where a server stands in its life."""

    CONFIG = "config"
    """The configuration is read."""
    DETECT = "detect"
    """Threads or processes; where threads serve, the application is imported."""
    BIND = "bind"
    """The listening sockets are opened."""
    LIFESPAN = "lifespan"
    """The workers start, and with them the application."""
    SERVE = "serve"
    """Requests are answered; workers are replaced and generations come and go."""
    DRAIN = "drain"
    """Nothing new is accepted; what is in flight is finished, and the workers end."""
    STOP = "stop"
    """It is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that the next step depends on. A new server's is ``State()``."""

    stage: Stage = Stage.CONFIG
    kind: Literal["thread", "process"] = "thread"
    generation: int = 0
    """The newest generation of which a start was ordered; 0 before the first."""
    coming: bool = False
    """That generation is on its way, beside one that serves."""
    reload_wanted: bool = False
    """Another reload was asked for meanwhile; several count as one."""
    stop_requests: int = 0
    exit_code: int = 0


Step = tuple[State, "tuple[Effect, ...]"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an event does at a stage, and the stages to which it may lead."""

    act: Callable[[State, Any], Step]
    to: tuple[Stage, ...]


def step(state: State, event: Event) -> Step:
    """The state after an event, and what is to be done because of it, in this order. Never raises."""
    rule = TABLE[state.stage].get(type(event))
    return rule.act(state, event) if rule is not None else (state, ())


# -- on the way to serving ---------------------------------------------------------------------------------------------


def _config_loaded(state: State, _: on.ConfigLoaded) -> Step:
    return _at(state, Stage.DETECT), (do.DetectKind(),)


def _kind_detected(state: State, event: on.KindDetected) -> Step:
    return dataclasses.replace(state, stage=Stage.BIND, kind=event.kind), (do.Bind(),)


def _bound(state: State, _: on.Bound) -> Step:
    return dataclasses.replace(state, stage=Stage.LIFESPAN, generation=1), (do.StartWorkers(kind=state.kind),)


def _workers_ready(state: State, _: on.WorkersReady) -> Step:
    serving, effects = _next_generation(_at(state, Stage.SERVE))
    return serving, (do.Announce(), do.NotifyReady(), *effects)


def _reload_later(state: State, _: on.ReloadRequested) -> Step:
    """It may have been imported already, so it is imported once more as soon as it serves."""
    return dataclasses.replace(state, reload_wanted=True), ()


def _stop_before_binding(state: State, _: on.StopRequested) -> Step:
    return _stopped(_asked(state), ())


def _stop_while_binding(state: State, _: on.StopRequested) -> Step:
    return _stopped(_asked(state), (do.CloseSockets(),))


def _fail_before_binding(state: State, event: on.Failed) -> Step:
    return _stopped(_failed(state, event.code), (do.Report(what=event.error),))


def _fail_while_binding(state: State, event: on.Failed) -> Step:
    return _stopped(_failed(state, event.code), (do.Report(what=event.error), do.CloseSockets()))


# -- serving -----------------------------------------------------------------------------------------------------------


def _reload(state: State, _: on.ReloadRequested) -> Step:
    wanted = dataclasses.replace(state, reload_wanted=True)
    return (wanted, ()) if state.coming else _next_generation(wanted)


def _next_generation(state: State) -> Step:
    """Start one if it is wanted."""
    if not state.reload_wanted:
        return state, ()
    number = state.generation + 1
    started = dataclasses.replace(state, generation=number, coming=True, reload_wanted=False)
    return started, (do.NotifyReloading(), do.StartGeneration(generation=number))


def _generation_ready(state: State, event: on.GenerationReady) -> Step:
    if not _is_awaited(state, event):
        return state, ()
    serving, effects = _next_generation(dataclasses.replace(state, coming=False))
    return serving, (do.SwitchGeneration(generation=event.generation), do.NotifyReady(), *effects)


def _generation_failed(state: State, event: on.GenerationFailed) -> Step:
    if not _is_awaited(state, event):
        return state, ()
    serving, effects = _next_generation(dataclasses.replace(state, coming=False))
    failure = f"the new code cannot serve, so what served before goes on: {event.reason}"
    return serving, (do.Report(what=failure), do.NotifyReady(), *effects)


def _is_awaited(state: State, event: on.GenerationReady | on.GenerationFailed) -> bool:
    return state.coming and event.generation == state.generation


def _stop(state: State, _: on.StopRequested) -> Step:
    return _draining(_asked(state))


def _fail(state: State, event: on.Failed) -> Step:
    return _draining(_failed(state, event.code), do.Report(what=event.error))


# -- the end -----------------------------------------------------------------------------------------------------------


def _stop_again(state: State, _: on.StopRequested) -> Step:
    """The first while it drains for another reason adds nothing; the second cannot wait; the third does not."""
    asked = _asked(state)
    orders: dict[int, tuple[Effect, ...]] = {2: (do.HastenDrain(),), 3: (do.KillWorkers(),)}
    return asked, orders.get(asked.stop_requests, ())


def _drained(state: State, _: on.Drained) -> Step:
    return _stopped(state, (do.CloseSockets(),))


def _fail_again(state: State, event: on.Failed) -> Step:
    return _failed(state, event.code), (do.Report(what=event.error),)


# -- what several of them do -------------------------------------------------------------------------------------------


def _at(state: State, stage: Stage) -> State:
    return dataclasses.replace(state, stage=stage)


def _asked(state: State) -> State:
    return dataclasses.replace(state, stop_requests=state.stop_requests + 1)


def _failed(state: State, code: int = EXIT_FAILED) -> State:
    """The first failure is the cause, so its code stays; and a failure never looks like success."""
    return state if state.exit_code else dataclasses.replace(state, exit_code=code or EXIT_FAILED)


def _draining(state: State, *first: Effect) -> Step:
    return _at(state, Stage.DRAIN), (*first, do.NotifyStopping(), do.BeginDrain())


def _stopped(state: State, effects: tuple[Effect, ...]) -> Step:
    return _at(state, Stage.STOP), (*effects, do.Exit(code=state.exit_code))


TABLE: Final[dict[Stage, dict[type[Any], Rule]]] = {
    Stage.CONFIG: {
        on.ConfigLoaded: Rule(_config_loaded, (Stage.DETECT,)),
        on.ReloadRequested: Rule(_reload_later, (Stage.CONFIG,)),
        on.StopRequested: Rule(_stop_before_binding, (Stage.STOP,)),
        on.Failed: Rule(_fail_before_binding, (Stage.STOP,)),
    },
    Stage.DETECT: {
        on.KindDetected: Rule(_kind_detected, (Stage.BIND,)),
        on.ReloadRequested: Rule(_reload_later, (Stage.DETECT,)),
        on.StopRequested: Rule(_stop_before_binding, (Stage.STOP,)),
        on.Failed: Rule(_fail_before_binding, (Stage.STOP,)),
    },
    Stage.BIND: {
        on.Bound: Rule(_bound, (Stage.LIFESPAN,)),
        on.ReloadRequested: Rule(_reload_later, (Stage.BIND,)),
        on.StopRequested: Rule(_stop_while_binding, (Stage.STOP,)),
        on.Failed: Rule(_fail_while_binding, (Stage.STOP,)),
    },
    Stage.LIFESPAN: {
        on.WorkersReady: Rule(_workers_ready, (Stage.SERVE,)),
        on.ReloadRequested: Rule(_reload_later, (Stage.LIFESPAN,)),
        on.StopRequested: Rule(_stop, (Stage.DRAIN,)),
        on.Failed: Rule(_fail, (Stage.DRAIN,)),
    },
    Stage.SERVE: {
        on.ReloadRequested: Rule(_reload, (Stage.SERVE,)),
        on.GenerationReady: Rule(_generation_ready, (Stage.SERVE,)),
        on.GenerationFailed: Rule(_generation_failed, (Stage.SERVE,)),
        on.StopRequested: Rule(_stop, (Stage.DRAIN,)),
        on.Failed: Rule(_fail, (Stage.DRAIN,)),
    },
    Stage.DRAIN: {
        on.Drained: Rule(_drained, (Stage.STOP,)),
        on.StopRequested: Rule(_stop_again, (Stage.DRAIN,)),
        on.Failed: Rule(_fail_again, (Stage.DRAIN,)),
    },
    Stage.STOP: {},
}
