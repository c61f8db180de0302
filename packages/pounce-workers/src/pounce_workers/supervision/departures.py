"""How long a worker that was told to go may take, and what happens to it then. Pure: time is passed in."""

from __future__ import annotations

import enum
import logging
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pounce_workers.supervision.slots import MoveTo, SlotHandle

__all__ = ["Departure"]

logger = logging.getLogger("pounce.supervisor")

MARGIN: Final = 2.0
"""Seconds beyond what its settings allow. A worker cancels, cleans up and exits within one; the rest is for a busy
machine: one that has finished must not be killed."""

BLOCKED: Final = 2.0
"""Seconds without a turn of its event loop, after which a worker that shall end at once is not waited for any longer.
Worker processes tell twice in this time how they are."""

UNKILLABLE: Final = 5.0
"""Seconds after which one that was killed is given up: the kernel holds it, and nobody can help."""


class _Step(enum.IntEnum):
    """What it was told last; it only goes on."""

    ASKED = 0
    RETIRE = 1
    DRAIN = 2
    STOP_NOW = 3
    KILLED = 4
    LOST = 5


class Departure:
    """A worker on its way out: first asked to retire or to drain, in the end killed."""

    def __init__(self, handle: SlotHandle, *, graceful: float, shutdown: float) -> None:
        """``graceful``: seconds for what is in flight; ``shutdown``: seconds for the application's own shutdown."""
        self._handle = handle
        self._graceful = graceful
        self._last = shutdown + MARGIN
        self._step = _Step.ASKED
        self._last_due = math.inf
        self.due = math.inf
        """When it has had its time."""

    @property
    def killed(self) -> bool:
        """It was not left to end by itself."""
        return self._step >= _Step.KILLED

    @property
    def lost(self) -> bool:
        """Not even killing it helped."""
        return self._step is _Step.LOST

    def retire(self, move_to: MoveTo | None, now: float) -> None:
        """Ask it to finish without hurry. What is not finished in the graceful time is asked to drain."""
        if self._go_on(_Step.RETIRE, now, self._graceful):
            self._handle.retire(move_to)

    def drain(self, now: float) -> None:
        """Ask it to finish within the graceful time."""
        if self._go_on(_Step.DRAIN, now, self._graceful + self._last):
            self._handle.drain()

    def stop_now(self, now: float) -> None:
        """Ask it to end at once. It may take the time of the application's shutdown as long as its loop turns."""
        if self._go_on(_Step.STOP_NOW, now, min(BLOCKED, self._last)):
            self._last_due = now + self._last
            self._handle.stop_now()

    def kill(self, now: float) -> None:
        """End it without its help."""
        if self._go_on(_Step.KILLED, now, UNKILLABLE):
            self._handle.kill()

    def tick(self, now: float) -> None:
        """Do what is due."""
        if now < self.due:
            return
        handle = self._handle
        if self._step is _Step.STOP_NOW:
            self.due = min(max(self.due, handle.last_beat + BLOCKED), self._last_due)
            if now < self.due:
                return
        if self._step < _Step.DRAIN:
            self.drain(now)
        elif self._step < _Step.KILLED:
            blocked = self._step is _Step.STOP_NOW and now < self._last_due
            why = "cannot end, because its event loop does not turn," if blocked else "has not ended in time"
            logger.error("worker %d (%s) %s and is killed", handle.worker_id, handle.kind, why)
            self.kill(now)
        elif self._go_on(_Step.LOST, now, math.inf):
            logger.error("worker %d (%s) cannot be killed and is left behind", handle.worker_id, handle.kind)

    def _go_on(self, step: _Step, now: float, seconds: float) -> bool:
        if step <= self._step:
            return False
        self._step = step
        self.due = now + seconds
        return True
