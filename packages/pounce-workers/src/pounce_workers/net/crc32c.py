"""CRC-32C (Castagnoli), as SCTP has it (RFC 9260, appendix A). The standard library has only the CRC of zlib."""

from __future__ import annotations

from typing import Final

__all__ = ["crc32c"]

POLYNOMIAL: Final = 0x82F63B78
"""0x1EDC6F41 with its bits in the other order, as they go over the wire."""


def _row(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
    return value


_TABLE: Final = tuple(map(_row, range(256)))


def crc32c(data: bytes) -> int:
    """The checksum of these bytes."""
    value = 0xFFFF_FFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFF_FFFF
