"""Things that happen again and again, and are to be said once a minute each."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["EVERY", "Repeat", "Repeats"]

EVERY: Final = 60.0
"""Seconds between two warnings of the same."""
MOST: Final = 200
"""Different things that are told apart: a warning is read by people, and memory is bounded."""

Example = TypeVar("Example")


@dataclass(slots=True)
class Repeat(Generic[Example]):
    """How often the same happened since it was said last, and the worst of it."""

    key: Hashable
    example: Example
    count: int = 0
    worst: float = 0.0
    since: float = 0.0
    """When the first of these happened."""
    last: float = 0.0
    """When the last one did."""
    said: float | None = None


class Repeats(Generic[Example]):
    """Counts what happens. For any thread; all of it is behind a lock, for what is counted is rare."""

    def __init__(self, every: float = EVERY, most: int = MOST) -> None:
        self._every = every
        self._most = most
        self._lock = threading.Lock()  # guards what follows
        self._all: dict[Hashable, Repeat[Example]] = {}
        self.untold = 0
        """Happenings that found no place."""

    def note(self, key: Hashable, example: Example, now: float, size: float = 0.0) -> None:
        """It happened; of several the example of the largest ``size`` is kept, the first of equals."""
        with self._lock:
            one = self._all.get(key)
            if one is None:
                if len(self._all) >= self._most:
                    self.untold += 1
                    return
                one = self._all[key] = Repeat(key, example)
            if not one.count:
                one.since = now
            if not one.count or size > one.worst:
                one.example, one.worst = example, size
            one.count += 1
            one.last = now

    def due(self, now: float, *, everything: bool = False) -> list[Repeat[Example]]:
        """What is to be said now, which counts as said with this. ``everything``: also what was said a moment ago."""
        found = []
        with self._lock:
            for key, one in list(self._all.items()):
                rested = one.said is None or now - one.said >= self._every
                if not one.count:
                    if rested:
                        del self._all[key]  # it has not happened for a while, and others may need its place
                elif rested or everything:
                    found.append(Repeat(key, one.example, one.count, one.worst, one.since, one.last, one.said))
                    one.count, one.said = 0, now
        return found
