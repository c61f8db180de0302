"""How long garbage collections take. With the GIL nothing else runs meanwhile; without it most of the time nothing."""

from __future__ import annotations

import contextlib
import gc
import time
from typing import TYPE_CHECKING, Any

from .time_histogram import TimeHistogram

if TYPE_CHECKING:
    from .buckets import Layout

__all__ = ["GcPauses"]


class GcPauses:
    """A callback of the collector. The interpreter lets one thread collect at a time, and that one writes."""

    def __init__(self, layout: Layout) -> None:
        self.by_generation = tuple(TimeHistogram(layout) for _ in range(3))
        self._started: float | None = None

    def install(self) -> None:
        """Begin to measure."""
        gc.callbacks.append(self._collecting)

    def remove(self) -> None:
        """Stop it."""
        with contextlib.suppress(ValueError):
            gc.callbacks.remove(self._collecting)

    def _collecting(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._started = time.perf_counter()
        elif self._started is not None:
            self.by_generation[min(info["generation"], 2)].observe(time.perf_counter() - self._started)
            self._started = None
