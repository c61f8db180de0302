"""Warnings that help: what holds event loops, which tasks leak, and which limits clients meet.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_observability.advice.advice import Advice
    from pounce_observability.advice.contracts import LoopLag
    from pounce_observability.advice.settings import AdviceSettings

__all__ = ["Advice", "AdviceSettings", "LoopLag"]

_HOMES: Final = {
    ".advice": ("Advice",),
    ".contracts": ("LoopLag",),
    ".settings": ("AdviceSettings",),
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
