"""Logging of a server that owns its process.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_observability.logging_setup.json_format import JsonFormatter
    from pounce_observability.logging_setup.log_context import RequestIdContext, current_request_id, enter_worker
    from pounce_observability.logging_setup.open_files import flush_logs, reopen_log_files
    from pounce_observability.logging_setup.set_up import set_up_logging
    from pounce_observability.logging_setup.settings import LoggingSettings
    from pounce_observability.logging_setup.text_format import TextFormatter

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

_HOMES: Final = {
    ".json_format": ("JsonFormatter",),
    ".log_context": ("RequestIdContext", "current_request_id", "enter_worker"),
    ".open_files": ("flush_logs", "reopen_log_files"),
    ".set_up": ("set_up_logging",),
    ".settings": ("LoggingSettings",),
    ".text_format": ("TextFormatter",),
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
