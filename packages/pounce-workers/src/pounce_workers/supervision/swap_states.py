"""When a generation of the application's code takes over from another. Pure: a state and an event give the next state
and what is to be done.

    IDLE ── Requested ──> BUILDING ── Ready ──> IDLE           Switch; the old one is retiring until Ended: Release
                             └─ Failed, Stopped ──> DISCARDING ── Discarded ──> IDLE           the old one serves on

A request that comes while one is under way is remembered once; those after it say nothing new. So does one that comes
while too many old generations still finish their work. What does not fit the state came too late, and changes nothing.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import Final

__all__ = ["MOST_RETIRING", "Doing", "Effect", "Event", "Happened", "Phase", "SwapState", "step"]

MOST_RETIRING: Final = 4
"""Old generations that may finish their work at one time. Each holds its code and its open requests in memory."""


class Phase(enum.Enum):
    """What the swap is busy with."""

    IDLE = "idle"
    BUILDING = "building"
    DISCARDING = "discarding"


class Happened(enum.Enum):
    """What can happen."""

    REQUESTED = "requested"
    """New code shall be served."""
    READY = "ready"
    """The generation that was being built could serve."""
    FAILED = "failed"
    """It cannot."""
    DISCARDED = "discarded"
    """Nothing is left of one that was given up."""
    ENDED = "ended"
    """The last worker of an old one has ended."""
    STOPPED = "stopped"
    """The server stops."""


class Doing(enum.Enum):
    """What can be done about it."""

    BUILD = "build"
    SWITCH = "switch"
    """New connections go to it; the one before it retires."""
    DISCARD = "discard"
    """End what there is of it; then that is ``DISCARDED``."""
    UNDO = "undo"
    """It is as if it had never been: the code of the one that serves is the imported one again."""
    RELEASE = "release"
    """Its code is not needed any longer."""


Event = tuple[Happened, int]
"""What happened, to which generation; 0 where it is none of them."""

Effect = tuple[Doing, int]
"""What is to be done, with which generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapState:
    """Where it stands. Generations are numbered from 1."""

    phase: Phase = Phase.IDLE
    serving: int = 1
    building: int = 0
    """The one that is built or discarded; 0 for none."""
    latest: int = 1
    """The last number that was given."""
    retiring: frozenset[int] = frozenset()
    again: bool = False
    """A request waits."""
    stopping: bool = False

    @property
    def finished(self) -> bool:
        """It was stopped, and nothing is under way."""
        return self.stopping and self.phase is Phase.IDLE


def step(state: SwapState, event: Event) -> tuple[SwapState, tuple[Effect, ...]]:
    """The next state, and what is to be done, in this order."""
    happened, number = event
    change = dataclasses.replace
    effects: tuple[Effect, ...] = ()
    if happened is Happened.REQUESTED and not state.stopping:
        state = change(state, again=True)
    elif happened is Happened.READY and state.phase is Phase.BUILDING and number == state.building:
        retiring = state.retiring | {state.serving}
        state = change(state, phase=Phase.IDLE, serving=number, building=0, retiring=retiring)
        effects = ((Doing.SWITCH, number),)
    elif happened is Happened.FAILED and state.phase is Phase.BUILDING and number == state.building:
        state = change(state, phase=Phase.DISCARDING)
        effects = ((Doing.DISCARD, number),)
    elif happened is Happened.DISCARDED and state.phase is Phase.DISCARDING and number == state.building:
        state = change(state, phase=Phase.IDLE, building=0)
        effects = ((Doing.UNDO, number),)
    elif happened is Happened.ENDED and number in state.retiring:
        state = change(state, retiring=state.retiring - {number})
        effects = ((Doing.RELEASE, number),)
    elif happened is Happened.STOPPED:
        state = change(state, stopping=True, again=False)
        if state.phase is Phase.BUILDING:
            state = change(state, phase=Phase.DISCARDING)
            effects = ((Doing.DISCARD, state.building),)
    return _begun(state, effects)


def _begun(state: SwapState, effects: tuple[Effect, ...]) -> tuple[SwapState, tuple[Effect, ...]]:
    """Begin what waits, if it can be begun."""
    if not state.again or state.phase is not Phase.IDLE or len(state.retiring) >= MOST_RETIRING:
        return state, effects
    number = state.latest + 1
    begun = dataclasses.replace(state, phase=Phase.BUILDING, building=number, latest=number, again=False)
    return begun, (*effects, (Doing.BUILD, number))
