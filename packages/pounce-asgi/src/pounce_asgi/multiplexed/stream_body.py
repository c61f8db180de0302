"""The body of one request: what the application takes of it, the client may send anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_asgi.request_body import RequestBody

if TYPE_CHECKING:
    from pounce_asgi.multiplexed.stream import MultiplexedStream

__all__ = ["StreamBody"]

PIECES: Final = 256
SMALL: Final = 1024
"""So many pieces that are smaller than this on average become one."""


class StreamBody(RequestBody):
    """A `RequestBody` that tells its stream what was taken out, which grants the client that much (RFC 9113, 5.2;
    RFC 9000, 4.1).
    """

    __slots__ = ("stream",)

    def __init__(self, stream: MultiplexedStream) -> None:
        super().__init__()
        self.stream: MultiplexedStream | None = stream
        """None once the stream is over: there is nothing to grant then."""

    def feed(self, data: bytes) -> bool:
        """Add a chunk. True when so much waits that reading should pause."""
        full = super().feed(data)
        chunks = self._chunks
        if len(chunks) >= PIECES and self.waiting - len(chunks[0]) < SMALL * len(chunks):
            # Frames of a few bytes each would take many times the memory that their windows allow.
            chunks[:] = [b"".join(chunks)]
        return full

    def take(self) -> bytes:
        """All bytes that wait, as one piece."""
        data = super().take()
        if data and self.stream is not None:
            self.stream.body_taken(len(data))
        return data

    def discard(self) -> None:
        """Forget what waits."""
        size = self.waiting
        super().discard()
        if size and self.stream is not None:
            self.stream.body_taken(size)
