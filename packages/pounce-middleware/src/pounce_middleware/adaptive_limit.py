"""How many requests at once an application does best with, found by itself from how long they take.

As long as a server has something to spare, a request takes the same time however many there are; past that they only
wait for each other. So the time at a low number is compared with the time now (the gradient): while it is less than
half as long again, the limit grows by the square root of itself; beyond that it shrinks in proportion.

The time at a low number is not remembered for ever, because applications change: every few seconds the limit is halved
for one window, and what is measured then is the new base. When half as many took half as long, even these were too
many: then the limit stays halved, and is halved again.

No clock, no lock: whoever uses it passes the time in seconds and calls it from one thread at a time.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["AdaptiveLimit"]

WINDOW: Final = 0.2
"""Seconds of a window at least."""
SAMPLES: Final = 20
"""Requests of a window at least: the mean of fewer says little."""
ROUNDS: Final = 2
"""And so many for each place: those who finish first of all that began together are the short ones."""
TOLERANCE: Final = 1.5
"""How much longer than the base a request may take: less and noise alone would shrink the limit, more and they wait."""
SMALLEST_GRADIENT: Final = 0.5
"""No window halves the limit more than once."""
STILL_TOO_MANY: Final = 0.55
"""What halving leaves of the time where even half only waits; where the limit settles by itself it leaves more."""
SMOOTHING: Final = 0.5
PROBE_EVERY: Final = 12
"""Windows between two looks at the base: as a rule some seconds, of which one window runs at half the limit."""


class AdaptiveLimit:
    """A number that follows the load. ``limit`` is what it is now."""

    def __init__(self, largest: int, smallest: int = 1, start: int = 20) -> None:
        """It stays within ``smallest`` and ``largest``."""
        self.limit = max(smallest, min(start, largest))
        self._largest = largest
        self._smallest = smallest
        self._exact = float(self.limit)
        self._base: float | None = None
        self._epoch = 0
        self._probing = False
        self._before = 0.0  # the time of the window before the one that probes
        self._windows = 0
        self._window_began = -math.inf
        self._total = 0.0
        self._count = 0
        self._busiest = 0

    def started(self, active: int) -> int:
        """A request begins, one of ``active``. What is returned belongs to its `finished`."""
        self._busiest = max(self._busiest, active)
        return self._epoch

    def finished(self, epoch: int, latency: float, now: float) -> bool:
        """A request was answered after ``latency`` seconds. True when the limit has changed.

        Those that began under another limit say nothing about this one.
        """
        if epoch != self._epoch:
            return False
        if self._window_began == -math.inf:
            self._window_began = now - latency
        self._total += latency
        self._count += 1
        if self._count < max(SAMPLES, ROUNDS * self.limit) or now - self._window_began < WINDOW:
            return False
        before = self.limit
        self._close_window(self._total / self._count)
        self._begin_window(now)
        if self.limit != before:
            self._epoch += 1
        return self.limit != before

    def _begin_window(self, now: float) -> None:
        self._window_began = now
        self._total = 0.0
        self._count = 0
        self._busiest = 0

    def _close_window(self, latency: float) -> None:
        self._windows += 1
        if self._probing:
            self._base = latency
            if latency <= STILL_TOO_MANY * self._before and self.limit > self._smallest:
                self._set(float(self.limit))
                self._probe(latency)
            else:
                self._probing = False
                self._set(self._exact)
        elif self._busiest <= self.limit / 2:
            # Nothing is held back: this is the time at a low number, and there is no reason to change.
            self._base = latency
        elif self._base is None or self._windows >= PROBE_EVERY:
            self._probe(latency)
        else:
            self._follow(latency)

    def _probe(self, latency: float) -> None:
        self._windows = 0
        self._probing = True
        self._before = latency
        self.limit = max(self._smallest, self.limit // 2)

    def _follow(self, latency: float) -> None:
        assert self._base is not None
        self._base = min(self._base, latency)
        gradient = max(SMALLEST_GRADIENT, min(1.0, TOLERANCE * self._base / latency)) if latency > 0 else 1.0
        wanted = self._exact * gradient + math.sqrt(self._exact)
        self._set(self._exact + (wanted - self._exact) * SMOOTHING)

    def _set(self, exact: float) -> None:
        self._exact = max(float(self._smallest), min(float(self._largest), exact))
        self.limit = round(self._exact)
