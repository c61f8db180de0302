"""Introspection: what a running server is doing, for its operator alone.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_observability.introspection.address import ServerAddress
    from pounce_observability.introspection.app import IntrospectionApp
    from pounce_observability.introspection.listeners import listeners_for_worker
    from pounce_observability.introspection.settings import IntrospectionSettings
    from pounce_observability.introspection.socket_folder import (
        default_address,
        default_socket_path,
        prepare_run_directory,
        run_directory,
    )

__all__ = [
    "IntrospectionApp",
    "IntrospectionSettings",
    "ServerAddress",
    "default_address",
    "default_socket_path",
    "listeners_for_worker",
    "prepare_run_directory",
    "run_directory",
]

_HOMES: Final = {
    ".address": ("ServerAddress",),
    ".app": ("IntrospectionApp",),
    ".listeners": ("listeners_for_worker",),
    ".settings": ("IntrospectionSettings",),
    ".socket_folder": ("default_address", "default_socket_path", "prepare_run_directory", "run_directory"),
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
