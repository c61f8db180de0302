"""The timers of many connections: a heap in which what has moved is found out only when it comes to the top.

A timer is set anew with almost every datagram, nearly always to a later moment. That costs two stores here; only an
earlier one is put into the heap.
"""

from __future__ import annotations

import heapq
from typing import Final, Generic, TypeVar

__all__ = ["Timer", "Timers"]

_Owner = TypeVar("_Owner")

NEVER: Final = float("inf")
SLACK: Final = 64
"""Entries beyond twice those that counted when the heap was last swept, before it is swept again."""


class Timer(Generic[_Owner]):
    """The timer of one owner. Without an owner it is dead, and what the heap still has of it holds nothing alive."""

    __slots__ = ("due", "owner", "queued")

    def __init__(self, owner: _Owner) -> None:
        self.owner: _Owner | None = owner
        self.due = NEVER
        """When it is to go off."""
        self.queued = NEVER
        """Where in the heap its entry is that counts: at ``due`` or before it."""


class Timers(Generic[_Owner]):
    """All timers of one endpoint. Owned by its thread. Times are ``loop.time()``, in seconds."""

    __slots__ = ("_entries", "_heap", "_swept_size")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer[_Owner]]] = []
        self._entries = 0
        """Entries that were ever made: orders those of the same moment, which are not compared themselves."""
        self._swept_size = 0

    def __len__(self) -> int:
        return len(self._heap)

    def set(self, timer: Timer[_Owner], when: float | None) -> None:
        """Go off then, and not when it was to before; None for never."""
        timer.due = due = NEVER if when is None else when
        if due < timer.queued:
            self._queue(timer, due)

    def drop(self, timer: Timer[_Owner]) -> None:
        """Its owner is gone."""
        timer.owner = None
        timer.due = timer.queued = NEVER

    @property
    def next(self) -> float | None:
        """When the earliest goes off; None if none does."""
        heap = self._heap
        while heap:
            when, _, timer = heap[0]
            if when == timer.queued:
                if timer.due <= when:
                    return when
                timer.queued = NEVER
                heapq.heappop(heap)
                if timer.due < NEVER:
                    self._queue(timer, timer.due)
            else:
                heapq.heappop(heap)  # there is an earlier entry of the same timer, or it is dead
        return None

    def maybe_due(self, now: float) -> _Owner | None:
        """The owner of the earliest timer, if that goes off at or before ``now``: it has to be set anew."""
        while (when := self.next) is not None and when <= now:
            timer = heapq.heappop(self._heap)[2]
            timer.due = timer.queued = NEVER
            if timer.owner is not None:
                return timer.owner
        return None

    def _queue(self, timer: Timer[_Owner], when: float) -> None:
        timer.queued = when
        self._entries += 1
        heapq.heappush(self._heap, (when, self._entries, timer))
        if len(self._heap) > 2 * self._swept_size + SLACK:
            # An entry that an earlier one has replaced may lie deep: an idle timeout below many acknowledgements.
            self._heap[:] = [entry for entry in self._heap if entry[0] == entry[2].queued]
            heapq.heapify(self._heap)
            self._swept_size = len(self._heap)
