"""When a worker that died is started again, and when that is given up. Pure: time is passed in."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pounce_workers.supervision.slots import SlotExit

__all__ = ["Restarts"]

FIRST_DELAY: Final = 0.1
"""Seconds after the first death: soon, because most workers die once and for a reason that has passed."""
LONGEST_DELAY: Final = 30.0
"""Seconds; a worker that cannot start must not keep a processor busy with trying."""
HEALTHY: Final = 30.0
"""Seconds of serving after which the deaths before it are no longer a row."""
BUDGET: Final = 10
"""Deaths, in one row or in one window, after which it is given up. A row that fails at once takes 51 s with its
delays: long enough for a database to come back, short enough for an orchestrator to hear of it."""
WINDOW: Final = 120.0
"""Seconds. It catches the worker that serves for a while each time, which a row does not."""
KEPT_EXITS: Final = 3


class Restarts:
    """The deaths in one slot."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=BUDGET)
        self._exits: deque[SlotExit] = deque(maxlen=KEPT_EXITS)
        self._in_a_row = 0
        self.left = BUDGET
        """How many more deaths, in this row or window, spend the budget."""

    def died(self, how: SlotExit, now: float, *, ready_at: float | None) -> float | None:
        """Note a death. Seconds to wait before the next start; None when the budget is spent.

        ``ready_at`` is when the worker began to serve; None if it never did.
        """
        healthy = ready_at is not None and now - ready_at >= HEALTHY
        self._in_a_row = 1 if healthy else self._in_a_row + 1
        self._deaths.append(now)
        self._exits.append(how)
        in_window = sum(now - death <= WINDOW for death in self._deaths)
        self.left = BUDGET - max(self._in_a_row, in_window)
        if self.left <= 0:
            return None
        return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (self._in_a_row - 1))

    def summary(self) -> str:
        """The last exits, newest last, for whoever has to find the cause."""
        return "; ".join(f"it {how}" for how in self._exits)
