"""Integers as QUIC writes them (RFC 9000, 16)."""

from __future__ import annotations

from typing import Final

__all__ = ["encoded"]

_SMALL: Final = tuple(bytes((number,)) for number in range(64))


def encoded(number: int) -> bytes:
    """In as few bytes as it takes: 1, 2, 4 or 8. It is below 2**62."""
    if number < 64:
        return _SMALL[number]
    if number < 0x4000:
        return (number | 0x4000).to_bytes(2, "big")
    if number < 0x4000_0000:
        return (number | 0x8000_0000).to_bytes(4, "big")
    return (number | 0xC000_0000_0000_0000).to_bytes(8, "big")
