"""Sentry's client of a process: the program's, else one made of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_asgi import ConfigError
from pounce_observability.sentry.sdk import sentry_sdk

if TYPE_CHECKING:
    from pounce_observability.sentry.settings import SentrySettings

__all__ = ["SentryReporting", "start_sentry"]


class SentryReporting:
    """Reports of a process. Immutable; `shutdown` may be called from any thread."""

    __slots__ = ("configured",)

    def __init__(self, *, configured: bool) -> None:
        self.configured = configured
        """Whether Sentry has been set up here; False when the program has done it already, or nobody asked for it."""

    def shutdown(self, timeout: float) -> None:
        """Send what has not been sent yet, for so many seconds at most. The client stays in use for the process."""
        sentry_sdk.flush(timeout=timeout)


def start_sentry(settings: SentrySettings, *, worker_id: int | None = None) -> SentryReporting:
    """Set Sentry up, unless the program has. Call it before the application is imported: Sentry's integrations change
    frameworks, and routes that are made earlier escape some of it. An application that calls ``sentry_sdk.init`` then
    replaces this set-up by its own.

    ``worker_id`` is for worker processes, whose events are marked with it.

    Raises:
        ConfigError: Sentry refuses the settings.
    """
    if settings.sentry_dsn is None or sentry_sdk.is_initialized():
        return SentryReporting(configured=False)
    given = {
        "environment": settings.sentry_environment,
        "release": settings.sentry_release,
        "traces_sample_rate": settings.sentry_traces_sample_rate,
    }
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        sentry_sdk.init(dsn=settings.sentry_dsn, **options)
    except ValueError:  # BadDsn is one; it shows the DSN, which is a secret
        raise ConfigError("sentry_dsn: Sentry refuses it") from None
    if worker_id is not None:
        sentry_sdk.get_global_scope().set_tag("pounce.worker.id", str(worker_id))
    return SentryReporting(configured=True)
