"""Plain ASGI middleware for production."""

from __future__ import annotations

from pounce_middleware.proxy_headers import ProxyHeadersMiddleware
from pounce_middleware.proxy_settings import ProxyHeaderSettings
from pounce_middleware.trusted_networks import TrustedNetworks

__all__ = [
    "ProxyHeaderSettings",
    "ProxyHeadersMiddleware",
    "TrustedNetworks",
]
