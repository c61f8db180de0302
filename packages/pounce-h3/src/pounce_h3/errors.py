"""What a client can do wrong, and the error codes that tell it so (RFC 9114, 8.1; RFC 9204, 6).

A `ConnectionFault` ends the connection, a `StreamFault` one stream, both of its sides. What can be answered with a
status is a `pounce_asgi.RequestError` instead, as it is over HTTP/1.1.
"""

# ruff: noqa: N818 - the names say what happened; a suffix on every one of them would add nothing.

from __future__ import annotations

from typing import Final

__all__ = [
    "H3_CLOSED_CRITICAL_STREAM",
    "H3_EXCESSIVE_LOAD",
    "H3_FRAME_ERROR",
    "H3_FRAME_UNEXPECTED",
    "H3_GENERAL_PROTOCOL_ERROR",
    "H3_ID_ERROR",
    "H3_INTERNAL_ERROR",
    "H3_MESSAGE_ERROR",
    "H3_MISSING_SETTINGS",
    "H3_NO_ERROR",
    "H3_REQUEST_CANCELLED",
    "H3_REQUEST_INCOMPLETE",
    "H3_REQUEST_REJECTED",
    "H3_SETTINGS_ERROR",
    "H3_STREAM_CREATION_ERROR",
    "QPACK_DECODER_STREAM_ERROR",
    "QPACK_DECOMPRESSION_FAILED",
    "QPACK_ENCODER_STREAM_ERROR",
    "ConnectionFault",
    "Flood",
    "Http3Error",
    "StreamFault",
]

H3_NO_ERROR: Final = 0x100
H3_GENERAL_PROTOCOL_ERROR: Final = 0x101
H3_INTERNAL_ERROR: Final = 0x102
H3_STREAM_CREATION_ERROR: Final = 0x103
H3_CLOSED_CRITICAL_STREAM: Final = 0x104
H3_FRAME_UNEXPECTED: Final = 0x105
H3_FRAME_ERROR: Final = 0x106
H3_EXCESSIVE_LOAD: Final = 0x107
H3_ID_ERROR: Final = 0x108
H3_SETTINGS_ERROR: Final = 0x109
H3_MISSING_SETTINGS: Final = 0x10A
H3_REQUEST_REJECTED: Final = 0x10B
H3_REQUEST_CANCELLED: Final = 0x10C
H3_REQUEST_INCOMPLETE: Final = 0x10D
H3_MESSAGE_ERROR: Final = 0x10E
QPACK_DECOMPRESSION_FAILED: Final = 0x200
QPACK_ENCODER_STREAM_ERROR: Final = 0x201
QPACK_DECODER_STREAM_ERROR: Final = 0x202


class Http3Error(Exception):
    """The root of the tree. ``code`` is what the client is told."""

    code: int = H3_GENERAL_PROTOCOL_ERROR

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class ConnectionFault(Http3Error):
    """The connection cannot go on (RFC 9114, 8)."""


class Flood(ConnectionFault):
    """The client makes work, or holds memory, for nothing (RFC 9114, 10.5)."""

    code = H3_EXCESSIVE_LOAD

    def __init__(self, message: str, *, kind: str = "") -> None:
        """``kind``: what there is too much of."""
        super().__init__(message)
        self.kind = kind


class StreamFault(Http3Error):
    """A stream cannot go on; the others do (RFC 9114, 8)."""
