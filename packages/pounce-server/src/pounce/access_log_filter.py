"""Requests that are in no access log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import ResponseCompleted

    from .config import ServerConfig

__all__ = ["without_health"]


def without_health(log: Callable[[ResponseCompleted], object], config: ServerConfig) -> Callable[..., object]:
    """``log``, except that questions about health are left out: they come every second, and say nothing."""
    health: Any = config.health
    if not getattr(health, "health_checks", False) or health.health_access_log:
        return log
    roots = ("", config.exchange.root_path.rstrip("/"))  # a probe comes directly, or through the proxy
    paths = {(root + path).encode() for root in roots for path in (health.health_check_path, health.ready_check_path)}

    def log_others(record: ResponseCompleted) -> None:
        if record.raw_path not in paths:
            log(record)

    return log_others
