"""Changing transport parameters as they are on the wire (RFC 9000, 18)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_h3.engine.variable_integers import encoded
from pounce_h3.varint import maybe_varint

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_STREAMS_BIDI", "MAX_STREAMS_UNI", "MAX_UDP_PAYLOAD_SIZE", "replaced"]

MAX_UDP_PAYLOAD_SIZE: Final = 0x03
MAX_STREAMS_BIDI: Final = 0x08
MAX_STREAMS_UNI: Final = 0x09


def replaced(parameters: bytes, numbers: Mapping[int, int]) -> bytes:
    """The same but for these. Their order means nothing. qh3 can read and write them, in a tenth of a millisecond each:
    that would be a tenth of a handshake.
    """
    parts: list[bytes] = []
    end = 0
    while end < len(parameters):
        begin = end
        kind, end = _number(parameters, begin)
        size, end = _number(parameters, end)
        end += size
        if kind not in numbers:
            parts.append(parameters[begin:end])
    for kind, number in numbers.items():
        value = encoded(number)
        parts += (encoded(kind), encoded(len(value)), value)
    return b"".join(parts)


def _number(data: bytes, start: int) -> tuple[int, int]:
    found = maybe_varint(data, start)
    if found is None:
        raise ValueError("the transport parameters end too early")
    return found
