"""Whose body is sent next: by urgency, and fairly within it (RFC 9218, 10).

Streams of a more urgent level go first. Within a level, incremental streams take turns of one frame each; those that
are not are served one after the other in the order of their ids, all of them together having one turn among the others.
A stream that cannot go on is not in here, so it holds up nobody.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import TYPE_CHECKING, Final

from pounce_asgi.multiplexed.priorities import LEVELS, Priority

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Scheduler"]

ALONE: Final = -1
"""Stands among the streams that take turns for those of a level that do not. No stream has this id."""


class _Level:
    __slots__ = ("alone", "turns")

    def __init__(self) -> None:
        self.turns: deque[int] = deque()
        self.alone: list[int] = []

    def add(self, stream_id: int, *, incremental: bool) -> None:
        if incremental:
            self.turns.append(stream_id)
            return
        if not self.alone:
            self.turns.append(ALONE)
        insort(self.alone, stream_id)

    def remove(self, stream_id: int, *, incremental: bool) -> None:
        if incremental:
            self.turns.remove(stream_id)
            return
        self.alone.remove(stream_id)
        if not self.alone:
            self.turns.remove(ALONE)


class Scheduler:
    """The streams of one connection that have something to send and may send it."""

    __slots__ = ("_levels", "members")

    def __init__(self) -> None:
        self._levels = [_Level() for _ in range(LEVELS)]
        self.members: dict[int, Priority] = {}
        """Who is in it. To look at, where a call would cost too much."""

    def __len__(self) -> int:
        return len(self.members)

    def __contains__(self, stream_id: int) -> bool:
        return stream_id in self.members

    def __iter__(self) -> Iterator[int]:
        return iter(self.members)

    def add(self, stream_id: int, priority: Priority) -> None:
        """A stream wants to send. Nothing happens if it is known already."""
        if stream_id not in self.members:
            self.members[stream_id] = priority
            self._levels[priority.urgency].add(stream_id, incremental=priority.incremental)

    def remove(self, stream_id: int) -> None:
        """It no longer does, or cannot. Nothing happens if it is not known."""
        priority = self.members.pop(stream_id, None)
        if priority is not None:
            self._levels[priority.urgency].remove(stream_id, incremental=priority.incremental)

    def change(self, stream_id: int, priority: Priority) -> None:
        """Its priority is another now."""
        if stream_id in self.members:
            self.remove(stream_id)
            self.add(stream_id, priority)

    def next(self) -> int:
        """The stream whose turn it is, which goes to the end of those that take turns; -1 when there is none."""
        if not self.members:
            return -1
        for level in self._levels:
            turns = level.turns
            if turns:
                member = turns[0]
                if len(turns) > 1:
                    turns.rotate(-1)
                return level.alone[0] if member == ALONE else member
        return -1
