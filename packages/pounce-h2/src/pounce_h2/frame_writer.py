"""Frames as bytes (RFC 9113, 4.1 and 6). Each function gives whole frames."""

from __future__ import annotations

from struct import Struct
from typing import Final

from pounce_h2.frame_reader import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
)

__all__ = [
    "SETTINGS_ACK",
    "body_header",
    "goaway_frame",
    "head_frames",
    "ping_frame",
    "promise_frames",
    "reset_frame",
    "window_frame",
]

_pack: Final = Struct(">HBBBL").pack
_word: Final = Struct(">L").pack
_pack_word: Final = Struct(">HBBBLL").pack

SETTINGS_ACK: Final = _pack(0, 0, SETTINGS, ACK, 0)


def body_header(size: int, stream_id: int, *, end: bool) -> bytes:
    """What comes before ``size`` bytes of body."""
    return _pack(size >> 8, size & 0xFF, DATA, END_STREAM if end else 0, stream_id)


def head_frames(stream_id: int, block: bytes, most: int, *, end: bool) -> bytes:
    """A block of fields, in as many frames as it takes."""
    flags = END_STREAM if end else 0
    size = len(block)
    if size <= most:
        return _pack(size >> 8, size & 0xFF, HEADERS, flags | END_HEADERS, stream_id) + block
    return _in_pieces(HEADERS, flags, stream_id, block, most)


def promise_frames(stream_id: int, promised: int, block: bytes, most: int) -> bytes:
    """The promise of a stream, by fields of a request."""
    return _in_pieces(PUSH_PROMISE, 0, stream_id, _word(promised) + block, most)


def _in_pieces(kind: int, flags: int, stream_id: int, payload: bytes, most: int) -> bytes:
    frames = []
    for start in range(0, len(payload), most):
        piece = payload[start : start + most]
        if start + most >= len(payload):
            flags |= END_HEADERS
        frames += [_pack(len(piece) >> 8, len(piece) & 0xFF, kind, flags, stream_id), piece]
        kind, flags = CONTINUATION, 0
    return b"".join(frames)


def reset_frame(stream_id: int, code: int) -> bytes:
    """RST_STREAM."""
    return _pack_word(0, 4, RST_STREAM, 0, stream_id, code)


def window_frame(stream_id: int, increment: int) -> bytes:
    """WINDOW_UPDATE, of the connection where the stream is 0."""
    return _pack_word(0, 4, WINDOW_UPDATE, 0, stream_id, increment)


def ping_frame(payload: bytes, *, ack: bool) -> bytes:
    """PING, or the answer to one."""
    return _pack(0, 8, PING, ACK if ack else 0, 0) + payload


def goaway_frame(last_stream_id: int, code: int, detail: bytes) -> bytes:
    """GOAWAY."""
    size = 8 + len(detail)
    return _pack(size >> 8, size & 0xFF, GOAWAY, 0, 0) + _word(last_stream_id) + _word(code) + detail
