"""Plain ASGI middleware for production.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_middleware.adaptive_limit import AdaptiveLimit
    from pounce_middleware.allowed_hosts import AllowedHostsMiddleware
    from pounce_middleware.allowed_hosts_settings import AllowedHostsSettings
    from pounce_middleware.answer import Answer
    from pounce_middleware.client_gone import ClientGoneMiddleware
    from pounce_middleware.client_gone_settings import ClientGoneSettings
    from pounce_middleware.cors import cors_middleware
    from pounce_middleware.cors_settings import CorsSettings
    from pounce_middleware.error_page import ErrorPageMiddleware
    from pounce_middleware.error_page.settings import ErrorPageSettings
    from pounce_middleware.health import HealthMiddleware, ServerHealth
    from pounce_middleware.health_registry import CheckResult, HealthRegistry, health_checks
    from pounce_middleware.health_settings import HealthSettings
    from pounce_middleware.hook_settings import HookSettings
    from pounce_middleware.hooks import HookedRequest, HookedResponse, HooksMiddleware
    from pounce_middleware.load_shedding import LoadSheddingMiddleware, load_shedder
    from pounce_middleware.load_shedding_settings import LoadSheddingSettings
    from pounce_middleware.proxy_headers import ProxyHeadersMiddleware
    from pounce_middleware.proxy_settings import ProxyHeaderSettings
    from pounce_middleware.rate import Rate, parse_rate
    from pounce_middleware.rate_limit import RateLimiter, RateLimitMiddleware
    from pounce_middleware.rate_limit_settings import RateLimitSettings
    from pounce_middleware.rate_limit_store import Decision, MemoryRateStore, RateStore
    from pounce_middleware.request_id import RequestIdMiddleware
    from pounce_middleware.request_id_settings import RequestIdSettings
    from pounce_middleware.request_timeout import RequestTimeoutMiddleware, ResponseTimeout
    from pounce_middleware.request_timeout_settings import RequestTimeoutSettings
    from pounce_middleware.security_headers import SecurityHeadersMiddleware
    from pounce_middleware.security_headers_settings import SecurityHeadersSettings
    from pounce_middleware.server_timing import ApplicationTimingMiddleware, ServerTiming, ServerTimingMiddleware
    from pounce_middleware.server_timing_settings import ServerTimingSettings
    from pounce_middleware.shedder import LoadShedder
    from pounce_middleware.store_away import StoreAway
    from pounce_middleware.trusted_networks import TrustedNetworks

__all__ = [
    "AdaptiveLimit",
    "AllowedHostsMiddleware",
    "AllowedHostsSettings",
    "Answer",
    "ApplicationTimingMiddleware",
    "CheckResult",
    "ClientGoneMiddleware",
    "ClientGoneSettings",
    "CorsSettings",
    "Decision",
    "ErrorPageMiddleware",
    "ErrorPageSettings",
    "HealthMiddleware",
    "HealthRegistry",
    "HealthSettings",
    "HookSettings",
    "HookedRequest",
    "HookedResponse",
    "HooksMiddleware",
    "LoadShedder",
    "LoadSheddingMiddleware",
    "LoadSheddingSettings",
    "MemoryRateStore",
    "ProxyHeaderSettings",
    "ProxyHeadersMiddleware",
    "Rate",
    "RateLimitMiddleware",
    "RateLimitSettings",
    "RateLimiter",
    "RateStore",
    "RequestIdMiddleware",
    "RequestIdSettings",
    "RequestTimeoutMiddleware",
    "RequestTimeoutSettings",
    "ResponseTimeout",
    "SecurityHeadersMiddleware",
    "SecurityHeadersSettings",
    "ServerHealth",
    "ServerTiming",
    "ServerTimingMiddleware",
    "ServerTimingSettings",
    "StoreAway",
    "TrustedNetworks",
    "cors_middleware",
    "health_checks",
    "load_shedder",
    "parse_rate",
]

_HOMES: Final = {
    ".adaptive_limit": ("AdaptiveLimit",),
    ".allowed_hosts": ("AllowedHostsMiddleware",),
    ".allowed_hosts_settings": ("AllowedHostsSettings",),
    ".answer": ("Answer",),
    ".client_gone": ("ClientGoneMiddleware",),
    ".client_gone_settings": ("ClientGoneSettings",),
    ".cors": ("cors_middleware",),
    ".cors_settings": ("CorsSettings",),
    ".error_page": ("ErrorPageMiddleware",),
    ".error_page.settings": ("ErrorPageSettings",),
    ".health": ("HealthMiddleware", "ServerHealth"),
    ".health_registry": ("CheckResult", "HealthRegistry", "health_checks"),
    ".health_settings": ("HealthSettings",),
    ".hook_settings": ("HookSettings",),
    ".hooks": ("HookedRequest", "HookedResponse", "HooksMiddleware"),
    ".load_shedding": ("LoadSheddingMiddleware", "load_shedder"),
    ".load_shedding_settings": ("LoadSheddingSettings",),
    ".proxy_headers": ("ProxyHeadersMiddleware",),
    ".proxy_settings": ("ProxyHeaderSettings",),
    ".rate": ("Rate", "parse_rate"),
    ".rate_limit": ("RateLimitMiddleware", "RateLimiter"),
    ".rate_limit_settings": ("RateLimitSettings",),
    ".rate_limit_store": ("Decision", "MemoryRateStore", "RateStore"),
    ".request_id": ("RequestIdMiddleware",),
    ".request_id_settings": ("RequestIdSettings",),
    ".request_timeout": ("RequestTimeoutMiddleware", "ResponseTimeout"),
    ".request_timeout_settings": ("RequestTimeoutSettings",),
    ".security_headers": ("SecurityHeadersMiddleware",),
    ".security_headers_settings": ("SecurityHeadersSettings",),
    ".server_timing": ("ApplicationTimingMiddleware", "ServerTiming", "ServerTimingMiddleware"),
    ".server_timing_settings": ("ServerTimingSettings",),
    ".shedder": ("LoadShedder",),
    ".store_away": ("StoreAway",),
    ".trusted_networks": ("TrustedNetworks",),
}
"""Module -> what is defined there."""

if not TYPE_CHECKING:  # a type checker knows the imports above, and thereby what there is not

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                globals()[name] = found = getattr(import_module(home, __name__), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
