"""The access log: a line for each request.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_observability.access_log.access_log import AccessLog, opened_access_log
    from pounce_observability.access_log.settings import AccessLogSettings

__all__ = ["AccessLog", "AccessLogSettings", "opened_access_log"]

_HOMES: Final = {
    ".access_log": ("AccessLog", "opened_access_log"),
    ".settings": ("AccessLogSettings",),
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
