"""How large a block of compressed fields can become, without decompressing it (RFC 9204, 4.5)."""

from __future__ import annotations

from typing import Final

__all__ = ["largest_size"]

_BEYOND: Final = float("inf")


def largest_size(block: bytes, capacity: int, *, enough: float = _BEYOND, lines: float = _BEYOND) -> float:
    """The most bytes that the fields of a block can have, when the dynamic table holds up to ``capacity`` bytes.

    Once they are more than ``enough`` no more is looked at, and more fields than ``lines`` have infinitely many. Each
    reference to that table counts as all of it; Huffman codes are five bits at least (RFC 7541, B), static entries are
    below 64 bytes. Of a block that is broken it is what comes before the break: that is for the decoder to find.
    """
    size = count = 0
    try:
        position = _skip_integer(block, _skip_integer(block, 0, 8), 7)
        while position < len(block) and size <= enough:
            if count >= lines:
                return _BEYOND
            added, position = _line(block, position, capacity)
            size += added
            count += 1
    except IndexError:
        pass
    return size


def _line(block: bytes, position: int, capacity: int) -> tuple[int, int]:
    """What one line can have, and where the next begins."""
    first = block[position]
    if first & 0x80:  # indexed; the next bit says in the static table
        return 64 if first & 0x40 else capacity, _skip_integer(block, position, 6)
    if first & 0x40:  # a name of a table, the bit 0x10 says of the static one; a value
        value, position = _string(block, _skip_integer(block, position, 4), 7)
        return (64 if first & 0x10 else capacity) + value, position
    if first & 0x20:  # both as they are
        name, position = _string(block, position, 3)
        value, position = _string(block, position, 7)
        return name + value, position
    if first & 0x10:  # indexed from the base on
        return capacity, _skip_integer(block, position, 4)
    value, position = _string(block, _skip_integer(block, position, 3), 7)
    return capacity + value, position


def _string(block: bytes, position: int, bits: int) -> tuple[int, int]:
    length, position = _integer(block, position, bits)
    return length * 8 // 5 + 1, position + length


def _skip_integer(block: bytes, position: int, bits: int) -> int:
    return _integer(block, position, bits)[1]


def _integer(block: bytes, position: int, bits: int) -> tuple[int, int]:
    """An integer with a prefix of so many bits (RFC 7541, 5.1), and where it ends."""
    most = (1 << bits) - 1
    number = block[position] & most
    position += 1
    if number < most:
        return number, position
    shift = 0
    while True:
        byte = block[position]
        position += 1
        number += (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return number, position
