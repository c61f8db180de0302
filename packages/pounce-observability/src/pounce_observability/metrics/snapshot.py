"""What a process says of its metrics: plain JSON, so that it can go from one process to another.

    {"process": "12-5f0c...", "pid": 12, "worker": "0", "sequence": 7, "families": [
        {"name": "pounce_http_requests", "kind": "counter", "help": "...", "unit": "", "merge": "sum", "samples": [
            ["pounce_http_requests_total", {"method": "GET", "status": "200", "protocol": "h2"}, 12]]},
        {"name": "pounce_http_request_duration_seconds", "kind": "histogram", ..., "buckets": [0.005], "samples": [
            ["pounce_http_request_duration_seconds", {...}, {"sum": 0.5, "counts": {"0.005": 10, "inf": 1}}]]}]}

A histogram of the server has one sample for each set of labels, with how many times fell below each bound and above the
one before. A metric of the application has the samples of its library, as they are shown, a fourth item being the
exemplar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from .exact import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .catalogue import Family
    from .exact import Exact

__all__ = ["FamilyJson", "Snapshot", "TimesJson", "family_json", "times_json"]


class TimesJson(TypedDict):
    """A histogram of the server."""

    sum: float
    counts: dict[str, int]


class _FamilyRequired(TypedDict):
    name: str
    kind: str
    help: str
    unit: str
    merge: str
    samples: list[list[Any]]


class FamilyJson(_FamilyRequired, total=False):
    """A metric and its values."""

    buckets: list[float]


class Snapshot(TypedDict):
    """The answer of a process."""

    process: str
    """Never given to another process, unlike a pid."""
    pid: int
    worker: str
    sequence: int
    """Rises with each snapshot: which of two is the later."""
    families: list[FamilyJson]


def family_json(
    family: Family, values: Mapping[tuple[str, tuple[str, ...]], Exact | TimesJson], buckets: Iterable[float] = ()
) -> FamilyJson:
    """A metric of the catalogue; ``values`` by the name of the sample and the values of its labels."""
    made: FamilyJson = {
        "name": family.name,
        "kind": family.kind,
        "help": family.help,
        "unit": family.unit,
        "merge": family.merge,
        "samples": [
            [name, dict(zip(family.labels, labels, strict=True)), value if isinstance(value, dict) else plain(value)]
            for (name, labels), value in values.items()
        ],
    }
    if family.kind == "histogram":
        made["buckets"] = list(buckets)
    return made


def times_json(seconds: Exact, counts: dict[str, int]) -> TimesJson:
    """A histogram's value."""
    return {"sum": plain(seconds), "counts": counts}
