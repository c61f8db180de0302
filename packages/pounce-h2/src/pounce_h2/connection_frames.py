"""The frames that are about the connection and not about streams' states: what any engine does with them.

PING, GOAWAY, PRIORITY_UPDATE and frames that a client may not send (RFC 9113, 6; RFC 9218, 7).
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from pounce_h2.errors import FRAME_SIZE_ERROR, ConnectionFault
from pounce_h2.frame_reader import ACK
from pounce_h2.frame_writer import goaway_frame, ping_frame

if TYPE_CHECKING:
    from pounce_h2.engine import EngineUser

__all__ = ["LARGEST", "ConnectionFrames", "without_priority", "word_of"]

LARGEST: Final = 2**31 - 1
"""Of windows and of streams."""
OUR_PING: Final = b"pounce\x00\x00"

_word: Final = Struct(">L").unpack_from


def word_of(payload: bytes) -> int:
    """The number in the first four bytes, without the reserved bit."""
    number: int = _word(payload)[0]
    return number & LARGEST


def without_priority(stream_id: int, payload: bytes) -> bytes:
    """A block of fields without the priority before it: the tree of RFC 7540 is gone (RFC 9113, 5.3.2)."""
    if len(payload) < 5:
        raise ConnectionFault("HEADERS with less than a priority", FRAME_SIZE_ERROR)
    if word_of(payload) == stream_id:
        raise ConnectionFault(f"stream {stream_id} depends on itself")
    return payload[5:]


class ConnectionFrames:
    """A part of an `Engine`: it answers, tells the user, and keeps what goes out."""

    def __init__(self, user: EngineUser) -> None:
        self.user = user
        self._out: list[bytes] = []

    # -- in: flags, stream, payload, size ----------------------------------------------------------------------------

    def _on_ping(self, flags: int, _stream_id: int, payload: bytes, _size: int) -> None:
        self.user.chore(1)
        if not flags & ACK:
            self._out.append(ping_frame(payload, ack=True))
        elif payload == OUR_PING:
            self.user.ping_acknowledged()

    def _on_goaway(self, _flags: int, _stream_id: int, _payload: bytes, _size: int) -> None:
        self.user.chore(10)
        self.user.goaway_received()

    def _on_priority(self, _flags: int, stream_id: int, payload: bytes, _size: int) -> None:
        """Deprecated (RFC 9113, 5.3.2); nothing is left but to see that it is one."""
        self.user.chore(1)
        if word_of(payload) == stream_id:
            raise ConnectionFault(f"stream {stream_id} depends on itself")

    def _on_priority_update(self, _flags: int, _stream_id: int, payload: bytes, _size: int) -> None:
        self.user.chore(1)
        stream_id = word_of(payload)
        if not stream_id:
            raise ConnectionFault("PRIORITY_UPDATE for stream 0")
        self.user.priority_updated(stream_id, payload[4:])

    def _on_push(self, _flags: int, _stream_id: int, _payload: bytes, _size: int) -> None:
        raise ConnectionFault("a client cannot promise streams")

    # -- out ---------------------------------------------------------------------------------------------------------

    def ping(self) -> None:
        """See `pounce_h2.engine.Engine`."""
        self._out.append(ping_frame(OUR_PING, ack=False))

    def goaway(self, last_stream_id: int, code: int, detail: bytes = b"") -> None:
        """See `pounce_h2.engine.Engine`."""
        self._out.append(goaway_frame(last_stream_id, code, detail))

    def data_to_send(self) -> list[bytes]:
        """See `pounce_h2.engine.Engine`."""
        out, self._out = self._out, []
        return out
