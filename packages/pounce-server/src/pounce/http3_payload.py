"""What a worker process is told of HTTP/3."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Http3Payload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Http3Payload:
    """What a worker process is told; pickled."""

    secret: bytes
    """From which all keys of the server's QUIC are derived."""
    first: int
    """Index of the first UDP socket among those that are inherited; each worker has as many."""
    count: int
    reads: tuple[bool, ...]
    """For each worker whether it reads its sockets, or is given what others read."""
    folder: str
    """In which the processes find each other."""
