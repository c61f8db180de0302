"""Frames (RFC 6455, 5.2) that a server builds, and the payloads of those that it need not leave to an engine.

+-+-+-+-+-------+-+-------------+------------------+-----------+---------+
|F|R|R|R| opcode|M| length, 7   | 16 or 64 bits of | mask, 32  | payload |
|I|S|S|S|  (4)  |A| 126: 16 bit | length           | if M is 1 |         |
|N|V|V|V|       |S| 127: 64 bit |                  |           |         |
+-+-+-+-+-------+-+-------------+------------------+-----------+---------+
"""

from __future__ import annotations

from typing import Final

from pounce_websocket.errors import InvalidPayload, ProtocolViolation

__all__ = [
    "BINARY",
    "CLOSE",
    "COMPRESSED",
    "NO_CODE",
    "PING",
    "PONG",
    "TEXT",
    "build_close",
    "build_head",
    "parse_close",
    "unmask",
]

# The first byte of a frame that is a whole message.
TEXT: Final = 0x81
BINARY: Final = 0x82
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A
COMPRESSED: Final = 0x40
"""RSV1: the message is compressed (RFC 7692, 6)."""

NO_CODE: Final = 1005
"""Stands for a close frame without a code (RFC 6455, 7.4.1)."""
_KNOWN_CODES: Final = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))
"""The registered codes below 3000 that a frame may hold (RFC 6455, 7.4; the registry at IANA)."""

_INTEGER_XOR: Final = 512
"""Bytes up to which XOR of two large numbers is the fastest way to unmask; above it four translations are
(``benchmarks/bench_masking.py``)."""
_XOR: Final = tuple(bytes(one ^ other for one in range(256)) for other in range(256))


def unmask(mask: bytes, data: bytes) -> bytes:
    """``data`` with each byte XORed with one of the four of ``mask`` in turn (RFC 6455, 5.3)."""
    size = len(data)
    if size <= _INTEGER_XOR:
        words = (size + 3) >> 2
        number = int.from_bytes(data, "little") ^ int.from_bytes(mask * words, "little")
        return number.to_bytes(words << 2, "little")[:size]
    plain = bytearray(data)
    for offset in range(4):
        plain[offset::4] = plain[offset::4].translate(_XOR[mask[offset]])
    return bytes(plain)


def build_head(first: int, size: int) -> bytes:
    """The head of a frame of a server, which masks nothing. ``first`` is its first byte."""
    if size < 126:
        return bytes((first, size))
    if size < 65536:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    return bytes((first, 127)) + size.to_bytes(8, "big")


def build_close(code: int, reason: str = "") -> bytes:
    """A whole close frame. Where no code was received none is sent either."""
    payload = b"" if code == NO_CODE else code.to_bytes(2, "big") + reason.encode()
    return bytes((CLOSE, len(payload))) + payload


def parse_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of a client's close frame.

    Raises:
        ConversationFailed: the payload is not valid (RFC 6455, 5.5.1 and 7.4).
    """
    if not payload:
        return NO_CODE, ""
    if len(payload) == 1:
        raise ProtocolViolation("a close frame holds half a code")
    code = int.from_bytes(payload[:2], "big")
    if code not in _KNOWN_CODES and not 3000 <= code <= 4999:
        raise ProtocolViolation(f"a close frame holds the code {code}, which no frame may hold")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError as error:
        raise InvalidPayload("the reason of a close frame is not UTF-8") from error
