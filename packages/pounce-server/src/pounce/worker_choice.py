"""What the configuration means for the choice between threads and processes, and what that choice leaves unused."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from .reload_obstacles import obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_workers import Decision

    from .config import ServerConfig

__all__ = ["reloadable", "without_effect"]


def reloadable(config: ServerConfig, decision: Decision) -> Decision:
    """Processes, where new code is to be loaded and what the application is made of allows that in a new one only."""
    if config.reloading.reload and config.worker_kind == "auto" and isinstance(config.app, str) and obstacle():
        reason = "new code of Django applications is loaded by new processes"
        return dataclasses.replace(decision, kind="process", reason=reason)
    return decision


def without_effect(config: ServerConfig, decision: Decision) -> Iterator[str]:
    """What was set and cannot work with these workers."""
    if config.worker.workers_max_rss is not None and decision.kind == "thread":
        yield (
            "workers_max_rss has no effect on worker threads, whose memory is one; use --worker-kind process, or let "
            "the service manager or the container limit the memory of the server"
        )
    yield from _without_their_switch(config)
    if config.profiling.profile and (config.worker_mode == "sync" or config.interface in ("wsgi", "sync")):
        yield "profile has no effect where a worker has a thread for each request: their phases are not measured"


def _without_their_switch(config: ServerConfig) -> Iterator[str]:
    """Places that nobody listens on."""
    if config.prometheus.metrics_bind is not None and not config.prometheus.metrics:
        yield "metrics_bind has no effect without metrics"
    if config.inspection.introspection_bind is not None and not config.inspection.introspection:
        yield "introspection_bind has no effect without introspection"
