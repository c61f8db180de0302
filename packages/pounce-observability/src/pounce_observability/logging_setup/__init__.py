"""Logging of a server that owns its process."""

from __future__ import annotations

from .json_format import JsonFormatter
from .log_context import RequestIdContext, current_request_id, enter_worker
from .open_files import flush_logs, reopen_log_files
from .set_up import set_up_logging
from .settings import LoggingSettings
from .text_format import TextFormatter

__all__ = [
    "JsonFormatter",
    "LoggingSettings",
    "RequestIdContext",
    "TextFormatter",
    "current_request_id",
    "enter_worker",
    "flush_logs",
    "reopen_log_files",
    "set_up_logging",
]
