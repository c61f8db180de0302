"""Bytes of one stream become frames: incrementally, and never keeping more than a bound (RFC 9114, 7.1). Hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_h3.errors import H3_FRAME_UNEXPECTED, ConnectionFault
from pounce_h3.frames import Handling
from pounce_h3.varint import maybe_varint

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PASSED", "PASSED_BYTES", "TOO_LARGE", "FrameReader"]

PASSED: Final = -1
"""Stands for the type of a frame that is unknown: its payload is passed over. Said once more for every `PASSED_BYTES`
of what is passed over: a single frame can go on for ever.
"""
PASSED_BYTES: Final = 1024
"""Frames of unknown types that clients do send, to keep servers used to them (RFC 9114, 7.2.8), are far smaller."""
TOO_LARGE: Final = -2
"""Stands for the type of a frame that is larger than the bound: its payload is passed over as well."""


class FrameReader:
    """The frames of one stream. What is handed out no longer counts; the rest is in ``kept``."""

    __slots__ = ("_bound", "_buffer", "_frame", "_left", "_passed", "_passing", "_table")

    def __init__(self, table: Mapping[int, Handling], bound: int) -> None:
        """``table``: what is done with which type; ``bound``: bytes of a payload that is kept until it is whole."""
        self._table = table
        self._bound = bound
        self._buffer = bytearray()
        self._frame = 0
        self._left = -1
        """Bytes of the frame that are still to come; -1 between two."""
        self._passing = False
        self._passed = 0
        """Bytes that were passed over since that was said last."""

    @property
    def kept(self) -> int:
        """Bytes that came and were not handed out."""
        return len(self._buffer)

    @property
    def unfinished(self) -> bool:
        """A frame has begun and is not complete."""
        return self._left > 0 or bool(self._buffer)

    def receive_data(self, data: bytes) -> None:
        """Add bytes of the stream."""
        self._buffer += data

    def next_frame(self) -> tuple[int, bytes] | None:
        """Type and payload of the next frame, or of a piece of one; None when more bytes are needed first.

        Raises:
            ConnectionFault: a type that may not come here (RFC 9114, 7.2).
        """
        while True:
            if self._left < 0:
                begun = self._begin()
                if begun is not None:
                    return begun
                if self._left < 0:
                    return None
            buffer, left = self._buffer, self._left
            if self._passing:
                if left and not buffer:
                    return None
                if self._pass(min(left, len(buffer), PASSED_BYTES - self._passed)):
                    return PASSED, b""
                continue
            if self._table[self._frame] is Handling.WHOLE:
                if len(buffer) < left:
                    return None
                return self._take(left)
            if not buffer and left:
                return None
            return self._take(min(left, len(buffer)))

    def _pass(self, size: int) -> bool:
        """Drop bytes of the payload. Whether that is to be said."""
        del self._buffer[:size]
        self._left = self._left - size or -1
        self._passed += size
        if self._passed < PASSED_BYTES:
            return False
        self._passed = 0
        return True

    def _take(self, size: int) -> tuple[int, bytes]:
        buffer = self._buffer
        payload = bytes(buffer[:size])
        del buffer[:size]
        self._left -= size
        if not self._left:
            self._left = -1
        return self._frame, payload

    def _begin(self) -> tuple[int, bytes] | None:
        """Read a header, if it is there. What will be passed over is told at once."""
        kind = maybe_varint(self._buffer, 0)
        length = kind and maybe_varint(self._buffer, kind[1])
        if kind is None or length is None:
            return None
        self._frame, self._left = kind[0], length[0]
        del self._buffer[: length[1]]
        handling = self._table.get(self._frame)
        if handling is Handling.FORBIDDEN:
            raise ConnectionFault(f"a frame of type {self._frame:#x} on this stream", H3_FRAME_UNEXPECTED)
        self._passing = handling is None or (handling is Handling.WHOLE and self._left > self._bound)
        if self._passing:
            return (PASSED if handling is None else TOO_LARGE), b""
        return None
