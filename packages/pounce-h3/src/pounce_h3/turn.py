"""How long what comes over QUIC may keep others waiting.

Nobody can say beforehand what a datagram costs. Turns are long, which is cheap where there is nothing but QUIC; and
between its parts somebody looks whether that is so: a turn ends early when others have come who would be done at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_asgi.fairness import QUIC_TURN_SECONDS, TURN_SECONDS

if TYPE_CHECKING:
    import asyncio

__all__ = ["Turn"]


MANY_TURNS: Final = 4
"""Turns of QUIC that connections may have one after the other where nobody waits who would be done at once."""


class Turn:
    """One turn after the other, on one loop. Owned by its thread. Hot path: `over`."""

    __slots__ = ("_disturbed", "_ends", "_next_look", "_quick_wait", "_time", "_turns", "look")

    def __init__(self, loop: asyncio.AbstractEventLoop, *, of_many: bool = False) -> None:
        """``of_many``: connections have their turns in it, and each of them is one."""
        self._time = loop.time
        # A worker's own loop can tell. With any other a turn is as long as it is.
        self._quick_wait = getattr(loop, "quick_wait", _unknown)
        # What one after another does is sent at once, which is cheaper: as little as possible is put off for nobody.
        self._turns = MANY_TURNS if of_many and self._quick_wait is not _unknown else 1
        self._ends = self._next_look = 0.0
        self._disturbed = False
        self.look = 0.0
        """Before this time no turn is over: a caller that knows the time need not ask."""

    def begin(self, now: float) -> None:
        """A turn begins now."""
        self._disturbed = False
        self._ends = now + self._turns * QUIC_TURN_SECONDS
        self._next_look = now + TURN_SECONDS
        self.look = min(self._next_look, self._ends)

    def over(self) -> bool:
        """Whether others are to have theirs."""
        now = self._time()
        return now >= self.look and (now >= self._ends or self._somebody_waits(now))

    def disturbed(self) -> bool:
        """Whether others wait who would be done at once, as far as it is time to look."""
        return self._somebody_waits(self._time())

    def _somebody_waits(self, now: float) -> bool:
        if not self._disturbed and now >= self._next_look:
            self._disturbed = self._quick_wait()
            if not self._disturbed:  # else they still do
                self._next_look = now + TURN_SECONDS
                self.look = min(self._next_look, self._ends)
        return self._disturbed


def _unknown() -> bool:
    return False
