"""The metrics of a whole server: one object, in the process that starts the others.

It keeps the last that every process has said. A process that is gone still counts with that, so no counter falls when
one is killed, restarted or replaced; what it counted between its last answer and its death is lost.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, TypedDict

from .catalogue import CATALOGUE
from .merged_families import MergedFamilies
from .snapshot import FamilyJson, Snapshot, family_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .process_metrics import Metrics

__all__ = ["Collected", "MetricsTotals"]

KEPT_ABSENT: Final = 300.0
"""Seconds for which the snapshot of a process that is not asked any more is kept apart, for it may say a last word: it
may still be at its last requests. After that it becomes part of one sum, and whatever it says is not counted."""

FORGOTTEN: Final = 1024
"""Names of such processes that are remembered, 50 bytes each."""


class Collected(TypedDict):
    """The metrics of a server, as JSON."""

    families: list[FamilyJson]


class _Process:
    """The last that a process has said. Guarded by the lock of the totals."""

    __slots__ = ("absent_since", "snapshot")

    def __init__(self, snapshot: Snapshot, now: float) -> None:
        self.snapshot = snapshot
        self.absent_since = now
        """When it was last asked."""


class MetricsTotals:
    """Asks all processes and adds up. Any thread may use it."""

    def __init__(
        self,
        gather: Callable[[str, dict[str, Any], float], list[dict[str, Any]]],
        *,
        processes: bool = False,
        local: Metrics | None = None,
        timeout: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``gather`` asks a question in every process. With ``processes`` there may be several, and gauges are told
        apart by a label; ``local`` are the numbers of a process that ``gather`` does not ask, the one that starts the
        others. ``timeout``, in seconds, is how long a process may take; one that takes longer counts with what it said
        before.
        """
        self._gather = gather
        self._processes = processes
        self._local = local
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()  # guards all that follows
        self._known: OrderedDict[str, _Process] = OrderedDict()
        """The processes by their names, the newest last."""
        self._gone = MergedFamilies(label_workers=processes)
        self._forgotten: OrderedDict[str, None] = OrderedDict()

    def answer(self, arguments: dict[str, Any]) -> Any:
        """The answer to the question "metrics_totals", which other processes ask of this one."""
        del arguments
        return self.collect()

    def keep(self, snapshot: Snapshot) -> None:
        """The last word of a process that ends in order, or any before that."""
        with self._lock:
            self._keep(snapshot, self._clock())

    def collect(self) -> Collected:
        """Ask, add up. It may block for as long as a process may take to answer."""
        answers = self._gather("metrics", {}, self._timeout)
        if self._local is not None:
            answers = [*answers, {"pid": None, "value": self._local.snapshot()}]
        with self._lock:
            now = self._clock()
            heard = [answer for answer in answers if answer.get("value") is not None]
            names = [(self._keep(answer["value"], now), answer) for answer in heard]
            present = {name for name, answer in names if answer.get("alive", True)}
            silent = {answer["pid"] for answer in answers if answer.get("value") is None and answer.get("alive", True)}
            late = 0
            for name, process in self._known.items():
                if name not in present and process.snapshot["pid"] in silent:
                    late += 1
                    present.add(name)
                    process.absent_since = now
            self._fold(present, now)
            families = self._merged(present)
        return {"families": _in_order([*families, _late(late), *self._shared_families()])}

    def _keep(self, snapshot: Snapshot, now: float) -> str:
        """Remember what a process said; its name."""
        name = snapshot["process"]
        if name not in self._forgotten:
            known = self._known.get(name)
            if known is None:
                self._known[name] = _Process(snapshot, now)
            else:
                known.absent_since = now
                # Two who ask at once may be answered in one order and heard in the other.
                if snapshot["sequence"] > known.snapshot["sequence"]:
                    known.snapshot = snapshot
        return name

    def _fold(self, present: set[str], now: float) -> None:
        for name, process in list(self._known.items()):
            if name not in present and now - process.absent_since > KEPT_ABSENT:
                self._gone.add(process.snapshot, live=False)
                del self._known[name]
                self._forgotten[name] = None
        while len(self._forgotten) > FORGOTTEN:
            self._forgotten.popitem(last=False)

    def _merged(self, present: set[str]) -> list[FamilyJson]:
        merged = self._gone.copy()
        for name, process in self._known.items():
            merged.add(process.snapshot, live=name in present)
        return merged.families()

    def _shared_families(self) -> Sequence[FamilyJson]:
        from .prometheus_library import shared_files_families

        return [family for family in shared_files_families() if family["name"] not in CATALOGUE]


def _late(number: int) -> FamilyJson:
    family = CATALOGUE["pounce_metrics_late_processes"]
    return family_json(family, {(family.name, ()): number})


def _in_order(families: Sequence[FamilyJson]) -> list[FamilyJson]:
    """The server's in the order of the catalogue, then the application's."""
    ours = {family["name"]: family for family in families if family["name"] in CATALOGUE}
    others = {family["name"]: family for family in families if family["name"] not in CATALOGUE}
    return [*(ours[name] for name in CATALOGUE if name in ours), *others.values()]
