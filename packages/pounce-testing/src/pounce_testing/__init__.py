"""Test applications on a real Pounce server: TestServer, TestProxy, InMemoryClient, and fixtures for pytest.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_testing.certificate import ThrowAwayCertificate, throw_away_certificate
    from pounce_testing.client import RawClient, Response, ResponseError
    from pounce_testing.faults import Fault
    from pounce_testing.matrix import ASGI_VARIANTS, PROTOCOLS, SHARING_VARIANTS, VARIANTS, WORKER_KINDS, Twins, Variant
    from pounce_testing.memory import AsyncInMemoryClient, InMemoryClient
    from pounce_testing.proxied_connection import ConnectionRecord
    from pounce_testing.proxy import TestProxy
    from pounce_testing.server import TestServer

__all__ = [
    "ASGI_VARIANTS",
    "PROTOCOLS",
    "SHARING_VARIANTS",
    "VARIANTS",
    "WORKER_KINDS",
    "AsyncInMemoryClient",
    "ConnectionRecord",
    "Fault",
    "InMemoryClient",
    "RawClient",
    "Response",
    "ResponseError",
    "TestProxy",
    "TestServer",
    "ThrowAwayCertificate",
    "Twins",
    "Variant",
    "throw_away_certificate",
]

_HOMES: Final = {
    ".certificate": ("ThrowAwayCertificate", "throw_away_certificate"),
    ".client": ("RawClient", "Response", "ResponseError"),
    ".faults": ("Fault",),
    ".matrix": ("ASGI_VARIANTS", "PROTOCOLS", "SHARING_VARIANTS", "Twins", "VARIANTS", "Variant", "WORKER_KINDS"),
    ".memory": ("AsyncInMemoryClient", "InMemoryClient"),
    ".proxied_connection": ("ConnectionRecord",),
    ".proxy": ("TestProxy",),
    ".server": ("TestServer",),
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
