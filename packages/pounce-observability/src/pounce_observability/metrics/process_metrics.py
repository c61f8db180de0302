"""The metrics of one process: who counts in it, and what all of them have counted so far."""

from __future__ import annotations

import os
import platform
import sys
import threading
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .buckets import Layout
from .catalogue import CATALOGUE, family_of_sample
from .gc_pauses import GcPauses
from .request_totals import RequestTotals, Values
from .snapshot import FamilyJson, Snapshot, family_json, times_json
from .sources import Reading, SourceState
from .worker_counts import SharedCounts, WorkerCounts, subscribers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pounce_asgi import Subscriber

    from .exact import Exact
    from .settings import MetricsSettings

__all__ = ["Metrics"]

PAUSES: Final = Layout((0.0001, 0.001, 0.01, 0.1, 1.0))
"""Classic buckets of collections, which should be short."""


class Metrics:
    """One for each process that serves, over all its generations of code. Any thread may use it.

    The numbers belong to the threads that count (`WorkerCounts`); those of threads that have ended are added to one
    sum, whenever somebody reads or another thread begins to count, so nothing grows with reloads. The lock is for who
    reads and for births, never for a request.
    """

    def __init__(
        self, settings: MetricsSettings, *, worker: str = "", version: str = "", application: bool = True
    ) -> None:
        """``worker`` names this process among several; ``version`` is the server's. With ``application`` the metrics
        of the default registry of ``prometheus_client`` are answered as well.
        """
        self._worker = worker
        self._application = application
        self._process = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._layout = Layout(settings.bounds)
        self._pauses = GcPauses(PAUSES)
        self._build = (version, platform.python_version(), platform.python_implementation(), _gil())
        # One reads at a time, so that who has the higher number has seen at least as much.
        self._reading = threading.Lock()  # guards the next; taken before the other lock
        self._sequence = 0
        self._lock = threading.Lock()  # guards all that follows
        self._counting: list[WorkerCounts] = []
        self._ended = RequestTotals(self._layout)
        self._sources: list[SourceState] = []
        self._removed: dict[tuple[str, tuple[tuple[str, str], ...]], Exact] = {}

    def start(self) -> None:
        """Begin to measure what nobody counts: garbage collections."""
        self._pauses.install()

    def close(self) -> None:
        """Stop that. What was counted can still be read."""
        self._pauses.remove()

    def listeners_for_worker(self, worker_id: int, *, shared: bool = False) -> Sequence[Subscriber[Any]]:
        """What a worker has to call. Made in its thread, or, if several of its threads will call, ``shared``."""
        del worker_id  # the numbers of a process are one
        return subscribers(SharedCounts(partial(self._new_counts, shares=True)) if shared else self._new_counts())

    def add_source(self, source: Callable[[], Iterable[Reading]]) -> Callable[[], None]:
        """Ask for these numbers too, in any thread; it must be quick. What is returned takes it away again: its
        counters are asked a last time and stay.
        """
        state = SourceState(source)
        with self._lock:
            self._sources.append(state)

        def remove() -> None:
            with self._lock:
                if state in self._sources:
                    state.read()
                    self._sources.remove(state)
                    for key, value in state.counters().items():
                        self._removed[key] = self._removed.get(key, 0) + value

        return remove

    def answer(self, arguments: dict[str, Any]) -> Any:
        """The answer of this process to the question "metrics"."""
        del arguments
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        """All numbers of this process, as JSON."""
        with self._reading:
            self._sequence += 1
            application = _application() if self._application else []
            with self._lock:
                families = self._families()
            return {
                "process": self._process,
                "pid": os.getpid(),
                "worker": self._worker,
                "sequence": self._sequence,
                "families": [*families, *application],
            }

    def _new_counts(self, *, shares: bool = False) -> WorkerCounts:
        counts = WorkerCounts(self._layout, shares=shares)
        with self._lock:
            self._let_go_of_ended()  # perhaps nobody ever reads
            self._counting.append(counts)
        return counts

    def _let_go_of_ended(self) -> None:
        # Asked before the numbers are read: whoever is gone by then has added his last.
        ended = [counts for counts in self._counting if counts.ended]
        self._counting = [counts for counts in self._counting if counts not in ended]
        for counts in ended:
            self._ended.add(counts, ended=True)

    def _families(self) -> list[FamilyJson]:
        values = self._counted()
        self._add_pauses(values)
        self._add_sources(values)
        values["pounce_build_info"] = {("pounce_build_info", self._build): 1}
        return [
            family_json(family, values[name], self._buckets(name))
            for name, family in CATALOGUE.items()
            if values.get(name)
        ]

    def _buckets(self, name: str) -> Sequence[float]:
        return (self._layout if name == "pounce_http_request_duration_seconds" else PAUSES).classic

    def _counted(self) -> Values:
        self._let_go_of_ended()
        totals = self._ended.copy()
        for counts in self._counting:
            totals.add(counts, ended=False)
        return totals.values()

    def _add_pauses(self, values: Values) -> None:
        values["pounce_gc_pause_seconds"] = {
            ("pounce_gc_pause_seconds", (str(generation),)): times_json(
                histogram.seconds, PAUSES.sparse(histogram.counts.copy())
            )
            for generation, histogram in enumerate(self._pauses.by_generation)
        }

    def _add_sources(self, values: Values) -> None:
        for readings in (self._removed, *(source.read() for source in self._sources)):
            for (name, labels), value in readings.items():
                family = family_of_sample(name)
                known = values.setdefault(family.name, {})
                key = (name, tuple(text for _, text in labels))
                other: Any = known.get(key, 0)
                known[key] = max(other, value) if family.merge == "max" else other + value


def _gil() -> str:
    asked = getattr(sys, "_is_gil_enabled", None)
    return "on" if asked is None or asked() else "off"


def _application() -> list[FamilyJson]:
    from .prometheus_library import application_families

    return [family for family in application_families() if family["name"] not in CATALOGUE]
