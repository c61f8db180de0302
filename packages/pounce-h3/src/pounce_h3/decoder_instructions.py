"""What a client's decoder of fields says of what we encode (RFC 9204, 4.4).

Our responses never use a dynamic table, so there is nothing that it could acknowledge.
"""

from __future__ import annotations

from typing import Final

from pounce_h3.errors import QPACK_DECODER_STREAM_ERROR, ConnectionFault

__all__ = ["DecoderInstructions"]

_CANCELLATION: Final = 0x40
_KIND: Final = 0xC0
_MOST: Final = 0x3F
_LONGEST: Final = 10
"""Octets of an integer below 2**62 (RFC 9204, 4.1.1)."""


class DecoderInstructions:
    """Reads the stream of a client's decoder."""

    __slots__ = ("_within",)

    def __init__(self) -> None:
        self._within = 0
        """Octets of a number that goes on."""

    def receive_data(self, data: bytes) -> bool:
        """Bytes of the stream. Raises ConnectionFault (RFC 9204, 6). False: all were looked at."""
        for octet in data:
            if self._within:
                self._within = self._within + 1 if octet & 0x80 else 0
                if self._within > _LONGEST:
                    raise ConnectionFault("an integer that is too long", QPACK_DECODER_STREAM_ERROR)
            elif octet & _KIND != _CANCELLATION:
                raise ConnectionFault("an acknowledgement of what was never inserted", QPACK_DECODER_STREAM_ERROR)
            elif octet & _MOST == _MOST:
                self._within = 1
        return False
