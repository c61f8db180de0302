"""What went through a server since it started, in few numbers: out of its metrics, for whoever compares two moments."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["traffic_of"]


def traffic_of(families: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Numbers that only rise: ``responses`` by class of status (``2xx``), ``aborted``, ``failed`` (the application
    raised), ``bytes`` of bodies that were sent, and ``latency``: how many took up to so many seconds, and longer than
    the bound before, as pairs of bound (None for more than all) and number.
    """
    totals: Counter[str] = Counter()
    responses: Counter[str] = Counter()
    latency: Counter[float] = Counter()
    for family in families:
        for name, labels, value, *_ in family["samples"]:
            if name == "pounce_http_requests_total":
                responses[f"{str(labels.get('status', ''))[:1]}xx"] += value
            elif name == "pounce_http_request_duration_seconds" and isinstance(value, dict):
                latency.update({float(bound): count for bound, count in value["counts"].items()})
            elif name in _TOTALS:
                totals[_TOTALS[name]] += value
    return {
        "responses": dict(sorted(responses.items())),
        "aborted": totals["aborted"],
        "failed": totals["failed"],
        "bytes": totals["bytes"],
        "latency": [
            [None if bound == float("inf") else bound, count] for bound, count in sorted(latency.items()) if count
        ],
    }


_TOTALS = {
    "pounce_http_requests_aborted_total": "aborted",
    "pounce_application_errors_total": "failed",
    "pounce_http_response_body_bytes_total": "bytes",
}
