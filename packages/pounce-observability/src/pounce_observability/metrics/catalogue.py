"""Every metric of the server: name, kind, unit, labels and what it says. docs/metrics.md lists the same.

Names follow the conventions of Prometheus: base units, ``_total`` for what only grows. Labels take few values: methods
that are not registered are "other", a protocol is one of three, limits and timeouts are names of settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["CATALOGUE", "KNOWN_METHODS", "Family", "Kind", "Merge", "family_of_sample"]

Kind = Literal["counter", "gauge", "histogram", "summary"]
Merge = Literal["sum", "worker", "max", "any"]

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
"""RFC 9110, 9.3 and RFC 5789. A client can invent methods, and each would be a time series for ever."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. Names are without ``_total``."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    """``seconds``, ``bytes``, or empty for plain numbers; the name ends with it."""
    merge: Merge = "sum"
    """What becomes of the values of several processes: added up; kept apart, each with the label ``worker``; the
    largest; or any, for they are the same."""

    @property
    def samples(self) -> tuple[str, ...]:
        """The names under which values are given."""
        if self.kind == "counter":
            return (f"{self.name}_total",)
        return (f"{self.name}_sum", f"{self.name}_count") if self.kind == "summary" else (self.name,)


_FAMILIES: Final = (
    # Connections
    Family("pounce_connections_opened", "counter", "Connections that were ready for a request.", ("protocol",)),
    Family(
        "pounce_connections_open",
        "gauge",
        "Connections that are open now, by the protocol that they began with.",
        ("protocol",),
    ),
    Family(
        "pounce_connections_refused",
        "counter",
        "Connections that were ended before they were ready for a request.",
        ("reason",),
    ),
    Family("pounce_tls_handshakes", "counter", "TLS handshakes that ended, by result: ok or failed.", ("result",)),
    # Requests
    Family(
        "pounce_http_requests",
        "counter",
        "Requests that are over; status 499 is a client that left before there was one.",
        ("method", "status", "protocol"),
    ),
    Family("pounce_http_requests_aborted", "counter", "Requests whose answer was cut off.", ("protocol",)),
    Family(
        "pounce_http_request_duration_seconds",
        "histogram",
        "Time from the head of a request to the end of its answer, without WebSockets.",
        ("method", "protocol"),
        "seconds",
    ),
    Family(
        "pounce_http_response_body_bytes",
        "counter",
        "Bytes of response bodies, without their framing.",
        ("protocol",),
        "bytes",
    ),
    Family(
        "pounce_http_requests_in_flight", "gauge", "Requests that are being answered now.", ("worker",), "", "worker"
    ),
    Family("pounce_application_errors", "counter", "Requests in which the application raised.", ("protocol",)),
    # WebSockets
    Family("pounce_websocket_connections_opened", "counter", "WebSockets that were opened.", ("protocol",)),
    Family("pounce_websocket_connections_open", "gauge", "WebSockets that are open now.", ("protocol",)),
    Family(
        "pounce_websocket_messages",
        "counter",
        "Messages of WebSockets, counted when these end, by direction: received or sent.",
        ("direction",),
    ),
    Family(
        "pounce_websocket_bytes",
        "counter",
        "Bytes of the messages of WebSockets, counted when these end, by direction: received or sent.",
        ("direction",),
        "bytes",
    ),
    # What was refused
    Family("pounce_limits_hit", "counter", "What was refused because of a limit, by its setting.", ("limit",)),
    Family("pounce_floods_refused", "counter", "Floods of frames that ended their connection.", ("kind",)),
    Family("pounce_client_timeouts", "counter", "Clients that were too slow, by the timeout's setting.", ("timeout",)),
    Family(
        "pounce_stream_resets", "counter", "Streams that were reset, by whom: client or server.", ("protocol", "by")
    ),
    Family("pounce_rate_limited_requests", "counter", "Requests that were answered 429 by the rate limit."),
    # The request queue
    Family("pounce_queue_requests", "gauge", "Requests that wait for a place in the application."),
    Family("pounce_queue_places", "gauge", "Requests that may be in the application at once."),
    Family("pounce_queue_places_used", "gauge", "Requests that have a place in the application."),
    Family(
        "pounce_queue_wait_seconds",
        "summary",
        "Time that requests waited for a place, of those that had to wait, whatever became of them.",
        (),
        "seconds",
    ),
    Family("pounce_queue_refused", "counter", "Requests that got no place: full, expired or gone.", ("reason",)),
    # Workers
    Family("pounce_workers", "gauge", "Workers that serve."),
    Family("pounce_worker_restarts", "counter", "Workers that were replaced because they died or stalled."),
    Family(
        "pounce_worker_heartbeat_age_seconds",
        "gauge",
        "Time since the loop of a worker was last seen to turn.",
        ("worker",),
        "seconds",
        "worker",
    ),
    Family(
        "pounce_event_loop_lag_seconds",
        "gauge",
        "How long a loop was away from waiting for its next event, when last looked at.",
        ("worker", "loop"),
        "seconds",
        "worker",
    ),
    Family(
        "pounce_event_loop_worst_lag_seconds",
        "gauge",
        "The longest such time within the last minute.",
        ("worker", "loop"),
        "seconds",
        "worker",
    ),
    Family("pounce_gc_pause_seconds", "histogram", "Time of garbage collections.", ("generation",), "seconds"),
    Family(
        "pounce_reload_generation", "gauge", "How often the code was loaded: 1 until the first reload.", (), "", "max"
    ),
    # The server
    Family("pounce_access_log_lines_dropped", "counter", "Lines of the access log that could not be written."),
    Family(
        "pounce_build_info",
        "gauge",
        "1, with what serves: version, Python, and the state of its GIL (on, off).",
        ("version", "python", "implementation", "gil"),
        "",
        "any",
    ),
    Family(
        "pounce_metrics_late_processes", "gauge", "Processes whose numbers here are not of now: they did not answer."
    ),
)

CATALOGUE: Final = {family.name: family for family in _FAMILIES}
"""By name, without ``_total``, in the order in which they are shown."""

_BY_SAMPLE: Final = {sample: family for family in _FAMILIES for sample in family.samples}


def family_of_sample(name: str) -> Family:
    """The metric that a value belongs to; ``name`` as it is shown, such as ``pounce_rate_limited_requests_total``.

    Raises:
        KeyError: there is none.
    """
    return _BY_SAMPLE[name]
