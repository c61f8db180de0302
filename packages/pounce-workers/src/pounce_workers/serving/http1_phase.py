"""Where an HTTP/1.1 connection is between its requests and their answers.

IDLE -> BODY -> RESPONDING -> IDLE     the usual way; a request without a body skips BODY
        BODY -> DRAINING -> IDLE       answered before the body was read
IDLE -> BEHIND -> IDLE                 a client sent so many requests ahead that others have their turn first
any  -> CLOSED                         our last byte is written
"""

from __future__ import annotations

import enum
from typing import Final

__all__ = ["BEHIND", "BODY", "CLOSED", "DRAINING", "IDLE", "RESPONDING", "Phase"]


class Phase(enum.Enum):
    """Where a connection is."""

    IDLE = "idle"
    """Between requests, or receiving a head."""
    BODY = "body"
    """A request is being answered and its body is still arriving."""
    RESPONDING = "responding"
    """A request has arrived whole and is being answered."""
    DRAINING = "draining"
    """The answer is out, the body is not in: it is read and dropped."""
    BEHIND = "behind"
    """Between requests. The next has come, and waits until others had their turn."""
    CLOSED = "closed"
    """Nothing more will be read as HTTP or written."""


# A member of an enum is looked up anew each time it is named; a constant of the module is not.
IDLE: Final = Phase.IDLE
BODY: Final = Phase.BODY
RESPONDING: Final = Phase.RESPONDING
DRAINING: Final = Phase.DRAINING
BEHIND: Final = Phase.BEHIND
CLOSED: Final = Phase.CLOSED
