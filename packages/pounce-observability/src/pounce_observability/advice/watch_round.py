"""One round after the other over all loops of a process: what is to be said comes out. It has no thread of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from .client_sight import ClientSight
from .code_places import CodePlaces
from .loop_sight import LoopSight, SampleBudget
from .repeats import Repeat, Repeats
from .slow_call import SlowCall, held_again, held_still, released
from .task_census import TaskCensus
from .thread_clock import thread_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .collection_pauses import CollectionPause
    from .contracts import LoopLag, WatchedLoop, WatchedWorker
    from .settings import AdviceSettings
    from .task_census import TaskLeak

__all__ = ["WatchRound"]

UNWATCHED: Final = 0.1
"""Seconds between two looks where no call is to be named: for the lag alone."""
LOOKS_BUSY: Final = 5
LOOKS_IDLE: Final = 2
LOOKS_RESTING: Final = 1
"""Looks in `slow_callback`: while a turn goes on, while all loops sleep, and when they have slept for a while."""
RESTS: Final = 2.0
"""Seconds without a turn that lasted from one look to another. An idle server is not to wake its processor often; a
call that comes out of such a rest is named for certain if it takes 1.8 times `slow_callback`, and else 1.3 times."""
SHORTEST: Final = 0.01
LONGEST: Final = 0.25
FIND: Final = 1.0
"""Seconds between two looks at which loops there are."""
COLLECTION: Final = "garbage collection"


class WatchRound:
    """Used by one thread; ``lags`` may be read by any."""

    def __init__(
        self,
        settings: AdviceSettings,
        loops: Callable[[], Iterable[WatchedLoop]],
        leaked: Callable[[TaskLeak], object],
        *,
        workers: Callable[[], Iterable[tuple[WatchedWorker, Sequence[WatchedLoop]]]] = tuple,
        cpu: Callable[[int], float | None] = thread_time,
        places: CodePlaces | None = None,
    ) -> None:
        """``loops`` gives those that serve now, ``workers`` all workers, each with those of its own. ``leaked``
        is called in a loop's thread. ``cpu`` tells the processor time of a thread, ``places`` whose code is whose.
        """
        self._settings = settings
        self._loops = loops
        self._workers = workers
        self._leaked = leaked
        self._cpu = cpu
        self._places = places or CodePlaces()
        self._budget = SampleBudget()
        # By loop, which is kept from being another's by being held here.
        self._sights: dict[object, tuple[LoopSight, TaskCensus | None]] = {}
        self._clients = ClientSight()
        self._find_at = 0.0
        self._last: float | None = None
        self._busy_at = 0.0
        self.pause = self._pause(LOOKS_IDLE)
        """Seconds until the next round should come."""
        self.calls: Repeats[SlowCall] = Repeats()
        self.collections: Repeats[CollectionPause] = Repeats()
        self.lags: tuple[LoopLag, ...] = ()

    def _pause(self, looks: int) -> float:
        slow = self._settings.slow_callback
        return min(max(slow / looks, SHORTEST), LONGEST) if slow else UNWATCHED

    def _looks(self, now: float) -> int:
        """How many are due in `slow_callback`."""
        if any(sight.busy for sight, _ in self._sights.values()):
            self._busy_at = now
            return LOOKS_BUSY
        return LOOKS_IDLE if now - self._busy_at < RESTS else LOOKS_RESTING

    def look(self, now: float, pauses: Sequence[CollectionPause] = ()) -> list[str]:
        """Look at all loops; ``pauses`` are the collections since the last round. Gives what is to be said at once."""
        late = self._late(now)
        self._last = now
        if now >= self._find_at:
            self._find_at = now + FIND
            self._find()
        collected = sum(pause.seconds for pause in pauses)
        if self._clients.look(self._workers()):
            self._note_collections(pauses, now)
        said = []
        for sight, census in tuple(self._sights.values()):
            call = sight.look(now, late, collected)
            if call is not None:
                said += self._note(call, now)
            if census is not None:
                census.look(now)
        self.lags = tuple(sight.lag for sight, _ in self._sights.values())
        self.pause = self._pause(self._looks(now))
        return said + self._due(now)

    def finish(self, now: float) -> list[str]:
        """Nobody looks any more. Gives what was not said."""
        said = []
        for sight, _ in self._sights.values():
            call = sight.close()
            if call is not None:
                said += self._note(call, now)
        self._sights.clear()
        self.lags = ()
        return said + self._due(now, everything=True)

    def _late(self, now: float) -> float:
        """Seconds since the last round, if this one comes later than a machine with time to spare would have it."""
        gap = now - self._last if self._last is not None else 0.0
        return gap if gap > 2 * self.pause else 0.0

    def _find(self) -> None:
        found: dict[object, tuple[LoopSight, TaskCensus | None]] = {}
        for watched in self._loops():
            known = self._sights.pop(watched.loop, None)
            found[watched.loop] = known or (self._new_sight(watched), self._new_census(watched))
        for sight, _ in self._sights.values():
            call = sight.close()
            if call is not None:
                self._note(call, time.monotonic())
        self._sights = found

    def _new_sight(self, watched: WatchedLoop) -> LoopSight:
        slow = self._settings.slow_callback
        return LoopSight(watched, slow=slow, places=self._places, budget=self._budget, cpu=self._cpu)

    def _new_census(self, watched: WatchedLoop) -> TaskCensus | None:
        least = self._settings.task_leak
        return TaskCensus(watched, least, self._leaked) if least else None

    def _note(self, call: SlowCall, now: float) -> list[str]:
        """Count a call; one that lasts is said at once, and so is its end."""
        if call.announced:
            return [released(call) if call.over else held_still(call)]
        self.calls.note(call.place, call, now, call.held)
        return []

    def _note_collections(self, pauses: Iterable[CollectionPause], now: float) -> None:
        """Count those that are long, by the processor time that they took, unless the server has asked for them."""
        slow = self._settings.slow_callback
        for pause in pauses:
            if slow and pause.cpu >= slow and not pause.own:
                self.collections.note(COLLECTION, pause, now, pause.cpu)

    def _due(self, now: float, *, everything: bool = False) -> list[str]:
        said = [held_again(one) for one in self.calls.due(now, everything=everything)]
        return said + [_collected(one) for one in self.collections.due(now, everything=everything)]


def _collected(repeat: Repeat[CollectionPause]) -> str:
    pause = repeat.example
    often = "A garbage collection" if repeat.count == 1 else f"{repeat.count} garbage collections"
    longest = "" if repeat.count == 1 else "up to "
    return (
        f"{often} stopped the process for {longest}{pause.cpu:.2f} s (generation {pause.generation}): all requests"
        " waited. Keep fewer objects alive, make fewer cycles, or set gc.set_threshold() when the application starts"
    )
