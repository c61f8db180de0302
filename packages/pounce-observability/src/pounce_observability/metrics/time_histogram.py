"""A histogram of times beside those of requests. One thread at a time writes it; any may read."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .buckets import Layout

__all__ = ["TimeHistogram"]


class TimeHistogram:
    """How many times fell into each place of a layout, and their sum."""

    __slots__ = ("_bounds", "counts", "seconds")

    def __init__(self, layout: Layout) -> None:
        self._bounds = layout.bounds
        self.seconds = 0.0
        self.counts = [0] * layout.places

    def observe(self, seconds: float) -> None:
        """Count a time."""
        self.seconds += seconds
        self.counts[bisect_left(self._bounds, seconds)] += 1
