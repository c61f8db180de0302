"""Measuring how long things take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Stopwatch"]


class Stopwatch:
    """Runs from its creation and tells seconds; it cannot go backwards.

    Owned by one thread. ``clock`` gives seconds and must be monotonic.
    """

    __slots__ = ("_clock", "_lap_started", "_started")

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._started = self._lap_started = clock()

    def elapsed(self) -> float:
        """Seconds since the creation."""
        return self._clock() - self._started

    def lap(self) -> float:
        """Seconds since the last ``lap()``, or since the creation for the first; the laps add up to ``elapsed()``."""
        now = self._clock()
        seconds = now - self._lap_started
        self._lap_started = now
        return seconds
