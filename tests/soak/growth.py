"""Whether something grows: from samples alone, so that the judge can be judged.

The slope is that of Theil and Sen: the median of the slopes between all pairs of samples. A third of the samples may be
anything, such as those taken amid a reload, when two generations live side by side, and it does not move.

What the samples scatter around that line says how far the slope can be trusted: with residuals of standard deviation
``s`` (estimated by their median deviation) the growth over the time of ``n`` samples is known to about
``s * sqrt(12 / n)``. Something has grown when it is more than what is allowed *and* three times that beyond it, so that
traffic that comes and goes is no leak, and a steady leak, which scatters little, is one.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ALLOWED", "ALLOWED_MEMORY", "SURE", "Growth", "growth_of"]

MIB: Final = 2**20

ALLOWED_MEMORY: Final = 16 * MIB

ALLOWED: Final = {
    "memory": float(ALLOWED_MEMORY),
    "descriptors": 2.0,
    "threads": 2.0,
    "tasks": 2.0,
    "connections": 2.0,
    "generations": 0.5,
    "objects": 10_000.0,
}
"""By how much each may grow over the time that is looked at, however long.

Memory: what is kept on purpose fills up after the warm-up too, such as 4096 tickets of TLS sessions, 8 MB; and the
allocators keep pages for threads that come and go, with which reloads and restarts of workers are generous. Both are
bounded. In an hour with a million requests 16 MiB are 16 bytes a request: no object that is kept for one is as small.
Objects: those tickets, and 512 patterns of regular expressions. The others are whole numbers that do not drift."""

SURE: Final = 3.0
"""Standard deviations."""
FEWEST: Final = 12
"""Samples, below which what they scatter is not known either, and nothing is said."""
OF_NORMAL: Final = 1.4826
"""The standard deviation of a normal distribution, in median deviations."""


class Growth(NamedTuple):
    """Of one quantity over a time."""

    name: str
    first: float
    """Where the line begins, and where it ends."""
    last: float
    per_hour: float
    uncertain: float
    """Standard deviation of ``last - first``."""
    allowed: float
    samples: int

    @property
    def too_much(self) -> bool:
        """It grows."""
        return self.samples >= FEWEST and self.last - self.first > self.allowed + SURE * self.uncertain


def slope_of(samples: Sequence[tuple[float, float]]) -> float:
    """Of Theil and Sen; 0 for less than two samples."""
    slopes = [
        (later - value) / (then - time)
        for place, (time, value) in enumerate(samples)
        for then, later in samples[place + 1 :]
        if then > time
    ]
    return statistics.median(slopes) if slopes else 0.0


def growth_of(name: str, samples: Sequence[tuple[float, float]], allowed: float | None = None) -> Growth:
    """``samples``: time in seconds and value, in the order of time; at least two."""
    slope = slope_of(samples)
    start, end = samples[0][0], samples[-1][0]
    level = statistics.median(value - slope * (time - start) for time, value in samples)
    off = statistics.median(abs(value - level - slope * (time - start)) for time, value in samples)
    return Growth(
        name,
        level,
        level + slope * (end - start),
        slope * 3600,
        OF_NORMAL * off * math.sqrt(12 / len(samples)),
        ALLOWED[name] if allowed is None else allowed,
        len(samples),
    )
