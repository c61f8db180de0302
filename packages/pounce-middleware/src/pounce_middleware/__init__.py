"""Plain ASGI middleware for production."""

from __future__ import annotations

from pounce_middleware.adaptive_limit import AdaptiveLimit
from pounce_middleware.allowed_hosts import AllowedHostsMiddleware, AllowedHostsSettings
from pounce_middleware.answer import Answer
from pounce_middleware.client_gone import ClientGoneMiddleware, ClientGoneSettings
from pounce_middleware.cors import CorsSettings, cors_middleware
from pounce_middleware.error_page import ErrorPageMiddleware, ErrorPageSettings
from pounce_middleware.health import HealthMiddleware, HealthSettings, ServerHealth
from pounce_middleware.health_registry import CheckResult, HealthRegistry, health_checks
from pounce_middleware.hooks import HookedRequest, HookedResponse, HookSettings, HooksMiddleware
from pounce_middleware.load_shedder import LoadShedder
from pounce_middleware.load_shedding import LoadSheddingMiddleware, load_shedder
from pounce_middleware.load_shedding_settings import LoadSheddingSettings
from pounce_middleware.proxy_headers import ProxyHeadersMiddleware
from pounce_middleware.proxy_settings import ProxyHeaderSettings
from pounce_middleware.rate import Rate, parse_rate
from pounce_middleware.rate_limit import RateLimiter, RateLimitMiddleware
from pounce_middleware.rate_limit_settings import RateLimitSettings
from pounce_middleware.rate_limit_store import Decision, MemoryRateStore, RateStore
from pounce_middleware.request_id import RequestIdMiddleware, RequestIdSettings
from pounce_middleware.request_timeout import RequestTimeoutMiddleware, RequestTimeoutSettings, ResponseTimeout
from pounce_middleware.security_headers import SecurityHeadersMiddleware, SecurityHeadersSettings
from pounce_middleware.server_timing import (
    ApplicationTimingMiddleware,
    ServerTiming,
    ServerTimingMiddleware,
    ServerTimingSettings,
)
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
