"""How late an event loop runs its timers: what holds it up holds up every request of its worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

    from .time_histogram import TimeHistogram

__all__ = ["LoopLag"]

INTERVAL: Final = 0.5
"""Seconds between two looks. A stop of the loop is seen for certain if it is longer than that."""


class LoopLag:
    """A timer that asks again and again when it runs. Belongs to the thread of its loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, histogram: TimeHistogram, interval: float = INTERVAL) -> None:
        """Begin; ``interval`` is in seconds."""
        self._loop = loop
        self._histogram = histogram
        self._interval = interval
        self._due = loop.time() + interval
        self._timer: asyncio.TimerHandle | None = loop.call_at(self._due, self._look)

    @property
    def stopped(self) -> bool:
        """Whether nothing will be added any more; any thread may ask."""
        return self._timer is None

    def stop(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        now = self._loop.time()
        self._histogram.observe(max(0.0, now - self._due))
        self._due = now + self._interval
        self._timer = self._loop.call_at(self._due, self._look)
