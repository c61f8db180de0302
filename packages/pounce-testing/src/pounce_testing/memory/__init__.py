"""The server's own protocol stack without sockets, and clients for it."""

from __future__ import annotations

from pounce_testing.memory.async_client import AsyncInMemoryClient
from pounce_testing.memory.client import InMemoryClient
from pounce_testing.memory.link import MemoryConnection
from pounce_testing.memory.transport import MemoryTransport

__all__ = ["AsyncInMemoryClient", "InMemoryClient", "MemoryConnection", "MemoryTransport"]
