"""What can be set about metrics. The server derives flags, variables and documentation from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

__all__ = ["DEFAULT_BUCKETS", "MetricsSettings"]

DEFAULT_BUCKETS: Final = (
    *("0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"),
)
MOST_BUCKETS: Final = 50
"""Each is a line per method and protocol in every scrape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """Whether numbers are kept for Prometheus, and where they are read.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    metrics: bool = field(
        default=False,
        metadata={"help": "Keep metrics for Prometheus and answer them on metrics_path.", "group": "Metrics"},
    )
    metrics_path: str = field(
        default="/metrics",
        metadata={"help": "Path of the metrics.", "metavar": "PATH", "group": "Metrics"},
    )
    metrics_bind: str | None = field(
        default=None,
        metadata={
            "help": "Answer metrics there, HOST:PORT or unix:PATH, and not on the server's own port.",
            "metavar": "ADDRESS",
            "example": "127.0.0.1:9090",
            "group": "Metrics",
        },
    )
    metrics_buckets: tuple[str, ...] = field(
        default=DEFAULT_BUCKETS,
        metadata={
            "help": "Upper bounds of the buckets of latency, rising. May be repeated.",
            "unit": "seconds",
            "metavar": "SECONDS",
            "group": "Metrics",
        },
    )

    def __post_init__(self) -> None:
        if not self.metrics_path.startswith("/"):
            raise ValueError(f"metrics_path: {self.metrics_path!r} does not begin with a slash")
        if self.metrics_bind == "":
            raise ValueError("metrics_bind: no address is named")
        bounds = self.bounds
        if not 1 <= len(bounds) <= MOST_BUCKETS:
            raise ValueError(f"metrics_buckets: {len(bounds)} are not within 1 and {MOST_BUCKETS}")
        if any(not low < high for low, high in zip((0.0, *bounds), bounds, strict=False)) or math.isinf(bounds[-1]):
            raise ValueError(f"metrics_buckets: {', '.join(self.metrics_buckets)} do not rise from above 0")

    @property
    def bounds(self) -> tuple[float, ...]:
        """The upper bounds of the buckets, in seconds."""
        try:
            return tuple(float(one) for one in self.metrics_buckets)
        except ValueError as error:
            raise ValueError(f"metrics_buckets: {error}") from None
