"""Listeners that are ready-made: one that keeps records, and one that stands for several."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from pounce_asgi.listeners import guarded, in_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.lifecycle import LifecycleRecord

__all__ = ["BufferedCollector", "CompositeCollector"]


class BufferedCollector:
    """Keeps the latest records until somebody takes them. For any thread."""

    def __init__(self, capacity: int = 10_000) -> None:
        """``capacity``: how many are kept. For each one more the oldest is dropped, and counted.

        Raises:
            ValueError: it is below 1.
        """
        if capacity < 1:
            raise ValueError(f"capacity is {capacity!r}: at least one record is to be kept")
        # Reentrant: a signal handler, or garbage that is collected, may cause a record while this thread holds it.
        self._lock = threading.RLock()  # guards the next two
        self._records: deque[LifecycleRecord] = deque(maxlen=capacity)
        self._dropped = 0

    def __call__(self, record: LifecycleRecord) -> None:
        """Keep a record."""
        with self._lock:
            if len(self._records) == self._records.maxlen:
                self._dropped += 1
            self._records.append(record)

    def take(self) -> list[LifecycleRecord]:
        """The records since the last call, the oldest first. They are kept no longer."""
        with self._lock:
            taken = list(self._records)
            self._records.clear()
        return taken

    def __len__(self) -> int:
        """Records that wait to be taken."""
        return len(self._records)

    @property
    def dropped(self) -> int:
        """Records that nobody took in time, since the beginning."""
        return self._dropped


class CompositeCollector:
    """Hands each record to several listeners, in the order given. One that raises is logged, and the others run."""

    def __init__(self, *listeners: Callable[[Any], object]) -> None:
        self.listeners = listeners
        self._call = in_order(tuple(guarded(listener) for listener in listeners))

    def __call__(self, record: LifecycleRecord) -> None:
        """Hand it on."""
        self._call(record)
