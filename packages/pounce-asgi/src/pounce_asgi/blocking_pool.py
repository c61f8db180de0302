"""Threads for calls that block: a bounded number of them, and a bounded number of calls that wait for one.

The standard library's pool keeps every call that it is given and holds up the end of the process for threads that hang;
this one refuses what is too much, and its threads are daemons that end when they have been idle for a while.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BlockingPool", "PoolFull"]

IDLE_TIME: Final = 30.0
"""Seconds that a thread waits for the next call: a pause in the traffic should not cost every thread its start."""


class PoolFull(Exception):  # noqa: N818 - it says what happened
    """Every thread is busy and as many calls wait as may."""


class BlockingPool:
    """Runs calls in threads, first come, first served. Shared by all threads; its lock guards everything in it."""

    def __init__(
        self, threads: int, queue: int, *, idle_time: float = IDLE_TIME, name: str = "pounce-blocking"
    ) -> None:
        """At most ``threads`` calls run at once, and ``queue`` more wait. Threads are started when they are needed."""
        self._limit = threads
        self._queue_limit = queue
        self._idle_time = idle_time
        self._name = name
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[Callable[[], None]] = deque()
        self._threads = 0
        self._idle = 0  # threads that wait for a call, or are starting and will take one
        self._started = 0
        self._releases = 0

    @property
    def threads(self) -> int:
        """How many threads there are, busy or idle."""
        return self._threads

    def submit(self, call: Callable[[], None]) -> None:
        """Run a call as soon as a thread is free. It must not raise, and runs in no particular context.

        Raises:
            PoolFull: it would wait behind too many others.
        """
        with self._changed:
            waiting = len(self._waiting)
            if waiting >= self._idle + self._limit - self._threads + self._queue_limit:
                raise PoolFull
            self._waiting.append(call)
            if waiting < self._idle:
                self._changed.notify()
                return
            if self._threads == self._limit:
                return
            self._threads += 1
            self._idle += 1
            self._started += 1
            number = self._started
        thread = threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True)
        try:
            # Free-threaded builds let a thread inherit the context of its starter, which is some request's.
            contextvars.Context().run(thread.start)
        except RuntimeError:
            with self._changed:
                self._threads -= 1
                self._idle -= 1
                if not self._threads and call in self._waiting:
                    self._waiting.remove(call)
                    raise  # nobody is left to run it; else it waits for those there are

    def withdraw(self, call: Callable[[], None]) -> bool:
        """Take back a call that no thread has taken yet. False when it runs already, or has run."""
        with self._changed:
            try:
                self._waiting.remove(call)
            except ValueError:
                return False
            return True

    def release(self) -> None:
        """Let the idle threads end now. The pool can still be used; it starts new ones."""
        with self._changed:
            self._releases += 1
            self._changed.notify_all()

    def _work(self) -> None:
        while (call := self._next()) is not None:
            call()
            del call  # what it holds should not live until the next one comes
            with self._changed:
                self._idle += 1

    def _next(self) -> Callable[[], None] | None:
        """The next call for this thread, which counts as idle; None when it shall end."""
        with self._changed:
            releases = self._releases
            while not self._waiting:
                woken = self._changed.wait(self._idle_time)
                if not self._waiting and (not woken or self._releases != releases):
                    self._threads -= 1
                    self._idle -= 1
                    return None
            self._idle -= 1
            return self._waiting.popleft()
