"""Threads that begin at once and do the same for a while: what a run is made of."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["INTERVALS", "MOST_THREADS", "Circumstances", "Crowd"]

MOST_THREADS: Final = 16
INTERVALS: Final = (1e-6, 5e-3)
"""Seconds between two switches: the shortest and the longest."""

PATIENCE: Final = 60.0
"""Seconds after which a thread that does not end is stuck."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is different from run to run."""

    seed: int
    threads: int
    interval: float
    """``sys.setswitchinterval``; without the GIL it means nothing."""
    seconds: float
    """How long the threads go on."""

    @classmethod
    def drawn(
        cls, seed: int, seconds: tuple[float, float] = (1.0, 3.0), most_threads: int = MOST_THREADS
    ) -> Circumstances:
        """By a seed: the same always gives the same. Intervals are drawn by their order of magnitude."""
        dice = random.Random(seed)
        shortest, longest = INTERVALS
        interval = shortest * (longest / shortest) ** dice.random()
        return cls(seed, dice.randint(2, most_threads), interval, dice.uniform(*seconds))

    @property
    def dice(self) -> random.Random:
        """Another for each who asks, and the same in each run."""
        return random.Random(self.seed)


@dataclass(slots=True)
class Crowd:
    """The threads of a run, each with dice of its own. Made by one thread, which runs it once."""

    circumstances: Circumstances
    failures: list[BaseException] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)  # guards the list
    _until: float = 0.0

    def run(self, *works: Callable[[int, random.Random], Any], extra: tuple[Callable[[], Any], ...] = ()) -> list[Any]:
        """Have all threads do one of these, in turn, until the time is over; what they returned, by thread.

        A work is called again and again with the number of its thread and its dice, and the last result counts: it
        is to keep its own sums. ``extra`` are called again and again in a thread of their own each.
        """
        count = self.circumstances.threads
        results: list[Any] = [None] * count
        gate = threading.Barrier(count + len(extra), action=self._begin)

        def go(number: int) -> None:
            dice = random.Random(self.circumstances.seed * 100 + number)
            work = works[number % len(works)]
            while self._going:
                results[number] = work(number, dice)

        def go_beside(work: Callable[[], Any]) -> None:
            while self._going:
                work()

        threads = [threading.Thread(target=self._guarded, args=(gate, go, number)) for number in range(count)]
        threads += [threading.Thread(target=self._guarded, args=(gate, go_beside, one)) for one in extra]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), f"a thread does not end: {self.circumstances}"
        if self.failures:
            raise self.failures[0]
        return results

    def _begin(self) -> None:
        """All are there; one of them says so."""
        self._until = time.monotonic() + self.circumstances.seconds

    @property
    def _going(self) -> bool:
        return time.monotonic() < self._until and not self.failures

    def _guarded(self, gate: threading.Barrier, go: Callable[[Any], None], argument: Any) -> None:
        gate.wait(PATIENCE)
        try:
            go(argument)
        except BaseException as error:  # noqa: BLE001 - whoever runs the crowd is told
            with self._lock:
                self.failures.append(error)
