"""Metrics for Prometheus: counted by each worker for itself, added up by whoever asks.

`Metrics` is what a process counts, `MetricsTotals` adds up the processes of a server, `MetricsMiddleware` and
`MetricsApp` answer with the sums. Only the answer needs ``prometheus_client`` (the extra ``metrics``).

Importing this imports the settings alone: the rest happens with the first use of one of the names below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_observability.metrics.settings import MetricsSettings

if TYPE_CHECKING:
    from pounce_observability.metrics.catalogue import CATALOGUE, Family
    from pounce_observability.metrics.endpoint import MetricsApp, MetricsMiddleware
    from pounce_observability.metrics.known_sources import (
        number_source,
        queue_source,
        rate_limit_source,
        worker_source,
    )
    from pounce_observability.metrics.process_metrics import Metrics
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

_HOMES = {
    "CATALOGUE": "catalogue",
    "Family": "catalogue",
    "Metrics": "process_metrics",
    "MetricsApp": "endpoint",
    "MetricsMiddleware": "endpoint",
    "MetricsTotals": "totals",
    "Reading": "sources",
    "number_source": "known_sources",
    "queue_source": "known_sources",
    "rate_limit_source": "known_sources",
    "worker_source": "known_sources",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
