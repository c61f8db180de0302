"""Integers of QUIC: one, two, four or eight octets, of which the first two bits say how many (RFC 9000, 16)."""

from __future__ import annotations

from typing import Final

__all__ = ["LARGEST", "encode_varint", "maybe_varint"]

LARGEST: Final = 2**62 - 1


def encode_varint(number: int) -> bytes:
    """The shortest form. Up to ``LARGEST``."""
    if number < 0x40:
        return number.to_bytes(1, "big")
    if number < 0x4000:
        return (0x4000 | number).to_bytes(2, "big")
    if number < 0x4000_0000:
        return (0x8000_0000 | number).to_bytes(4, "big")
    return (0xC000_0000_0000_0000 | number).to_bytes(8, "big")


def maybe_varint(data: bytes | bytearray, start: int) -> tuple[int, int] | None:
    """The integer that begins there and where it ends; None as long as not all of it is there."""
    if start >= len(data):
        return None
    first = data[start]
    if first < 0x40:
        return first, start + 1
    size = 1 << (first >> 6)
    end = start + size
    if end > len(data):
        return None
    return int.from_bytes(data[start:end], "big") & ((1 << (8 * size - 2)) - 1), end
