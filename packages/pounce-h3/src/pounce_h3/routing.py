"""Which connection a datagram is for, and what can be told of one that is for none (RFC 8999; RFC 9000, 5.2 and 17).

Only what stands in clear is read. One datagram is for one connection, whatever packets it joins (RFC 9000, 12.2).
Hot path: `destination_of`.
"""

from __future__ import annotations

import enum
import hmac
import os
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CONNECTION_ID_SIZE",
    "SMALLEST_INITIAL",
    "ConnectionIds",
    "LongHeader",
    "PacketKind",
    "destination_of",
    "read_long_header",
    "version_negotiation",
]

CONNECTION_ID_SIZE: Final = 8
"""Bytes of an ID of ours, always: a short header does not say where its ID ends (RFC 9000, 17.3.1)."""
SMALLEST_INITIAL: Final = 1200
"""Bytes of a datagram with an Initial; smaller ones are dropped, for an answer could be larger (RFC 9000, 14.1)."""
LONGEST_ID: Final = 20
"""Bytes of an ID in the versions that are known (RFC 9000, 17.2). Others may have 255 (RFC 8999, 5.1)."""
SHORTEST_FIRST_ID: Final = 8
"""Bytes of the ID that a client makes up for its first Initial (RFC 9000, 7.2)."""
TAG_SIZE: Final = 2
"""Bytes of an ID of ours by which it is told from one that a client made up. One of those looks like ours once in
65,536 times, and is then asked about before it is answered. The other six are random."""

VERSION_2: Final = 0x6B3343CF
_LONG: Final = 0x80
_FIXED: Final = 0x40


class PacketKind(enum.Enum):
    """The first packet of a datagram with a long header."""

    INITIAL = "Initial"
    EARLY = "0-RTT"
    HANDSHAKE = "Handshake"
    RETRY = "Retry"
    NEGOTIATION = "Version Negotiation"
    UNKNOWN = "of a version that is not known"


_KINDS_1: Final = (PacketKind.INITIAL, PacketKind.EARLY, PacketKind.HANDSHAKE, PacketKind.RETRY)  # RFC 9000, 17.2
_KINDS_2: Final = (PacketKind.RETRY, PacketKind.INITIAL, PacketKind.EARLY, PacketKind.HANDSHAKE)  # RFC 9369, 3.2


class LongHeader(NamedTuple):
    """What stands in clear at the beginning of a packet with a long header."""

    kind: PacketKind
    version: int
    destination_id: bytes
    source_id: bytes
    token: bytes = b""
    """Of an Initial."""


def destination_of(data: bytes) -> bytes:
    """The ID by which a datagram calls its connection. For one that is cut short it is cut short too, so nobody's."""
    if data and data[0] < _LONG:
        return data[1 : 1 + CONNECTION_ID_SIZE]
    return data[6 : 6 + data[5]] if len(data) > 6 else b""


def read_long_header(data: bytes, versions: Sequence[int]) -> LongHeader | None:
    """The long header of a datagram's first packet; None if it is none, or wrong in a version that is known."""
    if len(data) < 7 or data[0] < _LONG:
        return None
    version = int.from_bytes(data[1:5], "big")
    destination, at = _prefixed(data, 5)
    source, at = _prefixed(data, at)
    if destination is None or source is None:
        return None
    if version == 0:
        return LongHeader(PacketKind.NEGOTIATION, 0, destination, source)
    if version not in versions:
        return LongHeader(PacketKind.UNKNOWN, version, destination, source)
    if not data[0] & _FIXED or len(destination) > LONGEST_ID or len(source) > LONGEST_ID:
        return None
    kind = (_KINDS_2 if version == VERSION_2 else _KINDS_1)[(data[0] & 0x30) >> 4]
    if kind is not PacketKind.INITIAL:
        return LongHeader(kind, version, destination, source)
    if len(destination) < SHORTEST_FIRST_ID:
        return None
    token = _token(data, at)
    return None if token is None else LongHeader(kind, version, destination, source, token)


def _prefixed(data: bytes, at: int) -> tuple[bytes | None, int]:
    """An ID with its length before it, and where it ends."""
    if at >= len(data):
        return None, at
    end = at + 1 + data[at]
    return (data[at + 1 : end], end) if end <= len(data) else (None, at)


def _token(data: bytes, at: int) -> bytes | None:
    """The token of an Initial, whose length is a variable-length integer (RFC 9000, 16)."""
    if at >= len(data):
        return None
    size = 1 << (data[at] >> 6)
    length = int.from_bytes(data[at : at + size], "big") & ((1 << (8 * size - 2)) - 1)
    start = at + size
    return data[start : start + length] if start + length <= len(data) else None


def version_negotiation(header: LongHeader, versions: Sequence[int]) -> bytes:
    """The answer to a packet of a version that is not known (RFC 9000, 17.2.1): without state, and not encrypted."""
    first = _LONG | _FIXED | os.urandom(1)[0] & 0x3F
    return b"".join(
        (
            bytes((first, 0, 0, 0, 0, len(header.source_id))),
            header.source_id,
            bytes((len(header.destination_id),)),
            header.destination_id,
            *(version.to_bytes(4, "big") for version in versions),
        )
    )


class ConnectionIds:
    """Makes the IDs of one server and knows them again. Immutable: used by every worker that has the key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def new(self) -> bytes:
        """An ID that nobody can guess, nor connect with another."""
        unique = os.urandom(CONNECTION_ID_SIZE - TAG_SIZE)
        return unique + self._tag(unique)

    def ours(self, connection_id: bytes) -> bool:
        """Whether it was made here, in all likelihood: see `TAG_SIZE`."""
        unique, tag = connection_id[:-TAG_SIZE], connection_id[-TAG_SIZE:]
        return len(connection_id) == CONNECTION_ID_SIZE and hmac.compare_digest(self._tag(unique), tag)

    def _tag(self, unique: bytes) -> bytes:
        return hmac.digest(self._key, unique, "sha256")[:TAG_SIZE]
