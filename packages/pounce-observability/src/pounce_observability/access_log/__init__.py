"""The access log: a line for each request."""

from __future__ import annotations

from .settings import AccessLogSettings

__all__ = ["AccessLogSettings"]
