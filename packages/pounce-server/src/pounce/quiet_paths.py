"""Requests that are in no access log: questions about health come every second, and say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import ServerConfig

__all__ = ["quiet_paths"]


def quiet_paths(config: ServerConfig) -> frozenset[bytes]:
    """Their paths as clients send them: directly, or through a proxy that leaves the root path in."""
    roots = ("", config.exchange.root_path.rstrip("/"))
    quiet: set[str] = set()
    health: Any = config.health
    if getattr(health, "health_checks", False) and not health.health_access_log:
        quiet |= {root + path for root in roots for path in (health.health_check_path, health.ready_check_path)}
    if config.prometheus.metrics and config.prometheus.metrics_bind is None:
        quiet.add(config.prometheus.metrics_path)  # whoever reads them comes directly
    return frozenset(path.encode() for path in quiet)
