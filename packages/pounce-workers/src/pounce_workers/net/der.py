"""Reads DER, the form in which certificates are written (ITU-T X.690): as much of it as X.509 uses.

What is read here has been taken by OpenSSL before. Whatever does not fit is a ValueError nevertheless, never a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Element", "elements", "first_element", "object_identifier"]

_LENGTH_OCTETS = 4
"""Octets of a length; more would be beyond any certificate (X.690, 8.1.3.5)."""


class Element(NamedTuple):
    """One value with its tag."""

    tag: int
    """The identifier octet: class, constructed or not, number (X.690, 8.1.2)."""
    content: bytes
    whole: bytes
    """Tag, length and content, as they were written."""

    def children(self) -> list[Element]:
        """The elements within the content.

        Raises:
            ValueError: the content does not consist of elements.
        """
        return list(elements(self.content))


def elements(data: bytes) -> Iterator[Element]:
    """Every element of a series.

    Raises:
        ValueError: it is not DER.
    """
    while data:
        element = first_element(data)
        yield element
        data = data[len(element.whole) :]


def first_element(data: bytes) -> Element:
    """The first element; what follows it is left alone.

    Raises:
        ValueError: it is not DER, or not all there.
    """
    if len(data) < 2 or data[0] & 0x1F == 0x1F:  # tags of several octets do not occur in X.509
        raise ValueError("this is not DER")
    length, start = data[1], 2
    if length & 0x80:  # X.690, 8.1.3.5: the long form; 10.1: the indefinite one is not DER
        octets = length & 0x7F
        start += octets
        if not 0 < octets <= _LENGTH_OCTETS or len(data) < start:
            raise ValueError("this is not DER")
        length = int.from_bytes(data[2:start], "big")
    end = start + length
    if len(data) < end:
        raise ValueError("the DER ends early")
    return Element(data[0], data[start:end], data[:end])


def object_identifier(content: bytes) -> str:
    """An OBJECT IDENTIFIER as dotted numbers (X.690, 8.19).

    Raises:
        ValueError: it is not one.
    """
    if not content or content[-1] & 0x80:
        raise ValueError("this is not an object identifier")
    numbers: list[int] = []
    value = 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))
