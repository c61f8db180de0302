"""Metrics of several processes added up.

Counters, histograms and summaries are added, of processes that are gone as well. Of gauges only those of processes that
are there count: added, the largest, any, or each with the label ``worker``, as the metric says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from .exact import Exact, exact, plain
from .snapshot import FamilyJson, Snapshot, TimesJson, times_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["MergedFamilies"]

_GROWING: Final = ("counter", "histogram", "summary")

_Key = tuple[str, tuple[tuple[str, str], ...]]


class MergedFamilies:
    """A sum of snapshots. Belongs to who made it."""

    def __init__(self, *, label_workers: bool) -> None:
        """With ``label_workers`` gauges that are kept apart get the label ``worker``, if they have none."""
        self._label_workers = label_workers
        self._families: dict[str, _Sum] = {}

    def copy(self) -> MergedFamilies:
        """Another sum that begins with this one."""
        other = MergedFamilies(label_workers=self._label_workers)
        other._families = {name: family.copy() for name, family in self._families.items()}
        return other

    def add(self, snapshot: Snapshot, *, live: bool) -> None:
        """Add what a process says, or had said when it was last asked. The newest process comes last."""
        worker = snapshot["worker"] if self._label_workers else ""
        for family in snapshot["families"]:
            if live or family["kind"] in _GROWING:
                known = self._families.get(family["name"])
                # Other code may have made another metric of the name; the newest is shown.
                if known is None or known.head["kind"] != family["kind"]:
                    known = self._families[family["name"]] = _Sum(family)
                known.head = family
                known.add(family["samples"], worker)

    def families(self) -> list[FamilyJson]:
        """The sums."""
        return [family.json() for family in self._families.values()]


class _Sum:
    """One metric. ``head`` is the newest description of it."""

    __slots__ = ("exemplars", "head", "values")

    def __init__(self, head: FamilyJson) -> None:
        self.head = head
        self.values: dict[_Key, Any] = {}
        self.exemplars: dict[_Key, Any] = {}

    def copy(self) -> _Sum:
        other = _Sum(self.head)
        other.values = {key: value.copy() if isinstance(value, _Times) else value for key, value in self.values.items()}
        other.exemplars = dict(self.exemplars)
        return other

    def add(self, samples: Iterable[Sequence[Any]], worker: str) -> None:
        for name, labels, value, *rest in samples:
            if worker and self.head["merge"] == "worker":
                labels = _with_worker(labels, worker)
            key = (name, tuple(labels.items()))
            self.values[key] = self._joined(key, value)
            if rest and rest[0] is not None:
                self.exemplars[key] = rest[0]

    def _joined(self, key: _Key, value: Any) -> Any:
        known = self.values.get(key)
        if isinstance(value, dict):
            times = known or _Times()
            times.add(cast("TimesJson", value))
            return times
        if known is None:
            return exact(value)
        if key[0].endswith("_created") and self.head["kind"] in _GROWING:
            return min(known, exact(value))
        match self.head["merge"]:
            case "sum":
                return known + exact(value)
            case "max":
                return max(known, exact(value))
            case _:
                return exact(value)

    def json(self) -> FamilyJson:
        samples = []
        for (name, labels), value in self.values.items():
            sample = [name, dict(labels), value.json() if isinstance(value, _Times) else plain(value)]
            if (name, labels) in self.exemplars:
                sample.append(self.exemplars[name, labels])
            samples.append(sample)
        return {**self.head, "samples": samples}


class _Times:
    """A histogram of the server."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.seconds: Exact = 0
        self.counts: dict[str, int] = {}

    def copy(self) -> _Times:
        other = _Times()
        other.seconds, other.counts = self.seconds, dict(self.counts)
        return other

    def add(self, value: TimesJson) -> None:
        self.seconds += exact(value["sum"])
        for bound, count in value["counts"].items():
            self.counts[bound] = self.counts.get(bound, 0) + count

    def json(self) -> TimesJson:
        return times_json(self.seconds, self.counts)


def _with_worker(labels: dict[str, str], worker: str) -> dict[str, str]:
    """One that the application calls so itself stays; ours is then ``pounce_worker``, unless it is the server's own."""
    if labels.get("worker") == worker:
        return labels
    return {**labels, "pounce_worker" if "worker" in labels else "worker": worker}
