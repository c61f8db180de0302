"""Budgets against clients that make work for nothing (RFC 9113, 10.5; RFC 9114, 10.5).

A frame that moves no request forward is a chore: PING, SETTINGS, PRIORITY_UPDATE, WINDOW_UPDATE, empty DATA, frames of
unknown types. Chores are paid for by what does move requests, and by time. Streams that end for what their client did,
whether it reset them (CVE-2023-44487) or made us do it (CVE-2025-8671), have a budget of their own, paid for by time
alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FloodBudget"]

CHORES: Final = 2000
"""At once. A client that grants windows in small steps stays far below; answers to so many PINGs are 34 KB."""
CHORES_PER_SECOND: Final = 200
CHORES_PER_REQUEST: Final = 10
CHORES_PER_FRAME: Final = 4
"""For each frame of body: its receiver may grant two windows for it, and both sides ping."""
REFUSALS: Final = 200
"""At once: a browser that leaves a page gives up every stream that it may have open, which is 100, perhaps twice."""
REFUSALS_PER_SECOND: Final = 20


class FloodBudget:
    """What one client has left."""

    __slots__ = ("_chores", "_flood", "_paid_at", "_refusals")

    def __init__(self, now: float, flood: Callable[..., Exception]) -> None:
        """``flood``: makes what is raised when there is too much, from a message and the ``kind`` of it: "chores" or
        "resets".
        """
        self._flood = flood
        self._chores = 0.0
        self._refusals = 0.0
        self._paid_at = now

    def chore(self, cost: int = 1) -> None:
        """Raises ``flood`` when there were too many."""
        self._chores += cost
        if self._chores > CHORES:
            raise self._flood("too many frames that move no request forward", kind="chores")

    def refusal(self) -> None:
        """A stream was ended for what its client did. Raises ``flood`` when there were too many."""
        self._refusals += 1
        if self._refusals > REFUSALS:
            raise self._flood("too many streams were reset", kind="resets")

    def request(self) -> None:
        """A request began."""
        self._chores = max(self._chores - CHORES_PER_REQUEST, 0.0)

    def frames_moved(self, count: int) -> None:
        """So many frames of body went out, or came in and were no trifles."""
        self._chores = max(self._chores - CHORES_PER_FRAME * count, 0.0)

    def pay(self, now: float) -> None:
        """Time has gone by."""
        elapsed, self._paid_at = now - self._paid_at, now
        self._chores = max(self._chores - elapsed * CHORES_PER_SECOND, 0.0)
        self._refusals = max(self._refusals - elapsed * REFUSALS_PER_SECOND, 0.0)
