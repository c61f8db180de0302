"""Garbage collections that stop a process for a while."""

from __future__ import annotations

import contextlib
import gc
import sys
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
    """On the clock."""
    generation: int
    cpu: float
    """Seconds of a processor that it took. On a machine that has too much to do it waits as well, as all else does."""
    own: bool = False
    """The server has asked for it: the module from which it came has an ``__own_collections__``."""


class CollectionPauses:
    """A callback of the collector, which one thread at a time calls. Another may take what it has noted."""

    def __init__(
        self,
        least: float = 0.001,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        """Collections shorter than ``least`` seconds are passed over. ``cpu`` is the processor time of the calling
        thread.
        """
        self._least = least
        self._clock = clock
        self._cpu = cpu
        self._began: tuple[float, float] | None = None
        self._noted: deque[CollectionPause] = deque(maxlen=1000)

    def install(self) -> None:
        """Begin."""
        gc.callbacks.append(self.collecting)

    def remove(self) -> None:
        """End."""
        with contextlib.suppress(ValueError):
            gc.callbacks.remove(self.collecting)

    def collecting(self, phase: str, info: dict[str, Any]) -> None:
        """A collection begins or ends, in the thread that called."""
        now = self._clock()
        if phase == "start":
            self._began = (now, self._cpu())
        elif self._began is not None:
            began, cpu = self._began
            self._began = None
            if now - began >= self._least:
                taken = self._cpu() - cpu
                self._noted.append(CollectionPause(began, now - began, info.get("generation", 2), taken, _is_own()))

    def take(self) -> list[CollectionPause]:
        """Those since the last time."""
        taken = []
        with contextlib.suppress(IndexError):
            while True:
                taken.append(self._noted.popleft())
        return taken


def _is_own() -> bool:
    frame = sys._getframe(1).f_back
    return frame is not None and "__own_collections__" in frame.f_globals
