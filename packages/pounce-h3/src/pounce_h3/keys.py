"""The secrets of a server, from which every worker of it derives the same tokens and IDs."""

from __future__ import annotations

import hmac
import secrets
from typing import Final, Self

__all__ = ["QuicKeys"]

SECRET_SIZE: Final = 32
"""Bytes: as many as SHA-256 gives."""


class QuicKeys:
    """One key for each use, derived from one secret. Immutable and shared.

    All workers must have the same secret: a token of one is checked by another, and a stateless reset is made by
    whoever meets a datagram that is nobody's. With one that outlives the server, in a file that only it can read,
    clients also learn at once of connections that ended with a crash.
    """

    __slots__ = ("connection_ids", "reset_tokens", "retry_tokens", "secret")

    def __init__(self, secret: bytes) -> None:
        """Raises ValueError for a secret below 32 bytes."""
        if len(secret) < SECRET_SIZE:
            raise ValueError(f"a secret of {len(secret)} bytes is too short; it needs {SECRET_SIZE}")
        self.secret = secret
        """What it was made of: goes to the processes of the server, and nowhere else."""
        self.connection_ids = _derived(secret, b"pounce quic connection ids")
        self.reset_tokens = _derived(secret, b"pounce quic stateless reset")
        self.retry_tokens = _derived(secret, b"pounce quic retry")

    @classmethod
    def new(cls) -> Self:
        """Keys of a new random secret."""
        return cls(secrets.token_bytes(SECRET_SIZE))


def _derived(secret: bytes, use: bytes) -> bytes:
    return hmac.digest(secret, use, "sha256")
