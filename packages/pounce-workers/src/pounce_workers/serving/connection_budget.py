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

    def take(self) -> bool:
        """Take a place. False when none is left."""
        with self._lock:
            if self._taken >= self.limit:
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        """A connection that had a place is gone."""
        with self._lock:
            self._taken -= 1
