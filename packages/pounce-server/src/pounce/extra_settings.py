"""The settings of packages that are extras: theirs where they are installed, else none, and what to install."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .features import COMPRESSION, MIDDLEWARE

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


def extra_of(name: str) -> str:
    """``"; it needs ..."`` for a name that would be a setting if an extra were installed; else nothing."""
    for beginning, feature in _BEGINNINGS.items():
        if name.replace("-", "_").startswith(beginning) and not feature.installed:
            return f"; it needs a package that is not installed: {feature.how_to_install}"
    return ""
