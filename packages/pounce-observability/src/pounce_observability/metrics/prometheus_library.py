"""What ``prometheus_client`` does for us: the application's metrics, and the text formats. Nothing else imports it.

Only what it documents is used: ``REGISTRY.collect()``, metrics with their samples, the collector for several processes,
and ``choose_encoder`` with a collector of ours.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Exemplar, Metric
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.utils import floatToGoString

from .buckets import classic_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .snapshot import FamilyJson

__all__ = ["application_families", "gzip_accepted", "shared_files_families", "text_of"]

SHARED_FILES: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The application's processes write their metrics to files there; the library adds them up."""

_GROWING: Final = ("counter", "histogram", "summary")
_SAME: Final = ("python_info",)
_OF_THE_PROCESS: Final = ("process_", "python_")

_error_log = logging.getLogger("pounce.error")


def application_families(registry: Any = REGISTRY) -> list[FamilyJson]:
    """The metrics of the default registry in this process: the application's, and the library's of process and Python.

    Where the application's are in shared files only the latter.
    """
    families = _read(registry)
    if SHARED_FILES in os.environ:
        return [family for family in families if family["name"].startswith(_OF_THE_PROCESS)]
    return families


def shared_files_families() -> list[FamilyJson]:
    """The application's metrics of all processes, where they are in shared files."""
    if SHARED_FILES not in os.environ:
        return []
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError as error:
        _error_log.error("metrics: %s", error)
        return []
    return _read(registry)


def text_of(families: Sequence[FamilyJson], accept: str) -> tuple[str, bytes]:
    """Content type and text, in the format that is accepted: that of Prometheus, or OpenMetrics."""
    encoder, content_type = choose_encoder(accept)
    return content_type, encoder(_Collector(families))


def _read(registry: Any) -> list[FamilyJson]:
    families = []
    try:
        for metric in registry.collect():
            families.append(_family(metric))  # noqa: PERF401 - what was had before one raises is kept
    except Exception:  # noqa: BLE001 - a collector of the application, which must not cost the other metrics
        _error_log.exception("A collector in the default registry of prometheus_client raised")
    return families


def _family(metric: Any) -> FamilyJson:
    return {
        "name": metric.name,
        "kind": metric.type,
        "help": metric.documentation,
        "unit": metric.unit,
        "merge": "sum" if metric.type in _GROWING else "any" if metric.name in _SAME else "worker",
        "samples": [_sample(one) for one in metric.samples],
    }


def _sample(sample: Any) -> list[Any]:
    made = [sample.name, sample.labels, sample.value]
    if sample.exemplar is not None:
        exemplar = sample.exemplar
        time = None if exemplar.timestamp is None else float(exemplar.timestamp)
        made.append([dict(exemplar.labels), exemplar.value, time])
    return made


class _Collector:
    """Metrics as the library's encoders want them."""

    def __init__(self, families: Sequence[FamilyJson]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        for family in self._families:
            metric = Metric(family["name"], family["help"], family["kind"], family["unit"])
            for name, labels, value, *rest in family["samples"]:
                if isinstance(value, dict):
                    _add_times(metric, labels, value, family["buckets"])
                else:
                    metric.add_sample(name, labels, value, exemplar=Exemplar(*rest[0]) if rest else None)
            yield metric


def _bound(bound: float) -> str:
    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]


def _add_times(metric: Metric, labels: dict[str, str], value: dict[str, Any], buckets: Sequence[float]) -> None:
    numbers = classic_counts(value["counts"], buckets)
    for bound, number in zip((*buckets, float("inf")), numbers, strict=True):
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": _bound(bound)}, number)
    metric.add_sample(f"{metric.name}_count", labels, numbers[-1])
    metric.add_sample(f"{metric.name}_sum", labels, value["sum"])
