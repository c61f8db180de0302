"""What a connection of a QUIC library tells ``QuicEngine``, in the order in which it happened.

Plain tuples whose first item is the kind, apart from bytes, which come most often and are joined as they come.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

__all__ = ["HANDSHAKE", "RESET", "STOPPED", "Happened", "Received", "add_bytes"]

RESET: Final = 1
STOPPED: Final = 2
HANDSHAKE: Final = 3


class Received:
    """Bytes of a stream, from one or several packets."""

    __slots__ = ("chunks", "ended", "stream_id")

    def __init__(self, stream_id: int, data: bytes, ended: bool) -> None:
        self.stream_id = stream_id
        self.chunks = [data]
        self.ended = ended
        """Whether they are the last."""

    @property
    def data(self) -> bytes:
        chunks = self.chunks
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


Happened: TypeAlias = (
    Received
    | tuple[Literal[1], int, int]  # stream, code of RESET_STREAM
    | tuple[Literal[2], int, int]  # stream, code of STOP_SENDING
    | tuple[Literal[3]]
)


def add_bytes(happened: list[Happened], stream_id: int, data: bytes, ended: bool) -> None:
    """Bytes of a stream arrived; if those before were of the same one, they are told together."""
    last = happened[-1] if happened else None
    if type(last) is Received and last.stream_id == stream_id:
        last.chunks.append(data)
        last.ended = ended
    else:
        happened.append(Received(stream_id, data, ended))
