"""The lines of one worker that wait for the writer."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CAPACITY", "LineBuffer", "SharedLineBuffer"]

CAPACITY: Final = 32_768
"""Lines that a worker may have waiting: a third of a second at 100,000 requests a second, about 5 MiB."""

BATCH: Final = 1024
"""Lines written in one piece, so that a full buffer does not double its memory."""


class LineBuffer:
    """Filled by one worker and emptied by the writer, each with single operations of a deque, which is thread-safe with
    and without the GIL.
    """

    __slots__ = ("_lines", "_owner", "_wake", "capacity", "dropped")

    def __init__(self, wake: Callable[[], object], capacity: int = CAPACITY) -> None:
        """Made in the thread of the worker."""
        self._lines: deque[str] = deque()
        self._owner = threading.current_thread()
        self._wake = wake
        self.capacity = capacity
        self.dropped = 0
        """Lines that found the buffer full."""

    @property
    def ended(self) -> bool:
        """Whether nothing is in it and nothing will be: its worker has ended."""
        # In this order: what a thread added last is there once it is known to have ended.
        return not self._owner.is_alive() and not self._lines

    def full(self) -> bool:
        """Whether a line would find no room; it is counted as dropped then, and need not be made."""
        if len(self._lines) < self.capacity:
            return False
        self.drop()
        return True

    def add(self, line: str) -> None:
        """Keep a line. Never waits, never raises."""
        lines = self._lines
        lines.append(line)
        # Asked after the append: the writer sleeps only once it has seen the buffer empty, so whatever is appended
        # after that finds itself alone and wakes it.
        if len(lines) == 1:
            self._wake()

    def take(self, limit: int = BATCH) -> list[str]:
        """Remove and return the oldest lines. Called by the writer only."""
        lines = self._lines
        taken: list[str] = []
        try:
            while len(taken) < limit:
                taken.append(lines.popleft())
        except IndexError:
            pass
        return taken

    def drop(self) -> None:
        """Count a line that is not kept."""
        self.dropped += 1


class SharedLineBuffer(LineBuffer):
    """Filled by several threads of a worker. A few lines more than the capacity may wait: one for each thread."""

    __slots__ = ("_lock",)

    def __init__(self, wake: Callable[[], object], capacity: int = CAPACITY) -> None:
        super().__init__(wake, capacity)
        self._lock = threading.Lock()  # guards the count

    def add(self, line: str) -> None:
        """Keep a line. Which thread found the buffer empty cannot be told from its length, so each one wakes."""
        self._lines.append(line)
        self._wake()

    def drop(self) -> None:
        """Count a line that is not kept."""
        with self._lock:
            self.dropped += 1
