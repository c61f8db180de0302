"""Garbage collections that stop a process for a while."""

from __future__ import annotations

import contextlib
import gc
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CollectionPause", "CollectionPauses"]


class CollectionPause(NamedTuple):
    """One collection."""

    began: float
    """By ``time.monotonic()``."""
    seconds: float
    generation: int


class CollectionPauses:
    """A callback of the collector, which one thread at a time calls. Another may take what it has noted."""

    def __init__(self, least: float = 0.001, clock: Callable[[], float] = time.monotonic) -> None:
        """Collections shorter than ``least`` seconds are passed over."""
        self._least = least
        self._clock = clock
        self._began: float | None = None
        self._noted: deque[CollectionPause] = deque(maxlen=1000)

    def install(self) -> None:
        """Begin."""
        gc.callbacks.append(self.collecting)

    def remove(self) -> None:
        """End."""
        with contextlib.suppress(ValueError):
            gc.callbacks.remove(self.collecting)

    def collecting(self, phase: str, info: dict[str, Any]) -> None:
        """A collection begins or ends."""
        now = self._clock()
        if phase == "start":
            self._began = now
        elif self._began is not None:
            if now - self._began >= self._least:
                self._noted.append(CollectionPause(self._began, now - self._began, info.get("generation", 2)))
            self._began = None

    def take(self) -> list[CollectionPause]:
        """Those since the last time."""
        taken = []
        with contextlib.suppress(IndexError):
            while True:
                taken.append(self._noted.popleft())
        return taken
