"""A server's metrics with every metric in them, growing with each scrape: what dashboards are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_asgi import Listeners
from pounce_asgi.lifecycle import (
    ClientTimedOut,
    ConnectionOpened,
    ConnectionRefused,
    LimitHit,
    RequestFailed,
    ResponseCompleted,
    StreamReset,
    WebSocketClosed,
    WebSocketOpened,
)
from pounce_observability.metrics import (
    Metrics,
    MetricsSettings,
    MetricsTotals,
    Reading,
    queue_source,
    rate_limit_source,
    worker_source,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BusyServer"]

CLIENT = ("192.0.2.1", 5)


class BusyServer:
    """Metrics that somebody keeps busy: each time that they are collected more has happened."""

    limit, active, waiting = 10, 4, 3

    def __init__(self) -> None:
        self.times = 0
        self.metrics = Metrics(MetricsSettings(), worker="0", version="0.1.0")
        self.metrics.add_source(self._numbers)
        self.metrics.add_source(queue_source(self))
        self.metrics.add_source(rate_limit_source(self.Limiter(self)))
        self.metrics.add_source(worker_source("pounce_http_requests_in_flight", lambda: {0: 2, 1: 3}))
        self.metrics.add_source(worker_source("pounce_worker_heartbeat_age_seconds", lambda: {0: 0.2, 1: 0.4}))
        self._listeners = Listeners.of(*self.metrics.listeners_for_worker(0, shared=True))
        self._totals = MetricsTotals(self._gather, processes=True)

    class Limiter:
        """What the rate limit counts."""

        def __init__(self, server: BusyServer) -> None:
            self._server = server

        @property
        def refused(self) -> int:
            return self._server.times

    @property
    def refused(self) -> dict[str, int]:
        return {"full": self.times, "expired": self.times, "gone": self.times}

    @property
    def waited(self) -> tuple[int, float]:
        return self.times, 0.25 * self.times

    def collect(self) -> Any:
        """The metrics, after a little more work."""
        self.times += 1
        self._work()
        return self._totals.collect()

    def _gather(self, question: str, arguments: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
        del question, timeout
        return [{"pid": 1, "alive": True, "value": self.metrics.answer(arguments)}]

    def _numbers(self) -> Iterable[Reading]:
        yield Reading("pounce_workers", 2)
        yield Reading("pounce_worker_restarts_total", self.times)
        for name in ("pounce_event_loop_lag_seconds", "pounce_event_loop_worst_lag_seconds"):
            yield Reading(name, 0.001, (("worker", "0"), ("loop", "main")))
        yield Reading("pounce_reload_generation", 1)
        yield Reading("pounce_access_log_lines_dropped_total", self.times)

    def _work(self) -> None:
        on: Any = self._listeners
        head = (1.0, 1e9, 0, 1)
        for protocol in ("http/1.1", "h2", "h3"):
            on.connection_opened(ConnectionOpened(*head, protocol, "https", CLIENT, None))
            on.request_failed(RequestFailed(*head, None, "GET", b"/", KeyError(), False, 1, protocol))
            for status in (200, 404, 500):
                for duration in (0.0004, 0.004, 0.04, 0.4, 1.5):
                    amounts: Any = (status, 1000, 1.0, duration, status == 500, 1, protocol)
                    on.response_completed(ResponseCompleted(*head, None, CLIENT, "GET", b"/", b"", "2", [], *amounts))
        on.connection_refused(ConnectionRefused(1.0, 1e9, 0, CLIENT, "tls_handshake", None))
        on.limit_hit(LimitHit(*head, "h2", CLIENT, "max_request_body"))
        on.limit_hit(LimitHit(*head, "h2", CLIENT, "flood:resets"))
        on.client_timed_out(ClientTimedOut(*head, "h2", CLIENT, "timeout_body_stall"))
        on.stream_reset(StreamReset(*head, "h2", 1, 8, True))
        on.websocket_opened(WebSocketOpened(*head, None, CLIENT, b"/", None, "h2", 1))
        on.websocket_closed(WebSocketClosed(*head, None, CLIENT, b"/", None, "h2", 1, 1000, 5.0, 3, 4, 30, 40))
