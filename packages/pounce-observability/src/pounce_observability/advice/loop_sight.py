"""What one loop does, from looks at it now and then: for how long it is away, and which call holds it.

A look costs the loop nothing but a note of when the turn that is watched begins and ends. Only a turn that takes long
is looked into: which task runs, and where its thread is. A call is blamed if the loop has not come back for
`slow_callback`, and that call was seen for most of this time; so a turn that is long because it answers many requests
blames none of them. Time in which this process did not run (it was stopped, the machine slept, or is overloaded) shows
as looks that come late, and does not count, unless the loop's thread has used a processor meanwhile: then it is the
call that let nobody else run, as C code does that keeps the GIL. Collections of garbage do not count either.

It takes the time from its caller, and is called by one thread.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .contracts import LoopLag
from .slow_call import SlowCall

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from .code_places import CodePlaces
    from .contracts import Frame, Turn, WatchedLoop

__all__ = ["LoopSight", "SampleBudget"]

FIRST: Final = 0.2
"""Share of `slow_callback` after which a turn is looked into for the first time."""
MOST: Final = 0.6
"""Share of it in which the same call must have been seen."""
OVERLOADED: Final = 2.0
"""Times `slow_callback` that a call may take where a quarter of the time does not count: what can be seen of a machine
that has too much to do is not exact."""
LAST: Final = 1.0
LAST_TIMES: Final = 3.0
"""A call that lasts for so many seconds, and so many times `slow_callback`, is said while it does."""

BUCKET: Final = 10.0
BUCKETS: Final = 6
"""The worst lag is kept for six times ten seconds: the last minute."""


class SampleBudget:
    """How much time may go into looking into threads. Without the GIL a look stops all of them: for 0.2 ms, and on a
    machine that has too much to do until each of them had its turn.
    """

    def __init__(self, share: float = 0.005, most: float = 0.1, clock: Callable[[], float] = time.perf_counter) -> None:
        """``share`` of the time, and at most so many seconds that were not used before."""
        self._share = share
        self._most = most
        self._clock = clock
        self._left = most
        self._at = 0.0
        self._began = 0.0

    def allows(self, now: float) -> bool:
        """Whether there may be one more."""
        self._left = min(self._most, self._left + (now - self._at) * self._share)
        self._at = now
        return self._left > 0

    def __enter__(self) -> None:
        self._began = self._clock()

    def __exit__(self, *_: object) -> None:
        self._left -= self._clock() - self._began


class _Sample(NamedTuple):
    at: float
    task: asyncio.Task[Any] | None
    stack: Sequence[Frame]
    cpu: float | None

    def same_call(self, other: _Sample) -> bool:
        """A task has one step in a turn; where there is none, the outermost lines tell."""
        if self.task is not None or other.task is not None:
            return self.task is other.task
        return self.stack[:-1] == other.stack[:-1] or self.stack == other.stack


class LoopSight:
    """One loop."""

    def __init__(
        self,
        watched: WatchedLoop,
        *,
        slow: float,
        places: CodePlaces,
        budget: SampleBudget,
        cpu: Callable[[int], float | None],
    ) -> None:
        """``slow`` is in seconds; 0 names no calls. ``cpu`` tells the processor time of a thread."""
        self.watched = watched
        self._slow = slow
        self._places = places
        self._budget = budget
        self._cpu = cpu
        self._turn: Turn | None = None
        self._cpu_before = cpu(watched.thread_id)
        self._worst: deque[tuple[float, float]] = deque(maxlen=BUCKETS)
        self.lag = LoopLag(watched.worker_id, watched.name, 0.0, 0.0)
        """Replaced by each look; any thread may read it."""
        self._slept = False
        self.busy = False
        """A turn was under way when it was last looked at."""
        self._forget()

    def _forget(self) -> None:
        self._uncounted = 0.0
        self._first: _Sample | None = None
        self._call: SlowCall | None = None
        self._ignored = False

    def look(self, now: float, late: float = 0.0, collected: float = 0.0) -> SlowCall | None:
        """Look at it. ``late`` are the seconds since the last look if this one comes too late, ``collected`` those in
        which garbage was collected meanwhile. Gives a call that is over, or has lasted so long that it is to be said.
        """
        turn = self._turn
        if turn is not None and not turn.ended and not turn.began and self.watched.asleep:
            self._sleeps(now)
            return None
        worked = self._worked(late, collected)
        if turn is None:
            self._ask()
            return None
        self._uncounted += max(late - worked, collected)
        since = turn.began or turn.asked
        if turn.ended:
            return self._ended(turn, since)
        self.busy = True
        self._note_lag(now, now - since)
        if self._call is not None:
            return self._goes_on(self._call, now - since)
        if self._slow and self.watched.calm and not self._ignored:
            self._look_into(now, now - since - self._uncounted, worked)
        return None

    def close(self) -> SlowCall | None:
        """The loop serves no more. Gives the call that held it, if it was not said."""
        call = self._call
        self._forget()
        return None if call is not None and call.announced else call

    def _sleeps(self, now: float) -> None:
        if not self._slept:
            self._slept = True
            self.busy = False
            self._cpu_before = self._cpu(self.watched.thread_id)  # and so it stays, as long as it sleeps
        self._note_lag(now, 0.0)

    def _ask(self) -> None:
        self._forget()
        self._turn = self.watched.ask()

    def _worked(self, late: float, collected: float) -> float:
        """Seconds that the loop's thread worked while nobody could look."""
        self._slept = False
        before, self._cpu_before = self._cpu_before, self._cpu(self.watched.thread_id)
        if not late or before is None or self._cpu_before is None:
            return 0.0
        return min(max(self._cpu_before - before - collected, 0.0), late)

    def _ended(self, turn: Turn, since: float) -> SlowCall | None:
        self.busy = False
        self._note_lag(turn.ended, turn.ended - since)
        call = self._call
        if call is not None:
            call.held = max(call.held, turn.ended - since - self._uncounted)
            call.over = True
        self._ask()
        return call

    def _goes_on(self, call: SlowCall, age: float) -> SlowCall | None:
        call.held = max(call.held, age - self._uncounted)
        if call.announced or call.held < max(LAST, LAST_TIMES * self._slow):
            return None
        call.announced = True
        return call

    def _look_into(self, now: float, age: float, worked: float) -> None:
        """See what holds the loop, if it is time to."""
        first = self._first
        slow = self._slow * (OVERLOADED if self._uncounted > age / 4 else 1.0)
        if age < (FIRST * self._slow if first is None else slow) or not self._budget.allows(now):
            return
        sample = self._sample(now - worked)
        if not sample.stack or self._places.is_debugged(sample.stack):
            self._ignored = True
            return
        if first is None or not sample.same_call(first):
            first = self._first = sample
        place = self._places.place(sample.stack)
        if age >= slow and now - first.at >= MOST * slow and place is not None:
            self._call = SlowCall(
                self.watched.worker_id,
                self.watched.name,
                place,
                self._places.shown(sample.stack),
                self.watched.request(sample.task),
                age,
                _share(first, sample, now),
                self._places.imports(sample.stack),
            )

    def _sample(self, at: float) -> _Sample:
        with self._budget:
            return _Sample(at, self.watched.task(), self.watched.stack(), self._cpu_before)

    def _note_lag(self, at: float, seconds: float) -> None:
        bucket = at // BUCKET
        worst = self._worst
        if not worst or worst[-1][0] != bucket:
            worst.append((bucket, seconds))
        elif seconds > worst[-1][1]:
            worst[-1] = (bucket, seconds)
        recent = max(value for number, value in worst if number > bucket - BUCKETS)
        if seconds != self.lag.latest or recent != self.lag.worst:
            self.lag = self.lag._replace(latest=seconds, worst=recent)


def _share(first: _Sample, last: _Sample, now: float) -> float | None:
    """Of a processor, between two samples; of one alone, it worked all the time since it was seen."""
    if first is last:
        return 1.0
    if first.cpu is None or last.cpu is None or now <= first.at:
        return None
    return min((last.cpu - first.cpu) / (now - first.at), 1.0)
