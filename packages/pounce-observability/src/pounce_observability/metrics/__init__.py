"""Metrics for Prometheus: counted by each worker for itself, added up by whoever asks.

`Metrics` is what a process counts, `MetricsTotals` adds up the processes of a server, `MetricsMiddleware` and
`MetricsApp` answer with the sums. Only the answer needs ``prometheus_client`` (the extra ``metrics``).

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_observability.metrics.catalogue import CATALOGUE, Family
    from pounce_observability.metrics.endpoint import MetricsApp, MetricsMiddleware
    from pounce_observability.metrics.known_sources import number_source, queue_source, rate_limit_source, worker_source
    from pounce_observability.metrics.process_metrics import Metrics
    from pounce_observability.metrics.settings import MetricsSettings
    from pounce_observability.metrics.sources import Reading
    from pounce_observability.metrics.totals import MetricsTotals

__all__ = [
    "CATALOGUE",
    "Family",
    "Metrics",
    "MetricsApp",
    "MetricsMiddleware",
    "MetricsSettings",
    "MetricsTotals",
    "Reading",
    "number_source",
    "queue_source",
    "rate_limit_source",
    "worker_source",
]

_HOMES: Final = {
    ".catalogue": ("CATALOGUE", "Family"),
    ".endpoint": ("MetricsApp", "MetricsMiddleware"),
    ".known_sources": ("number_source", "queue_source", "rate_limit_source", "worker_source"),
    ".process_metrics": ("Metrics",),
    ".settings": ("MetricsSettings",),
    ".sources": ("Reading",),
    ".totals": ("MetricsTotals",),
}
"""Module -> what is defined there."""

if not TYPE_CHECKING:  # a type checker knows the imports above, and thereby what there is not

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                globals()[name] = found = getattr(import_module(home, __name__), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
