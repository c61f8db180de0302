"""OpenTelemetry: a span of every request, and metrics, by the stable conventions for HTTP.

Importing this imports nothing of OpenTelemetry: that happens with the first use of one of the names below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_observability.tracing.settings import TracingSettings

if TYPE_CHECKING:
    from pounce_observability.tracing.middleware import TracingMiddleware
    from pounce_observability.tracing.pipeline import TracingPipeline, start_tracing
    from pounce_observability.tracing.queue_time import QueueEntryMiddleware, QueueExitMiddleware

__all__ = [
    "QueueEntryMiddleware",
    "QueueExitMiddleware",
    "TracingMiddleware",
    "TracingPipeline",
    "TracingSettings",
    "start_tracing",
]

_HOMES = {
    "QueueEntryMiddleware": "queue_time",
    "QueueExitMiddleware": "queue_time",
    "TracingMiddleware": "middleware",
    "TracingPipeline": "pipeline",
    "start_tracing": "pipeline",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
