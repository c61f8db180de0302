"""The settings of packages that are extras: theirs where they are installed, else none, and what to install."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .features import COMPRESSION, DEBUG, MIDDLEWARE, REDIS, STARLETTE

if TYPE_CHECKING or COMPRESSION.installed:
    from pounce_compression import CompressionSettings
else:

    @dataclass(frozen=True, slots=True, kw_only=True)
    class CompressionSettings:
        """Not installed."""


if TYPE_CHECKING or MIDDLEWARE.installed:
    from pounce_middleware import (
        AllowedHostsSettings,
        ClientGoneSettings,
        CorsSettings,
        HealthSettings,
        HookSettings,
        LoadSheddingSettings,
        ProxyHeaderSettings,
        RateLimitSettings,
        RequestIdSettings,
        RequestTimeoutSettings,
        SecurityHeadersSettings,
        ServerTimingSettings,
    )
    from pounce_middleware.error_page import ErrorPageSettings
    from pounce_middleware.static import StaticSettings
else:

    @dataclass(frozen=True, slots=True, kw_only=True)
    class _NotInstalled:
        """No settings."""

    AllowedHostsSettings = CorsSettings = HookSettings = LoadSheddingSettings = _NotInstalled
    ProxyHeaderSettings = RateLimitSettings = RequestIdSettings = SecurityHeadersSettings = _NotInstalled
    ServerTimingSettings = StaticSettings = RequestTimeoutSettings = ClientGoneSettings = _NotInstalled
    HealthSettings = ErrorPageSettings = _NotInstalled

__all__ = [
    "AllowedHostsSettings",
    "ClientGoneSettings",
    "CompressionSettings",
    "CorsSettings",
    "ErrorPageSettings",
    "HealthSettings",
    "HookSettings",
    "LoadSheddingSettings",
    "ProxyHeaderSettings",
    "RateLimitSettings",
    "RequestIdSettings",
    "RequestTimeoutSettings",
    "SecurityHeadersSettings",
    "ServerTimingSettings",
    "StaticSettings",
    "extra_of",
]

_BEGINNINGS: Final = {
    "compress": COMPRESSION,
    "static": MIDDLEWARE,
    **dict.fromkeys(
        (
            "allowed_hosts",
            "cancel_on_disconnect",
            "cors_",
            "debug",
            "forwarded_",
            "health_",
            "on_re",
            "proxy_headers",
            "rate_limit",
            "ready_",
            "request_id_",
            "request_queue",
            "request_timeout",
            "security_",
            "server_timing",
        ),
        MIDDLEWARE,
    ),
}
"""How the names of settings begin that an extra brings."""

_WITH_MORE: Final = {"cors_": STARLETTE, "debug": DEBUG, "rate_limit_store": REDIS}
"""Which of them want, or are better with, an extra that brings the middleware and something else: one step, not two."""


def extra_of(name: str) -> str:
    """``"; it needs ..."`` for a name that would be a setting if an extra were installed; else nothing."""
    written = name.replace("-", "_")
    for beginning, feature in _BEGINNINGS.items():
        if written.startswith(beginning) and not feature.installed:
            wanted = next((more for start, more in _WITH_MORE.items() if written.startswith(start)), feature)
            return f"; it needs a package that is not installed: {wanted.how_to_install}"
    return ""
