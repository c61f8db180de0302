"""Stateless resets: how a client learns that nobody knows its connection any more (RFC 9000, 10.3)."""

from __future__ import annotations

import hmac
import os
from typing import Final

__all__ = ["ResetBudget", "ResetTokens"]

TOKEN_SIZE: Final = 16
SMALLEST_RESET: Final = 21
"""Bytes: below them it could not be taken for a packet (RFC 9000, 10.3)."""
USUAL_SIZE: Final = 43
"""Bytes of a reset, so that it does not stand out; what is shorter is answered by one byte less."""
RESETS_PER_SECOND: Final = 100.0
"""Of one worker. Enough for the clients of a worker that died to notice within seconds; little to reflect."""


class ResetTokens:
    """The token of each connection ID, and the datagram that shows it. Immutable: used by every worker with the key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, connection_id: bytes) -> bytes:
        """What a client is told together with the ID, and recognises a reset by."""
        return hmac.digest(self._key, connection_id, "sha256")[:TOKEN_SIZE]

    def reset(self, connection_id: bytes, size: int) -> bytes | None:
        """The answer to a datagram of this size: always a smaller one, so that two servers that answer each other come
        to an end (RFC 9000, 10.3.3). None if it would be too small.
        """
        length = min(size - 1, USUAL_SIZE)
        if length < SMALLEST_RESET:
            return None
        noise = bytearray(os.urandom(length - TOKEN_SIZE))
        noise[0] = 0x40 | noise[0] & 0x3F  # looks like a packet with a short header
        return bytes(noise) + self.token(connection_id)


class ResetBudget:
    """How many resets may be sent: a second's worth at once. Owned by one endpoint."""

    __slots__ = ("_left", "_paid", "_rate")

    def __init__(self, now: float, rate: float = RESETS_PER_SECOND) -> None:
        """``rate`` is in resets a second."""
        self._rate = rate
        self._left = rate
        self._paid = now

    def take(self, now: float) -> bool:
        """Whether another one may be sent now."""
        self._left = min(self._rate, self._left + max(now - self._paid, 0.0) * self._rate)
        self._paid = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
