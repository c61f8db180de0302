"""What is used of ``sentry-sdk``; the only module that imports it.

One of the names is not public: a processor that is there for all clients of a process, and for all scopes, is what
Sentry's own integrations are made of, and there is no other way to it.
"""

from __future__ import annotations

import sentry_sdk
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware
from sentry_sdk.scope import add_global_event_processor
from sentry_sdk.scrubber import DEFAULT_DENYLIST

__all__ = [
    "DEFAULT_DENYLIST",
    "SentryAsgiMiddleware",
    "SentryWsgiMiddleware",
    "add_global_event_processor",
    "sentry_sdk",
]
