"""Connections with something to read, waiting for the next free worker: in order, bounded in number and in time."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from pounce_workers.net.deadlines import NEVER

if TYPE_CHECKING:
    from pounce_workers.net.blocking_transport import BlockingTransport

__all__ = ["SyncQueue"]


class SyncQueue:
    """Every method may be called from any thread."""

    def __init__(self, limit: int, timeout: float) -> None:
        """At most ``limit`` connections wait, each for ``timeout`` seconds; what is overdue is `take_overdue`'s."""
        self._limit = limit
        self._timeout = timeout
        self._lock = threading.Lock()
        self._arrivals = threading.Condition(self._lock)
        self._waiting: deque[tuple[float, BlockingTransport]] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, transport: BlockingTransport) -> bool:
        """Let it wait for a worker. False when too many do."""
        with self._lock:
            if len(self._waiting) >= self._limit:
                return False
            self._append(transport)
        return True

    def put_back(self, transport: BlockingTransport) -> None:
        """A worker has served it for its turn, and there is more to do. It was let in before, so there is room."""
        with self._lock:
            self._append(transport)

    def _append(self, transport: BlockingTransport) -> None:
        self._waiting.append((time.monotonic() + self._timeout, transport))
        self._arrivals.notify()

    def take(self) -> BlockingTransport | None:
        """Wait for the next one; None once the queue is closed."""
        with self._lock:
            while not self._waiting:
                if self._closed:
                    return None
                self._arrivals.wait()
            return self._waiting.popleft()[1]

    def take_overdue(self, now: float) -> list[BlockingTransport]:
        """Those that have waited too long."""
        overdue = []
        with self._lock:
            while self._waiting and self._waiting[0][0] <= now:
                overdue.append(self._waiting.popleft()[1])
        return overdue

    def next_overdue(self) -> float:
        """When the first will have waited too long; `NEVER` when none waits."""
        with self._lock:
            return self._waiting[0][0] if self._waiting else NEVER

    def close(self) -> list[BlockingTransport]:
        """Let nobody wait any more. Returns those that were waiting; workers get None from now on."""
        with self._lock:
            self._closed = True
            left = [transport for _, transport in self._waiting]
            self._waiting.clear()
            self._arrivals.notify_all()
        return left
