"""OpenTelemetry's API as the middleware needs it; the only module that imports it.

All of it may be called from any thread: tracers and instruments of the API are made for that.
"""

from __future__ import annotations

import importlib.metadata
import time
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import INVALID_SPAN, SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import Span, TracerProvider

__all__ = [
    "Context",
    "HttpInstruments",
    "Telemetry",
    "attach",
    "current_server_span",
    "detach",
    "mark_failed",
    "meter_provider_if_set",
    "tracer_provider_if_set",
    "use_meter_provider",
    "use_tracer_provider",
]

use_tracer_provider = trace.set_tracer_provider
use_meter_provider = metrics.set_meter_provider

SCOPE_NAME: Final = "pounce_observability"
SCHEMA: Final = "https://opentelemetry.io/schemas/1.38.0"

# "HTTP metrics", http.server.request.duration: the boundaries that the convention advises, in seconds.
_DURATIONS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
# For sizes it advises none, and those of the SDK end at 10,000 bytes, which is a small page.
_SIZES: Final = (0, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864)


class _HeaderGetter(Getter[Any]):
    """Reads the fields of an ASGI scope, whose names are in lower case."""

    def get(self, carrier: Sequence[tuple[bytes, bytes]], key: str) -> list[str] | None:
        name = key.lower().encode("latin-1")
        found = [value.decode("latin-1") for field, value in carrier if field == name]
        return found or None

    def keys(self, carrier: Iterable[tuple[bytes, bytes]]) -> list[str]:
        return [field.decode("latin-1") for field, _ in carrier]


_GETTER: Final = _HeaderGetter()


class HttpInstruments:
    """The metrics of an HTTP server by the conventions ("HTTP metrics", HTTP server)."""

    __slots__ = ("active", "duration", "request_size", "response_size")

    def __init__(self, meter: Meter) -> None:
        self.active = meter.create_up_down_counter(
            "http.server.active_requests", unit="{request}", description="Number of active HTTP server requests."
        )
        self.duration = meter.create_histogram(
            "http.server.request.duration",
            unit="s",
            description="Duration of HTTP server requests.",
            explicit_bucket_boundaries_advisory=_DURATIONS,
        )
        self.request_size = meter.create_histogram(
            "http.server.request.body.size",
            unit="By",
            description="Size of HTTP server request bodies.",
            explicit_bucket_boundaries_advisory=_SIZES,
        )
        self.response_size = meter.create_histogram(
            "http.server.response.body.size",
            unit="By",
            description="Size of HTTP server response bodies.",
            explicit_bucket_boundaries_advisory=_SIZES,
        )


class Telemetry:
    """A tracer, and the instruments if metrics are wanted. Immutable after its creation: threads share it."""

    __slots__ = ("instruments", "tracer")

    def __init__(
        self,
        *,
        measures: bool,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        """Without providers those of the process, also when they are set only later."""
        version = importlib.metadata.version("pounce-observability")
        self.tracer = trace.get_tracer(SCOPE_NAME, version, tracer_provider, SCHEMA)
        self.instruments = (
            HttpInstruments(metrics.get_meter(SCOPE_NAME, version, meter_provider, SCHEMA)) if measures else None
        )

    def start_server_span(
        self, name: str, headers: Sequence[tuple[bytes, bytes]], attributes: Mapping[str, Any]
    ) -> tuple[Span, Context]:
        """The span of a request, child of the span that its fields name, and the context in which it is current."""
        # Whatever is current here belongs to who started the server, not to the request.
        parent = propagate.extract(headers, Context(), _GETTER)
        span = self.tracer.start_span(name, parent, SpanKind.SERVER, attributes)
        return span, trace.set_span_in_context(span, parent)

    def record_wait(self, span: Span, name: str, waited: int) -> None:
        """A part of a request's time, until now, in which nothing was done for it; in nanoseconds.

        It is a span below the request's, where a waterfall shows it, and the request's span links to it.
        """
        if not span.is_recording():
            return
        seconds = waited / 1e9
        now = time.time_ns()
        wait = self.tracer.start_span(name, trace.set_span_in_context(span, Context()), start_time=now - waited)
        wait.end(now)
        span.add_link(wait.get_span_context(), {"pounce.queue.duration": seconds})
        span.set_attribute("pounce.queue.duration", seconds)


def current_server_span() -> Span | None:
    """The span that another instrumentation has made of this very request; None when there is none.

    One that is not sampled does not tell its kind: then any that is current counts, as nothing below it is sampled.
    """
    span = trace.get_current_span()
    if span is INVALID_SPAN or not span.get_span_context().is_valid:
        return None
    if span.is_recording() and getattr(span, "kind", None) is not SpanKind.SERVER:
        return None
    return span


def mark_failed(span: Span, error_type: str, error: BaseException | None = None) -> None:
    """The server is to blame ("HTTP spans", Status): 5xx, or an exception."""
    span.set_attribute("error.type", error_type)
    if error is None:
        span.set_status(Status(StatusCode.ERROR))
    else:
        span.record_exception(error, escaped=True)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


def tracer_provider_if_set() -> TracerProvider | None:
    """The provider of the process; None while the program has set none, nor a variable has named one."""
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else provider


def meter_provider_if_set() -> MeterProvider | None:
    """As `tracer_provider_if_set`, for metrics."""
    provider = metrics.get_meter_provider()
    # The class of what stands in for a provider that is not set yet is public for traces only.
    return None if type(provider).__name__ == "_ProxyMeterProvider" else provider
