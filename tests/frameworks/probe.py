"""What a test and the application that it serves tell each other, from thread to thread."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
import threading
import time
from concurrent.futures import Future
from typing import Final

__all__ = ["WAIT_SECONDS", "Probe", "Signal"]

WAIT_SECONDS: Final = 20.0
"""How long anything waits for its counterpart: far longer than it takes, short enough to fail."""


class Signal:
    """An event that can be waited for in a thread and in a coroutine of any loop. Safe from every thread."""

    def __init__(self) -> None:
        self._future: Future[None] = Future()
        self._lock = threading.Lock()

    def set(self) -> None:
        """Let all go on that wait; again does nothing."""
        with self._lock:
            if not self._future.done():
                self._future.set_result(None)

    @property
    def is_set(self) -> bool:
        return self._future.done()

    def wait(self) -> None:
        """Block until it is set.

        Raises:
            TimeoutError: nobody set it.
        """
        self._future.result(WAIT_SECONDS)

    def wait_collecting(self) -> None:
        """The same for what happens when an object is freed that may be part of a cycle."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.is_set:
            gc.collect()
            with contextlib.suppress(TimeoutError):
                self._future.result(0.01)
            assert time.monotonic() < deadline, "it was never freed"

    async def heard(self) -> None:
        """Wait in a coroutine; raises as ``wait()`` does."""
        # Shielded: cancelling the wrapping future would cancel the one that others wait for.
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._future)), WAIT_SECONDS)


class Probe:
    """The signals of one test by name, and a list of what happened. ``probe["left"].set()``."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self._signals: collections.defaultdict[str, Signal] = collections.defaultdict(Signal)
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Signal:
        with self._lock:
            return self._signals[name]
