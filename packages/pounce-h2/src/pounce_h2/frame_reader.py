"""Bytes into frames, and what can be said against one before its meaning is looked at (RFC 9113, 4, 6 and 6.10).

A block of fields that comes in several frames is handed on as one. What is kept of a client that takes its time is at
most one frame and one block. Hot path.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from pounce_h2.errors import FRAME_SIZE_ERROR, ConnectionFault, Flood

__all__ = [
    "ACK",
    "CONTINUATION",
    "DATA",
    "END_HEADERS",
    "END_STREAM",
    "GOAWAY",
    "HEADERS",
    "PADDED",
    "PING",
    "PREFACE",
    "PRIORITY",
    "PRIORITY_FLAG",
    "PRIORITY_UPDATE",
    "PUSH_PROMISE",
    "RST_STREAM",
    "SETTINGS",
    "WINDOW_UPDATE",
    "Frame",
    "FrameReader",
]

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA: Final = 0x0
HEADERS: Final = 0x1
PRIORITY: Final = 0x2
RST_STREAM: Final = 0x3
SETTINGS: Final = 0x4
PUSH_PROMISE: Final = 0x5
PING: Final = 0x6
GOAWAY: Final = 0x7
WINDOW_UPDATE: Final = 0x8
CONTINUATION: Final = 0x9
PRIORITY_UPDATE: Final = 0x10

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITY_FLAG: Final = 0x20

_HEADER: Final = Struct(">HBBBL")
_STREAM_BITS: Final = 2**31 - 1

MAX_PIECES: Final = 64
"""Frames of one block of fields. At the least frame size they hold 1 MiB, far more than any limit of fields allows."""

_LENGTHS: Final = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_OF_STREAMS: Final = frozenset({DATA, HEADERS, PRIORITY, RST_STREAM, CONTINUATION})
_OF_CONNECTION: Final = frozenset({SETTINGS, PING, GOAWAY, PRIORITY_UPDATE})

Frame = tuple[int, int, int, bytes, int]
"""Type, flags, stream, payload without padding, and its size with it."""


class FrameReader:
    """What came of one client and is no frame yet."""

    __slots__ = (
        "_block",
        "_block_flags",
        "_block_size",
        "_block_stream",
        "_data",
        "_held",
        "_max_block",
        "_max_frame",
        "_needed",
        "_position",
        "_preface",
        "_settings_seen",
    )

    def __init__(self, max_frame: int, max_block: int) -> None:
        """``max_block``: bytes of a block of fields, as it is sent."""
        self._max_frame = max_frame
        self._max_block = max_block
        self._data = b""
        self._position = 0
        self._held = bytearray()
        """The beginning of a frame, of which so many bytes are needed."""
        self._needed = 0
        self._preface = PREFACE
        """What is to come before the first frame."""
        self._settings_seen = False
        self._block: list[bytes] | None = None
        self._block_flags = self._block_stream = self._block_size = 0

    @property
    def unfinished(self) -> int | None:
        """See `pounce_h2.engine.Engine.unfinished`."""
        if self._block is not None or (self._preface and self._preface is not PREFACE):
            return 0
        held = self._held
        if len(held) < 9:
            return 0 if held else None
        return int.from_bytes(held[5:9], "big") & _STREAM_BITS if held[3] == DATA else 0

    @property
    def unread(self) -> bool:
        """Something of what came has not been looked at by `next_frame`."""
        return self._position < len(self._data)

    def receive_data(self, data: bytes) -> None:
        """Bytes arrived. Raises ConnectionFault for a wrong preface (RFC 9113, 3.4)."""
        if self._preface:
            data = self._skip_preface(data)
        if self._position < len(self._data):
            if not data:
                return
            data = self._data[self._position :] + data
        held = self._held
        if held:
            held += data
            if len(held) < self._needed:
                return
            data = bytes(held)
            held.clear()
        self._data = data
        self._position = 0

    def _skip_preface(self, data: bytes) -> bytes:
        expected = self._preface[: len(data)]
        if not data.startswith(expected):
            raise ConnectionFault("the preface of HTTP/2 is not right")
        self._preface = self._preface[len(expected) :]
        return data[len(expected) :]

    def next_frame(self) -> Frame | None:
        """The next frame, a block of fields counting as one; None until more arrives.

        Raises:
            ConnectionFault: it cannot be taken.
        """
        while True:
            data, position = self._data, self._position
            available = len(data) - position
            if available < 9:
                self._hold(9)
                return None
            high, low, kind, flags, stream_id = _HEADER.unpack_from(data, position)
            length = high << 8 | low
            stream_id &= _STREAM_BITS
            self._judge(kind, flags, stream_id, length)
            end = position + 9 + length
            if available < 9 + length:
                self._hold(9 + length)
                return None
            self._position = end
            payload = data[position + 9 : end]
            if kind == HEADERS or kind == DATA:  # noqa: SIM109 - no tuple is made for each frame
                payload = _without_padding(payload, flags)
            if (kind == HEADERS and flags & END_HEADERS) or (kind != HEADERS and kind != CONTINUATION):
                return kind, flags, stream_id, payload, length
            if self._gather(kind, flags, stream_id, payload):
                return self._whole_block()

    def _hold(self, needed: int) -> None:
        """Keep the beginning of a frame, and nothing else of what came."""
        if self._position < len(self._data):
            self._held += memoryview(self._data)[self._position :]
            self._needed = needed
        self._data = b""
        self._position = 0

    def _judge(self, kind: int, flags: int, stream_id: int, length: int) -> None:
        """What the header of a frame alone can say against it. It may be asked more than once."""
        if not self._settings_seen:
            if kind != SETTINGS or flags & ACK:
                raise ConnectionFault("the preface is not followed by SETTINGS")
            self._settings_seen = True
        if length > self._max_frame:
            raise ConnectionFault(f"a frame of {length} bytes; {self._max_frame} are allowed", FRAME_SIZE_ERROR)
        if self._block is not None:
            if kind != CONTINUATION or stream_id != self._block_stream:
                raise ConnectionFault("a block of header fields was interrupted")
        elif kind == CONTINUATION:
            raise ConnectionFault("CONTINUATION without a block of header fields before it")
        if kind == DATA or kind == HEADERS:  # noqa: SIM109 - no tuple is made for each frame
            if not stream_id:
                raise ConnectionFault("a frame of a stream, without a stream")
        elif kind <= PRIORITY_UPDATE:
            _judge_other(kind, flags, stream_id, length)

    def _gather(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bool:
        """A piece of a block of fields. True when it was the last."""
        if kind == HEADERS:
            self._block, self._block_flags, self._block_stream, self._block_size = [], flags, stream_id, 0
        block = self._block
        assert block is not None
        block.append(payload)
        self._block_size += len(payload)
        if self._block_size > self._max_block or len(block) > MAX_PIECES:
            raise Flood("a block of header fields has no end", kind="header_block")
        return bool(flags & END_HEADERS)

    def _whole_block(self) -> Frame:
        block, self._block = self._block or [], None
        return HEADERS, self._block_flags, self._block_stream, b"".join(block), self._block_size


def _judge_other(kind: int, flags: int, stream_id: int, length: int) -> None:
    """All but DATA and HEADERS: whether stream and length are what they have to be."""
    if kind in _OF_STREAMS and not stream_id:
        raise ConnectionFault("a frame of a stream, without a stream")
    if kind in _OF_CONNECTION and stream_id:
        raise ConnectionFault("a frame of the connection, on a stream")
    wanted = _LENGTHS.get(kind, length)
    if kind == SETTINGS and (length % 6 or (flags & ACK and length)):
        wanted = -1
    if length != wanted or (kind == GOAWAY and length < 8) or (kind == PRIORITY_UPDATE and length < 4):
        raise ConnectionFault(f"a frame of type {kind:#x} cannot have {length} bytes", FRAME_SIZE_ERROR)


def _without_padding(payload: bytes, flags: int) -> bytes:
    """The payload of DATA or HEADERS (RFC 9113, 6.1 and 6.2)."""
    if not flags & (PADDED | PRIORITY_FLAG):
        return payload
    start = padding = 0
    if flags & PADDED:
        if not payload:
            raise ConnectionFault("padding without a length", FRAME_SIZE_ERROR)
        start, padding = 1, payload[0]
        if padding >= len(payload):
            raise ConnectionFault("more padding than there is payload")
    return payload[start : len(payload) - padding]
