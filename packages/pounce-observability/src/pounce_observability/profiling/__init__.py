"""Where time goes: the phases of single requests, and the stacks of all threads.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_observability.profiling.endpoint import ProfileEndpoint
    from pounce_observability.profiling.request_profile import RequestProfile
    from pounce_observability.profiling.request_profiler import RequestProfiler, request_sampler
    from pounce_observability.profiling.settings import ProfilingSettings
    from pounce_observability.profiling.thread_profiler import ThreadProfiler

__all__ = [
    "ProfileEndpoint",
    "ProfilingSettings",
    "RequestProfile",
    "RequestProfiler",
    "ThreadProfiler",
    "request_sampler",
]

_HOMES: Final = {
    ".endpoint": ("ProfileEndpoint",),
    ".request_profile": ("RequestProfile",),
    ".request_profiler": ("RequestProfiler", "request_sampler"),
    ".settings": ("ProfilingSettings",),
    ".thread_profiler": ("ThreadProfiler",),
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
