"""What can be set about traces. Where they are sent is set by OpenTelemetry's own ``OTEL_*`` variables."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["TracingSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingSettings:
    """Whether requests are traced, and which.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    otel: bool = field(
        default=False,
        metadata={
            "help": "Make an OpenTelemetry span of every request. A tracer provider that the application sets is used;"
            " without one the OTEL_* variables say where spans and metrics go.",
            "group": "OpenTelemetry",
        },
    )
    otel_service_name: str | None = field(
        default=None,
        metadata={
            "help": "Name of this service in traces and metrics; it wins over OTEL_SERVICE_NAME.",
            "group": "OpenTelemetry",
        },
    )
    otel_exclude: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Paths that are neither traced nor measured: /health is this one alone, /static/* all that are"
            " below it. Repeatable.",
            "group": "OpenTelemetry",
            "metavar": "PATH",
        },
    )
    otel_metrics: bool = field(
        default=True,
        metadata={
            "help": "With --otel: measure requests by OpenTelemetry's http.server.* metrics too.",
            "group": "OpenTelemetry",
        },
    )

    def __post_init__(self) -> None:
        if self.otel_service_name is not None and not self.otel_service_name.strip():
            raise ValueError("otel_service_name: it is empty")
        for path in self.otel_exclude:
            if not path.startswith("/") or "*" in path[:-1]:
                raise ValueError(f"otel_exclude: {path!r} is not a path such as /health or /static/*")
