"""What a view shows, out of two answers of a server: rates are what has risen between them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Figures", "RequestFigures", "WorkerFigures", "figures_of", "percentile"]

SLOWEST: Final = 100
"""Requests in flight that are looked at; a view shows what has room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFigures:
    """One worker. Rates are per second; None is what is not known."""

    worker_id: int
    generation: int
    pid: int
    mode: str
    kind: str
    answers: bool
    """Its loops turn."""
    lag: float | None
    """Seconds."""
    beat_age: float | None
    """Seconds."""
    connections: int
    in_flight: int
    queued: int
    requests_per_second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFigures:
    """One request in flight."""

    worker_id: int
    protocol: str
    client: str
    method: str
    path: str
    state: str
    age: float | None
    """Seconds."""
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The whole server. Rates are per second, over the time since the answer before."""

    version: str = ""
    processes: int = 0
    lost_processes: int = 0
    """Those that did not answer."""
    uptime: float = 0.0
    """Seconds, of the oldest process."""
    rss: int | None = None
    """Bytes, of all processes."""
    cpu: float | None = None
    """How many CPUs were busy with it."""
    gil: bool | None = None
    connections: int = 0
    in_flight: int = 0
    queued: int = 0
    requests_per_second: float | None = None
    errors_per_second: float | None = None
    """Answers with a status of 500 and above."""
    bytes_per_second: float | None = None
    p50: float | None = None
    """Seconds that half of the requests took at most; infinity for longer than is told apart."""
    p99: float | None = None
    workers: list[WorkerFigures] = field(default_factory=list)
    slowest: list[RequestFigures] = field(default_factory=list)


def figures_of(now: dict[str, Any], before: dict[str, Any] | None = None) -> Figures:
    """From the answers to ``/_pounce/top``. ``before`` may be that of a server that has been restarted since."""
    elapsed = now["monotonic"] - before["monotonic"] if before is not None else 0.0
    if elapsed <= 0:  # another machine's clock, or the first answer
        before, elapsed = None, 0.0
    values = _values(now["processes"])
    earlier = _values(before["processes"]) if before is not None else []
    workers = _workers(values, earlier, elapsed)
    return Figures(
        version=str(now["info"].get("version", "")),
        processes=len(values),
        lost_processes=len(now["processes"]) - len(values),
        uptime=max((value["uptime"] for value in values), default=0.0),
        rss=_sum([value["rss"] for value in values]),
        cpu=_cpu(values, earlier, elapsed),
        gil=any(value["gil"] for value in values) if values else None,
        connections=sum(each.connections for each in workers),
        in_flight=sum(each.in_flight for each in workers),
        queued=sum(each.queued for each in workers),
        workers=workers,
        slowest=_slowest(_values(now["requests"])),
        **_traffic(now["traffic"], before["traffic"] if before is not None else None, workers, elapsed),
    )


def percentile(buckets: list[tuple[float, int]], share: float) -> float | None:
    """The bound below which this share lies; ``buckets`` are bounds and how many lie below each and above the one
    before. None for none at all.
    """
    total = sum(count for _, count in buckets)
    if not total:
        return None
    seen = 0
    for bound, count in sorted(buckets):
        seen += count
        if seen >= share * total:
            return bound
    return math.inf


def _values(processes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one["value"] for one in processes if one.get("value")]


def _sum(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _cpu(values: list[dict[str, Any]], earlier: list[dict[str, Any]], elapsed: float) -> float | None:
    before = {value["pid"]: value["cpu"] for value in earlier}
    spent = [value["cpu"] - before[value["pid"]] for value in values if value["pid"] in before]
    return max(sum(spent), 0.0) / elapsed if spent and elapsed else None


def _workers(values: list[dict[str, Any]], earlier: list[dict[str, Any]], elapsed: float) -> list[WorkerFigures]:
    served = {_key(one): one["requests_served"] for value in earlier for one in value["workers"]}
    found = [
        WorkerFigures(
            requests_per_second=_rate(one["requests_served"], served.get(_key(one)), elapsed),
            **{name: one[name] for name in _SAME},
        )
        for value in values
        for one in value["workers"]
    ]
    return sorted(found, key=lambda one: (one.worker_id, one.generation))


_SAME: Final = (
    *("worker_id", "generation", "pid", "mode", "kind", "answers", "lag", "beat_age"),
    *("connections", "in_flight", "queued"),
)


def _key(worker: dict[str, Any]) -> tuple[Any, ...]:
    return worker["pid"], worker["worker_id"], worker["generation"]


def _rate(now: float, before: float | None, elapsed: float) -> float | None:
    """What has risen; None where it has fallen, because something else counts now."""
    if before is None or not elapsed or now < before:
        return None
    return (now - before) / elapsed


def _traffic(
    now: dict[str, Any] | None, before: dict[str, Any] | None, workers: list[WorkerFigures], elapsed: float
) -> dict[str, float | None]:
    if now is None or before is None:
        known = [one.requests_per_second for one in workers if one.requests_per_second is not None]
        return {"requests_per_second": sum(known) if known else None}
    responses, responses_before = now["responses"], before["responses"]
    earlier = Counter({_bound(bound): count for bound, count in before["latency"]})
    buckets = [(_bound(bound), count - earlier[_bound(bound)]) for bound, count in now["latency"]]
    whole = all(count >= 0 for _, count in buckets)
    return {
        "requests_per_second": _rate(sum(responses.values()), sum(responses_before.values()), elapsed),
        "errors_per_second": _rate(responses.get("5xx", 0), responses_before.get("5xx", 0), elapsed),
        "bytes_per_second": _rate(now["bytes"], before["bytes"], elapsed),
        "p50": percentile(buckets, 0.5) if whole else None,
        "p99": percentile(buckets, 0.99) if whole else None,
    }


def _bound(bound: float | None) -> float:
    return math.inf if bound is None else bound


def _slowest(values: list[dict[str, Any]]) -> list[RequestFigures]:
    requests = [
        RequestFigures(
            worker_id=one.get("worker_id", 0),
            protocol=one.get("protocol", ""),
            client=one.get("client", ""),
            method=one.get("method", ""),
            path=one.get("path", one.get("task", "")),
            state=one.get("state", ""),
            age=one.get("age"),
            status=one.get("status"),
        )
        for value in values
        for one in value["requests"]
        if one.get("kind") != "websocket"  # it lives for as long as its client likes
    ]
    return sorted(requests, key=lambda one: -(one.age or 0.0))[:SLOWEST]
