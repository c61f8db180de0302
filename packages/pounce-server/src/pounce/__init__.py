"""The Pounce ASGI server: pure Python, made for free-threaded CPython."""

from __future__ import annotations

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
