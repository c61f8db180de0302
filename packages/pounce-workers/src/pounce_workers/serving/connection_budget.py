"""How many connections a server may have, shared by its workers in one process."""

from __future__ import annotations

import threading
from typing import Final

__all__ = ["TOO_MANY_CONNECTIONS", "ConnectionBudget"]

TOO_MANY_CONNECTIONS: Final = "the server has too many connections"
"""What a client is told whose connection found no place."""


class ConnectionBudget:
    """Places for connections. Used from any thread, once for each connection and never for a request."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()  # guards the number
        self._taken = 0
        self._moving: set[int] = set()
        """Descriptors of connections that have a place and are between two workers. One that is closed there leaves
        its place to the next connection that the system gives the same descriptor."""

    def take(self, fd: int = -1) -> bool:
        """Take a place for the connection on this descriptor, or that which it brings; False if none is left."""
        with self._lock:
            if fd in self._moving:
                self._moving.discard(fd)
                return True
            if self._taken >= self.limit:
                return False
            self._taken += 1
            return True

    def keep(self, fd: int) -> None:
        """The connection on this descriptor has a place, and goes to another worker with it."""
        with self._lock:
            self._moving.add(fd)

    def give_back(self) -> None:
        """A connection that had a place is gone."""
        with self._lock:
            self._taken -= 1
