"""Whether the tasks of a loop that belong to no request grow without end. Numbers in, a verdict out.

What a busy hour needs more of goes again when there is a quiet moment; a leak does not. So the fewest tasks of each
window of looks are compared.
"""

from __future__ import annotations

from typing import Final

__all__ = ["TaskTrend"]

WINDOW: Final = 5
"""Looks, of which the one with the fewest tasks counts: some requests end between any two."""
RISES: Final = 4
"""Windows in a row, each above the one before. By chance that is 1 in 120."""
MANY: Final = 10_000
"""Tasks with which nobody waits for windows: they take about 20 MB, and a look at them a hundredth of a second."""
MANY_LOOKS: Final = 3
"""Looks in a row, each above the one before, from then on."""
PER_REQUEST: Final = 4
"""Tasks for each request in flight that may be no leak: an application that waits for two things at once has two."""


class TaskTrend:
    """Of one loop. Used by one thread at a time."""

    def __init__(self, least: int) -> None:
        """``least``: tasks by which they must have grown since the rise began."""
        self._least = least
        self._window: list[int] = []
        self._floor: int | None = None
        self._base = 0
        self._rises = 0
        self._last: int | None = None
        self._looks_up = 0
        self._said = 0

    def look(self, own: int, running: int) -> bool:
        """``own`` tasks belong to no request, ``running`` do. True: warn of it; again only at twice as many."""
        self._looks_up = self._looks_up + 1 if self._last is not None and own > self._last else 0
        self._last = own
        grows = own >= MANY and self._looks_up >= MANY_LOOKS
        self._window.append(own)
        if len(self._window) == WINDOW:
            grows = self._rose(min(self._window)) or grows
            self._window.clear()
        if not grows or own <= PER_REQUEST * running or own < 2 * self._said:
            return False
        self._said = own
        return True

    def _rose(self, floor: int) -> bool:
        """A window is full."""
        before, self._floor = self._floor, floor
        if before is None or floor <= before:
            self._rises, self._base = 0, floor
        else:
            self._rises += 1
        return self._rises >= RISES and floor - self._base >= self._least
