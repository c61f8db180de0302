"""How far a WebSocket's conversation is.

HANDSHAKE -> OPEN -> CLOSING -> CLOSED      we say goodbye first
             OPEN -> ANSWERING -> CLOSED    the client does, or breaks a rule
             OPEN -> CLOSED                 it vanishes
"""

from __future__ import annotations

import enum
from typing import Final

__all__ = ["ANSWERING", "CLOSED", "CLOSING", "HANDSHAKE", "OPEN", "Phase"]


class Phase(enum.Enum):
    """How far a conversation is."""

    HANDSHAKE = "handshake"
    OPEN = "open"
    CLOSING = "closing"
    """Our goodbye is out, the client's is awaited."""
    ANSWERING = "answering"
    """The client has said goodbye, or broken a rule; the application may have messages to take before the answer."""
    CLOSED = "closed"


# A member of an enum is looked up anew each time it is named; a constant of the module is not.
HANDSHAKE: Final = Phase.HANDSHAKE
OPEN: Final = Phase.OPEN
CLOSING: Final = Phase.CLOSING
ANSWERING: Final = Phase.ANSWERING
CLOSED: Final = Phase.CLOSED
