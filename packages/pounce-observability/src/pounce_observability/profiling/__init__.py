"""Where time goes: the phases of single requests, and the stacks of all threads.

What is heavy is imported when it is first asked for: the settings are read at every start.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from .settings import ProfilingSettings

if TYPE_CHECKING:
    from .endpoint import ProfileEndpoint
    from .request_profile import RequestProfile
    from .request_profiler import RequestProfiler, request_sampler
    from .thread_profiler import ThreadProfiler

__all__ = [
    "ProfileEndpoint",
    "ProfilingSettings",
    "RequestProfile",
    "RequestProfiler",
    "ThreadProfiler",
    "request_sampler",
]

_HOMES: Final = {
    "ProfileEndpoint": "endpoint",
    "RequestProfile": "request_profile",
    "RequestProfiler": "request_profiler",
    "ThreadProfiler": "thread_profiler",
    "request_sampler": "request_profiler",
}


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(importlib.import_module(f".{home}", __name__), name)
