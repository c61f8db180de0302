"""Reports of failures to Sentry, where they are on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import contextlib

    from .config import ServerConfig

__all__ = ["FLUSH_SECONDS", "begin_error_reports"]

FLUSH_SECONDS: Final = 5.0
"""For what waits to be sent at the end: a collector that is down must not hold the stop for long."""


def begin_error_reports(config: ServerConfig, stack: contextlib.ExitStack, worker_id: int | None = None) -> None:
    """Set up Sentry, before the application is imported: its integrations change frameworks as these are imported.

    Raises:
        ConfigError: it cannot be set up.
    """
    if config.sentry.sentry_dsn is not None:
        from pounce_observability.sentry import start_sentry

        reporting = start_sentry(config.sentry, worker_id=worker_id)
        stack.callback(reporting.shutdown, FLUSH_SECONDS)
