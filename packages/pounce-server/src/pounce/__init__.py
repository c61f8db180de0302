"""The Pounce ASGI server: pure Python, made for free-threaded CPython.

What is named here is imported when it is first used. So the command is running, and can be interrupted without a
traceback, before the half second begins in which all of the server is imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_asgi import AppImportError, ConfigError, LifespanError, Listeners, PounceError

    from .addresses import Address, BindError
    from .config import ServerConfig
    from .server import Server, run
    from .sources import LoadedConfig, Origin, load_config

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
    "Address": ".addresses",
    "BindError": ".addresses",
    "ServerConfig": ".config",
    "Server": ".server",
    "run": ".server",
    "LoadedConfig": ".sources",
    "Origin": ".sources",
    "load_config": ".sources",
}
"""Where the names are defined that are not ``pounce_asgi``'s."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES.get(name, "pounce_asgi"), __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
