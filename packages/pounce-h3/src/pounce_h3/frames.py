"""Types of frames, and which of them may come on which stream (RFC 9114, 7.2; RFC 9218, 7.2)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from pounce_h3.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CANCEL_PUSH",
    "CONTROL_FRAMES",
    "DATA",
    "GOAWAY",
    "HEADERS",
    "MAX_PUSH_ID",
    "PRIORITY_UPDATE_PUSH",
    "PRIORITY_UPDATE_REQUEST",
    "PUSH_PROMISE",
    "REQUEST_FRAMES",
    "SETTINGS",
    "Handling",
    "data_header",
    "encode_frame",
]

DATA: Final = 0x00
HEADERS: Final = 0x01
CANCEL_PUSH: Final = 0x03
SETTINGS: Final = 0x04
PUSH_PROMISE: Final = 0x05
GOAWAY: Final = 0x07
MAX_PUSH_ID: Final = 0x0D
PRIORITY_UPDATE_REQUEST: Final = 0xF0700
PRIORITY_UPDATE_PUSH: Final = 0xF0701
OF_HTTP2: Final = (0x02, 0x06, 0x08, 0x09)
"""PRIORITY, PING, WINDOW_UPDATE and CONTINUATION, which HTTP/3 does not have (7.2.8)."""


class Handling(enum.Enum):
    """What is done with a frame of a type."""

    WHOLE = "whole"
    """It is kept until all of it is there, within a bound."""
    PIECES = "pieces"
    """It is handed on as it arrives."""
    FORBIDDEN = "forbidden"
    """It may not come on this stream: H3_FRAME_UNEXPECTED."""


def _table(whole: tuple[int, ...], pieces: tuple[int, ...], forbidden: tuple[int, ...]) -> Mapping[int, Handling]:
    return (
        dict.fromkeys(whole, Handling.WHOLE)
        | dict.fromkeys(pieces, Handling.PIECES)
        | dict.fromkeys((*forbidden, *OF_HTTP2), Handling.FORBIDDEN)
    )


_ABOUT_CONNECTIONS: Final = (SETTINGS, GOAWAY, MAX_PUSH_ID, CANCEL_PUSH, PRIORITY_UPDATE_REQUEST, PRIORITY_UPDATE_PUSH)

REQUEST_FRAMES: Final = _table((HEADERS,), (DATA,), (PUSH_PROMISE, *_ABOUT_CONNECTIONS))
"""On a stream with a request. Types that are not listed are passed over (RFC 9114, 9)."""
CONTROL_FRAMES: Final = _table(_ABOUT_CONNECTIONS, (), (PUSH_PROMISE, HEADERS, DATA))
"""On the control stream of a client."""


def encode_frame(kind: int, payload: bytes) -> bytes:
    """A whole frame (RFC 9114, 7.1)."""
    return encode_varint(kind) + encode_varint(len(payload)) + payload


def data_header(size: int) -> bytes:
    """What stands before so many bytes of body."""
    return b"\x00" + encode_varint(size)
