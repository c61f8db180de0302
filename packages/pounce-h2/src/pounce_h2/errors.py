"""What a client can do wrong, and the error codes that tell it so (RFC 9113, 7).

A `ConnectionFault` ends the connection with GOAWAY, a `StreamFault` one stream with RST_STREAM. What can be answered
with a status is a `pounce_asgi.RequestError` instead, as it is over HTTP/1.1.
"""

# ruff: noqa: N818 - the names say what happened; a suffix on every one of them would add nothing.

from __future__ import annotations

from typing import Final

__all__ = [
    "CANCEL",
    "COMPRESSION_ERROR",
    "ENHANCE_YOUR_CALM",
    "FLOW_CONTROL_ERROR",
    "FRAME_SIZE_ERROR",
    "INTERNAL_ERROR",
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "REFUSED_STREAM",
    "STREAM_CLOSED",
    "ConnectionFault",
    "Flood",
    "Http2Error",
    "StreamFault",
]

NO_ERROR: Final = 0x0
PROTOCOL_ERROR: Final = 0x1
INTERNAL_ERROR: Final = 0x2
FLOW_CONTROL_ERROR: Final = 0x3
STREAM_CLOSED: Final = 0x5
FRAME_SIZE_ERROR: Final = 0x6
REFUSED_STREAM: Final = 0x7
CANCEL: Final = 0x8
COMPRESSION_ERROR: Final = 0x9
ENHANCE_YOUR_CALM: Final = 0xB


class Http2Error(Exception):
    """The root of the tree. ``code`` is what the client is told."""

    code: int = PROTOCOL_ERROR

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class ConnectionFault(Http2Error):
    """The connection cannot go on (RFC 9113, 5.4.1)."""


class Flood(ConnectionFault):
    """The client makes work, or holds memory, for nothing (RFC 9113, 10.5)."""

    code = ENHANCE_YOUR_CALM

    def __init__(self, message: str, *, kind: str = "", timeout: str = "") -> None:
        """``kind``: what there is too much of; or ``timeout``: the time limit that is over, by its name."""
        super().__init__(message)
        self.kind = kind
        self.timeout = timeout


class StreamFault(Http2Error):
    """A stream cannot go on; the others do (RFC 9113, 5.4.2 and 8.1.1)."""
