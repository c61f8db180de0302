"""The Pounce ASGI server: pure Python, made for free-threaded CPython.

What is named here is imported when it is first used. So the command is running, and can be interrupted without a
traceback, before the time begins in which all of the server is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce.addresses import Address, BindError
    from pounce.config import ServerConfig
    from pounce.server import Server, run
    from pounce.sources import LoadedConfig, Origin, load_config
    from pounce_asgi import AppImportError, ConfigError, LifespanError, Listeners, PounceError

__all__ = [
    "Address",
    "AppImportError",
    "BindError",
    "ConfigError",
    "LifespanError",
    "Listeners",
    "LoadedConfig",
    "Origin",
    "PounceError",
    "Server",
    "ServerConfig",
    "load_config",
    "run",
]

_HOMES: Final = {
    ".addresses": ("Address", "BindError"),
    ".config": ("ServerConfig",),
    ".server": ("Server", "run"),
    ".sources": ("LoadedConfig", "Origin", "load_config"),
    "pounce_asgi": ("AppImportError", "ConfigError", "LifespanError", "Listeners", "PounceError"),
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
