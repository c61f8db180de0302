"""Requests that are in no access log: questions about health come every second, and say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import ServerConfig

__all__ = ["quiet_paths"]


def quiet_paths(config: ServerConfig) -> frozenset[bytes]:
    """Their paths as clients send them: directly, or through a proxy that leaves the root path in."""
    paths: list[str] = []
    health: Any = config.health
    if getattr(health, "health_checks", False) and not health.health_access_log:
        paths += [health.health_check_path, health.ready_check_path]
    if config.prometheus.metrics and config.prometheus.metrics_bind is None:
        paths.append(config.prometheus.metrics_path)
    roots = ("", config.exchange.root_path.rstrip("/"))
    return frozenset((root + path).encode() for root in roots for path in paths)
