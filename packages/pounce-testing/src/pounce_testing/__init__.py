"""Test applications on a real Pounce server: TestServer and pytest fixtures.

The fixtures are in ``pounce_testing.fixtures``, which alone needs pytest.
"""

from __future__ import annotations

from pounce_testing.certificate import ThrowAwayCertificate, throw_away_certificate
from pounce_testing.client import RawClient, Response, ResponseError
from pounce_testing.faults import Fault
from pounce_testing.matrix import (
    ASGI_VARIANTS,
    PROTOCOLS,
    SHARING_VARIANTS,
    VARIANTS,
    WORKER_KINDS,
    Twins,
    Variant,
)
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
