"""Pages that show exceptions, for development.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_middleware.error_page.middleware import ErrorPageMiddleware
    from pounce_middleware.error_page.settings import ErrorPageSettings

__all__ = ["ErrorPageMiddleware", "ErrorPageSettings"]

_HOMES: Final = {
    ".middleware": ("ErrorPageMiddleware",),
    ".settings": ("ErrorPageSettings",),
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
