"""What less urgent streams wait for: more urgent ones of which the engine has enough, while they move (RFC 9218, 10).

Without it the bytes that an engine is given ahead would be shared by all streams, whatever their priorities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.multiplexed import Priority

__all__ = ["Barrier"]


class Barrier(NamedTuple):
    """Where it stands. Streams of its own urgency that take turns are not stopped."""

    urgency: int
    alone: bool
    """One of those streams does not take turns: others that do not are stopped."""

    @classmethod
    def before(cls, moving: Iterable[Priority]) -> Barrier:
        """That of these streams, of which there is at least one."""
        urgency, incremental = min(moving)
        return cls(urgency, not incremental)

    def stops(self, priority: Priority) -> bool:
        """Whether a stream has to wait."""
        if priority.urgency == self.urgency:
            return self.alone and not priority.incremental
        return priority.urgency > self.urgency
