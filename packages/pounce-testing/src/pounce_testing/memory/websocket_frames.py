"""The frames of a WebSocket from the client's side (RFC 6455, 5), as far as a test client needs them."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

__all__ = ["BINARY", "CLOSE", "CONTINUATION", "PING", "PONG", "TEXT", "Frame", "FrameReader", "encode_frame"]

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA


class Frame(NamedTuple):
    """One frame of the server."""

    opcode: int
    payload: bytes
    last: bool


def encode_frame(opcode: int, payload: bytes, *, last: bool = True) -> bytes:
    """A frame with a mask, as clients have to send them (RFC 6455, 5.3)."""
    head = bytes([opcode | (0x80 if last else 0)])
    size = len(payload)
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += b"\xfe" + size.to_bytes(2, "big")
    else:
        head += b"\xff" + size.to_bytes(8, "big")
    mask = os.urandom(4)
    return head + mask + _masked(payload, mask)


def _masked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


class FrameReader:
    """Reads the frames of a server."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> None:
        """Bytes that came."""
        self._buffer += data

    def next_frame(self) -> Frame | None:
        """The next frame that is complete.

        Raises:
            ValueError: a server may not send it.
        """
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        if buffer[0] & 0x70:
            raise ValueError(f"reserved bits are set without an extension: {buffer[0]:#x}")
        if buffer[1] & 0x80:
            raise ValueError("a server's frame has a mask (RFC 6455, 5.1)")
        size, start = buffer[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + size:
            return None
        frame = Frame(buffer[0] & 0xF, bytes(buffer[start : start + size]), bool(buffer[0] & 0x80))
        del buffer[: start + size]
        return frame
