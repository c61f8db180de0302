"""Integers that begin within an octet, as HPACK and QPACK have them (RFC 7541, 5.1; RFC 9204, 4.1.1)."""

from __future__ import annotations

__all__ = ["encode_integer"]


def encode_integer(first: int, bits: int, number: int) -> bytes:
    """A number in the lowest ``bits`` of an octet whose other bits are those of ``first``, and in what follows it."""
    most = (1 << bits) - 1
    if number < most:
        return bytes([first | number])
    octets = bytearray([first | most])
    number -= most
    while number >= 128:
        octets.append(number & 127 | 128)
        number >>= 7
    octets.append(number)
    return bytes(octets)
