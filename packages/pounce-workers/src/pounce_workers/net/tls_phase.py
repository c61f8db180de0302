"""How far a TLS connection has come."""

from __future__ import annotations

import enum

__all__ = ["TlsPhase"]


class TlsPhase(enum.Enum):
    GREETING = "greeting"
    """Nothing has come."""
    HANDSHAKE = "handshake"
    OPEN = "open"
    ENDED = "ended"
    """The client sends no more, and may still read."""
    FAILED = "failed"
    CLEARTEXT = "cleartext"
    """The client does not speak TLS but HTTP, and can be told so."""
