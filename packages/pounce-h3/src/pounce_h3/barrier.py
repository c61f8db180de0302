"""What less urgent streams wait for: more urgent ones of which the engine has something (RFC 9218, 10).

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
    alone: int | None
    """The first of those streams that do not take turns: those behind it are stopped."""

    @classmethod
    def before(cls, moving: Iterable[tuple[int, Priority]]) -> Barrier | None:
        """That of these streams and their priorities; None if there are none."""
        barrier = None
        for stream_id, priority in moving:
            if barrier is None or priority.urgency < barrier.urgency:
                barrier = cls(priority.urgency, None if priority.incremental else stream_id)
            elif priority.urgency == barrier.urgency and not priority.incremental:
                alone = stream_id if barrier.alone is None else min(stream_id, barrier.alone)
                barrier = cls(priority.urgency, alone)
        return barrier

    def stops(self, stream_id: int, priority: Priority) -> bool:
        """Whether a stream has to wait."""
        if priority.urgency == self.urgency:
            return self.alone is not None and not priority.incremental and stream_id > self.alone
        return priority.urgency > self.urgency
