"""Warnings that help: what holds event loops, which tasks leak, and which limits clients meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_observability.advice.settings import AdviceSettings

if TYPE_CHECKING:
    from pounce_observability.advice.advice import Advice
    from pounce_observability.advice.contracts import LoopLag

__all__ = ["Advice", "AdviceSettings", "LoopLag"]

_HOMES = {"Advice": "advice", "LoopLag": "contracts"}


def __getattr__(name: str) -> Any:
    """The settings are read at each start; the rest is imported when it is used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
