"""Where spans and metrics of a process go: to the providers that the program has set, else to ours.

Ours are set up from the ``OTEL_*`` variables, most of which the SDK reads itself. They export in threads of their own
from a queue of bounded length, so a collector that is slow or down takes spans away, never time from a request.

The only module that imports the SDK and its exporters.
"""

from __future__ import annotations

import importlib.metadata
import os
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from pounce_asgi import ConfigError
from pounce_observability.tracing.repetition_filter import RepetitionFilter
from pounce_observability.tracing.telemetry import (
    meter_provider_if_set,
    tracer_provider_if_set,
    use_meter_provider,
    use_tracer_provider,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pounce_observability.tracing.settings import TracingSettings

__all__ = ["TracingPipeline", "start_tracing"]

_PROTOCOLS: Final = {"http/protobuf": "otlp_proto_http", "http/json": "otlp_json_http", "grpc": "otlp_proto_grpc"}
"""The exporters by their entry points; the first is what the extra installs."""

_INSTANCE: Final = str(uuid.uuid4())
"""This process, as all its providers call it."""

_SDK_LOGGERS: Final = (
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.sdk.metrics._internal.export",
)


class TracingPipeline:
    """The providers of a process. Immutable; `shutdown` may be called from any thread."""

    __slots__ = ("_providers", "configured")

    def __init__(self, providers: tuple[Any, ...], *, configured: tuple[str, ...]) -> None:
        self._providers = providers
        self.configured = configured
        """What has been set up here, of "traces" and "metrics"; the rest is the program's or switched off."""

    def shutdown(self, timeout: float) -> bool:
        """Send what has not been sent yet; whether it was sent within so many seconds. It never takes longer.

        The providers stay in use: they are the process's, in which another server may start, and OpenTelemetry lets
        nobody replace them. Their threads do not keep the process from ending.
        """
        deadline = time.monotonic() + timeout
        flushes = [_Flush(provider, timeout) for provider in self._providers if hasattr(provider, "force_flush")]
        for flush in flushes:
            flush.start()
        for flush in flushes:
            flush.join(max(0.0, deadline - time.monotonic()))
        return all(flush.succeeded for flush in flushes)


class _Flush(threading.Thread):
    """A thread, because the SDK does not keep to the time that it is given."""

    def __init__(self, provider: Any, timeout: float) -> None:
        super().__init__(name="pounce-otel-flush", daemon=True)
        self._provider = provider
        self._timeout = timeout
        self.succeeded = False  # written by this thread before it ends

    def run(self) -> None:
        self.succeeded = bool(self._provider.force_flush(int(self._timeout * 1000)))


def start_tracing(settings: TracingSettings, environ: Mapping[str, str] | None = None) -> TracingPipeline:
    """Set up what the program has not. Call it once the application is imported, which may have set providers.

    Raises:
        ConfigError: an exporter that is asked for by a variable is not installed, or a variable cannot be read.
    """
    environ = os.environ if environ is None else environ
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return TracingPipeline((), configured=())
    configured = []
    traces = tracer_provider_if_set()
    if traces is None and (exporter := _exporter("traces", environ)) is not None:
        traces = _own(lambda: _tracer_provider(settings, exporter))
        use_tracer_provider(traces)
        configured.append("traces")
    meters = meter_provider_if_set()
    if meters is None and settings.otel_metrics and (measured := _exporter("metrics", environ)) is not None:
        meters = _own(lambda: _meter_provider(settings, measured))
        use_meter_provider(meters)
        configured.append("metrics")
    return TracingPipeline(tuple(one for one in (traces, meters) if one is not None), configured=tuple(configured))


def _tracer_provider(settings: TracingSettings, exporter: Any) -> TracerProvider:
    # At the exit of the process the SDK would wait for its collector for up to half a minute: we end it ourselves.
    provider = TracerProvider(resource=_resource(settings), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter()))
    return provider


def _meter_provider(settings: TracingSettings, exporter: Any) -> MeterProvider:
    reader = PeriodicExportingMetricReader(exporter())
    return MeterProvider([reader], resource=_resource(settings), shutdown_on_exit=False)


def _resource(settings: TracingSettings) -> Resource:
    """What the variables say, and an id for each process, which newer versions of the SDK give themselves."""
    attributes: dict[str, str | int] = {"process.pid": os.getpid()}
    if settings.otel_service_name is not None:
        attributes["service.name"] = settings.otel_service_name
    resource = Resource.create(attributes)
    if "service.instance.id" in resource.attributes:
        return resource
    return resource.merge(Resource({"service.instance.id": _INSTANCE}))


def _own(make: Callable[[], Any]) -> Any:
    """Make a provider; its complaints about a collector that cannot be reached are said once a minute."""
    try:
        provider = make()
    except ValueError as error:  # a variable that the SDK reads
        raise ConfigError(f"OpenTelemetry cannot be set up: {error}") from error
    RepetitionFilter.add_to(_SDK_LOGGERS)
    return provider


def _exporter(signal: str, environ: Mapping[str, str]) -> Callable[[], Any] | None:
    """The class of the exporter that OTEL_{TRACES,METRICS}_EXPORTER names; None for none."""
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    name = environ.get(variable, "").strip() or "otlp"
    if name == "none":
        return None
    if name == "otlp":
        protocol = (
            environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
            or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
            or "http/protobuf"
        )
        name = _PROTOCOLS.get(protocol, protocol)
    group = f"opentelemetry_{signal}_exporter"
    for entry in importlib.metadata.entry_points(group=group, name=name):
        try:
            found: Callable[[], Any] = entry.load()
        except ImportError as error:
            raise ConfigError(f"{variable}: the exporter {name} cannot be imported: {error}") from error
        RepetitionFilter.add_to((found.__module__,))
        return found
    raise ConfigError(f"{variable}: there is no exporter {name!r} for {signal}; is its package installed?")
