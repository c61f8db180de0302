"""The access log: a line for each request."""

from __future__ import annotations

from .access_log import AccessLog, opened_access_log
from .settings import AccessLogSettings

__all__ = ["AccessLog", "AccessLogSettings", "opened_access_log"]
