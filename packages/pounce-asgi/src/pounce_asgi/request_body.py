"""The body of a request on its way to the application: chunks wait here, and so do the application's ``receive()``s.

It knows neither sockets nor the wire: the exchange puts chunks in and says when to stop, the application takes out.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BODY_BUFFER", "RequestBody"]

BODY_BUFFER: Final = 65536
"""Bytes that may wait for the application before the socket is no longer read: one full read of a socket."""


class RequestBody:
    """Chunks that the application has not taken yet. Owned by the worker's thread."""

    __slots__ = ("_chunks", "complete", "failed", "received", "waiting")

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self.waiting = 0
        """Bytes received and not taken."""
        self.received = 0
        """Bytes received in all."""
        self.complete = False
        """The client has sent all of it."""
        self.failed = False
        """It ended before it was complete, or broke a rule: it must never look whole."""

    def feed(self, data: bytes) -> bool:
        """Add a chunk. True when so much waits that reading should pause."""
        self._chunks.append(data)
        size = len(data)
        self.received += size
        self.waiting += size
        return self.waiting >= BODY_BUFFER

    def take(self) -> bytes:
        """All bytes that wait, as one piece."""
        chunks = self._chunks
        if not chunks:
            return b""
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self.waiting = 0
        return data

    def discard(self) -> None:
        """Forget what waits: nobody will take it."""
        self._chunks.clear()
        self.waiting = 0
