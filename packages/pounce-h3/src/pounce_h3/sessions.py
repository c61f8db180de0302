"""TLS sessions that clients may take up again (RFC 8446, 2.2), and with them early data."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Final

__all__ = ["QuicSessions"]

MOST: Final = 4096
"""Tickets that are kept: about 2 kB each, so 8 MB. The oldest goes when one more comes."""


class QuicSessions:
    """Tickets that were given out. Shared by the workers of a process; other processes do not know them, and a client
    that comes to one of those makes a full handshake.

    A ticket is good for one connection: clients should not use one twice, as that lets others link their connections
    (RFC 8446, C.4), and early data that somebody has recorded cannot be played again to this process (RFC 8446, 8.1).
    """

    def __init__(self, most: int = MOST) -> None:
        if most < 0:
            raise ValueError(f"most: {most!r} is below 0 tickets")
        self._most = most
        # Under _lock. A ticket is what the engine made of it and nobody else looks into it; all connections of one
        # server have the same engine.
        self._tickets: OrderedDict[bytes, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._tickets)

    def add(self, name: bytes, ticket: object) -> None:
        """Keep what belongs to the ticket that a client has got under this name."""
        with self._lock:
            self._tickets[name] = ticket
            while len(self._tickets) > self._most:
                self._tickets.popitem(last=False)

    def take(self, name: bytes) -> Any | None:
        """What belongs to the ticket that a client shows; None when it is unknown, too old or was shown before."""
        with self._lock:
            return self._tickets.pop(name, None)
