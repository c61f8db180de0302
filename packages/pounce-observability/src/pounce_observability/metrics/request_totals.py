"""The numbers of several threads added up, and the metrics that are made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .exact import Exact, exact
from .snapshot import TimesJson, times_json
from .worker_counts import (
    BYTES,
    CLOSED_CONNECTIONS,
    CLOSED_WEBSOCKETS,
    COUNTS,
    SECONDS,
    EventKey,
    RequestKey,
    WorkerCounts,
    is_websocket,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .buckets import Layout

__all__ = ["RequestTotals", "Values"]

Values = dict[str, dict[tuple[str, tuple[str, ...]], "Exact | TimesJson"]]
"""By the name of the metric: by the name of the sample and the values of its labels."""

_OPEN = {
    CLOSED_CONNECTIONS: ("pounce_connections_open", "pounce_connections_opened"),
    CLOSED_WEBSOCKETS: ("pounce_websocket_connections_open", "pounce_websocket_connections_opened"),
}


class RequestTotals:
    """A sum of `WorkerCounts`. Belongs to who made it."""

    __slots__ = ("_layout", "_open", "events", "requests")

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.requests: dict[RequestKey, list[Any]] = {}
        self.events: dict[EventKey, int] = {}
        self._open: dict[tuple[str, str], int] = {}

    def copy(self) -> RequestTotals:
        """Another sum that begins with this one."""
        other = RequestTotals(self._layout)
        other.requests = {key: list(numbers) for key, numbers in self.requests.items()}
        other.events = dict(self.events)
        other._open = dict(self._open)
        return other

    def add(self, counts: WorkerCounts, *, ended: bool) -> None:
        """Add the numbers of a thread; what an ended one had open is open no more, unless others close it."""
        for key, numbers in counts.requests.copy().items():
            self._add_request(key, numbers.copy())
        events = counts.events.copy()
        for event, number in events.items():
            if event[0] not in _OPEN:
                self.events[event] = self.events.get(event, 0) + number
        if not ended or counts.shares:
            self._add_open(events)

    def values(self) -> Values:
        """The metrics."""
        made: Values = {}
        self._request_values(made)
        for (family, *labels), number in self.events.items():
            made.setdefault(family, {})[f"{family}_total", tuple(labels)] = number
        for (family, protocol), number in self._open.items():
            # A connection may have come after one thread was read, and have gone before another was.
            made.setdefault(family, {})[family, (protocol,)] = max(number, 0)
        return made

    def _add_request(self, key: RequestKey, numbers: list[Any]) -> None:
        numbers[SECONDS] = exact(numbers[SECONDS])
        known = self.requests.get(key)
        self.requests[key] = numbers if known is None else [a + b for a, b in zip(known, numbers, strict=True)]

    def _add_open(self, events: Mapping[EventKey, int]) -> None:
        for closed, (now, opened) in _OPEN.items():
            for (name, *labels), number in events.items():
                if name in (opened, closed):
                    key = (now, labels[0])
                    self._open[key] = self._open.get(key, 0) + (number if name == opened else -number)

    def _request_values(self, made: Values) -> None:
        requests: dict[tuple[str, tuple[str, ...]], Any] = made.setdefault("pounce_http_requests", {})
        aborts: dict[tuple[str, tuple[str, ...]], Any] = made.setdefault("pounce_http_requests_aborted", {})
        sizes: dict[tuple[str, tuple[str, ...]], Any] = made.setdefault("pounce_http_response_body_bytes", {})
        times: dict[tuple[str, str], list[Any]] = {}
        for key, numbers in self.requests.items():
            method, status, protocol, aborted = key
            number = sum(numbers[COUNTS:])
            _increase(requests, ("pounce_http_requests_total", (method, str(status), protocol)), number)
            _increase(aborts, ("pounce_http_requests_aborted_total", (protocol,)), number if aborted else 0)
            _increase(sizes, ("pounce_http_response_body_bytes_total", (protocol,)), numbers[BYTES])
            if not is_websocket(key):
                known = times.get((method, protocol))
                times[method, protocol] = (
                    numbers[SECONDS:]
                    if known is None
                    else [a + b for a, b in zip(known, numbers[SECONDS:], strict=True)]
                )
        made["pounce_http_request_duration_seconds"] = {
            ("pounce_http_request_duration_seconds", labels): self._times(numbers) for labels, numbers in times.items()
        }

    def _times(self, numbers: Sequence[Any]) -> TimesJson:
        return times_json(numbers[0], self._layout.sparse(numbers[1:]))


def _increase(values: dict[Any, Any], key: Any, number: int) -> None:
    values[key] = values.get(key, 0) + number
