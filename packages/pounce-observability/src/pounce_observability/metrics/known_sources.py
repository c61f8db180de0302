"""Sources for what the server's parts count, so that who connects them need not know the names of metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .sources import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["number_source", "queue_source", "rate_limit_source", "worker_source"]


class _Queue(Protocol):
    """What is asked of a `pounce_middleware.LoadShedder`."""

    @property
    def limit(self) -> int: ...
    @property
    def active(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def refused(self) -> dict[str, int]: ...
    @property
    def waited(self) -> tuple[int, float]: ...


def queue_source(queue: _Queue) -> Callable[[], Iterable[Reading]]:
    """The request queue."""

    def read() -> Iterable[Reading]:
        yield Reading("pounce_queue_requests", queue.waiting)
        yield Reading("pounce_queue_places", queue.limit)
        yield Reading("pounce_queue_places_used", queue.active)
        number, seconds = queue.waited
        yield Reading("pounce_queue_wait_seconds_sum", seconds)
        yield Reading("pounce_queue_wait_seconds_count", number)
        for reason, refused in queue.refused.items():
            yield Reading("pounce_queue_refused_total", refused, (("reason", reason),))

    return read


def rate_limit_source(limiter: Any) -> Callable[[], Iterable[Reading]]:
    """The rate limit: a `pounce_middleware.RateLimiter`, of which ``refused`` is asked."""
    return lambda: [Reading("pounce_rate_limited_requests_total", limiter.refused)]


def number_source(name: str, number: Callable[[], float]) -> Callable[[], Iterable[Reading]]:
    """One number without labels, such as ``pounce_reload_generation``."""
    return lambda: [Reading(name, number())]


def worker_source(name: str, numbers: Callable[[], Mapping[int, float]]) -> Callable[[], Iterable[Reading]]:
    """A number of each worker by its id, such as ``pounce_worker_heartbeat_age_seconds``."""
    return lambda: [Reading(name, value, (("worker", str(worker)),)) for worker, value in numbers().items()]
