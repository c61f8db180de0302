"""Sentry: failures of the application, with the data of their requests.

Importing this imports nothing of Sentry: that happens with the first use of one of the names below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_observability.sentry.settings import SentrySettings

if TYPE_CHECKING:
    from pounce_observability.sentry.client import SentryReporting, start_sentry
    from pounce_observability.sentry.middleware import SentryMiddleware, reporting_wsgi

__all__ = ["SentryMiddleware", "SentryReporting", "SentrySettings", "reporting_wsgi", "start_sentry"]

_HOMES = {
    "SentryMiddleware": "middleware",
    "SentryReporting": "client",
    "reporting_wsgi": "middleware",
    "start_sentry": "client",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
