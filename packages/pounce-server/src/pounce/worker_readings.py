"""What workers show of themselves, as numbers for metrics: read when somebody asks, counted by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_observability.metrics import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["loop_readings", "worker_readings"]

LOOK_SECONDS: Final = 0.1
"""For the loops of workers to say what they are doing; one that is held up does not, and its last beat tells."""


def worker_readings(ask: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[], Iterable[Reading]]:
    """``ask`` is the answer to the question "workers"."""

    def read() -> Iterable[Reading]:
        workers = ask({"timeout": LOOK_SECONDS})["workers"]
        yield Reading("pounce_workers", len(workers))
        for one in workers:
            labels = (("worker", str(one["worker_id"])),)
            if one["in_flight"] is not None:
                yield Reading("pounce_http_requests_in_flight", one["in_flight"], labels)
            if one["beat_age"] is not None:
                yield Reading("pounce_worker_heartbeat_age_seconds", one["beat_age"], labels)

    return read


def loop_readings(lags: Callable[[], Sequence[Any]]) -> Callable[[], Iterable[Reading]]:
    """``lags`` are those of `pounce_observability.advice.Advice`."""

    def read() -> Iterable[Reading]:
        for lag in lags():
            labels = (("worker", str(lag.worker_id)), ("loop", lag.loop))
            yield Reading("pounce_event_loop_lag_seconds", lag.latest, labels)
            yield Reading("pounce_event_loop_worst_lag_seconds", lag.worst, labels)

    return read
