"""Introspection: what a running server is doing, for its operator alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_observability.introspection.settings import IntrospectionSettings

if TYPE_CHECKING:
    from pounce_observability.introspection.address import ServerAddress
    from pounce_observability.introspection.app import IntrospectionApp
    from pounce_observability.introspection.listeners import listeners_for_worker
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

_HOMES = {
    "IntrospectionApp": "app",
    "ServerAddress": "address",
    "listeners_for_worker": "listeners",
    "default_address": "socket_folder",
    "default_socket_path": "socket_folder",
    "prepare_run_directory": "socket_folder",
    "run_directory": "socket_folder",
}


def __getattr__(name: str) -> Any:
    """All but the settings are imported when they are used (PEP 562): a server that is not asked needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
