"""What a load generator tells of one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["PERCENTILES", "SATURATED", "LoadReport", "percentile"]

PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9)

SATURATED: Final = 0.9
"""From this share of one processor on a generator with one thread is the bottleneck, or near it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """Seconds and counts."""

    requests: int
    """Answered with a status below 400."""
    seconds: float
    failures: int
    """Other statuses, connections that failed, answers that were no HTTP."""
    latencies: dict[float, float]
    """Percentile -> seconds from sending a request to the end of its answer."""
    generator_cpu: float
    """Seconds of processor time that the generator used itself."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def saturated(self) -> bool:
        """The generator had no time to spare: rate and latencies are its own, as much as the server's."""
        return self.generator_cpu >= SATURATED * self.seconds


def percentile(ordered: list[float], share: float) -> float:
    """The value that ``share`` percent of the ordered values do not exceed (nearest rank); 0 of none."""
    if not ordered:
        return 0.0
    rank = -int(-share * len(ordered) // 100)
    return ordered[min(max(rank, 1), len(ordered)) - 1]
