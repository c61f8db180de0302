"""OpenTelemetry: a span of every request, and metrics, by the stable conventions for HTTP.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_observability.tracing.middleware import TracingMiddleware
    from pounce_observability.tracing.pipeline import TracingPipeline, start_tracing
    from pounce_observability.tracing.queue_time import QueueEntryMiddleware, QueueExitMiddleware
    from pounce_observability.tracing.settings import TracingSettings

__all__ = [
    "QueueEntryMiddleware",
    "QueueExitMiddleware",
    "TracingMiddleware",
    "TracingPipeline",
    "TracingSettings",
    "start_tracing",
]

_HOMES: Final = {
    ".middleware": ("TracingMiddleware",),
    ".pipeline": ("TracingPipeline", "start_tracing"),
    ".queue_time": ("QueueEntryMiddleware", "QueueExitMiddleware"),
    ".settings": ("TracingSettings",),
}
"""Module -> what is defined there."""

if not TYPE_CHECKING:  # a type checker knows the imports above, and thereby what there is not

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                globals()[name] = found = getattr(import_module(home, __name__), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
