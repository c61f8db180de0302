"""The QPACK of both QUIC libraries on the same instructions and blocks: the same fields, or both an error.

An input is a script: pieces of the encoder stream, and blocks of fields for streams, in the order in which they come.

- Nothing comes out of either but our errors.
- Both make the same fields of a block, sooner or later, or both end the connection with it; where they differ, the
  difference is explained in `EXPLAINED`, which docs/security/differences.md shows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from pounce_h3.engine.libraries import installed_libraries
from pounce_h3.qpack import QpackDecoder, QpackError, SectionTooLarge
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EXPLAINED", "QPACK_DIFFERENCES", "Read", "block", "difference", "encoder", "read_with"]

_RECORD: Final = struct.Struct("<BH")
_ENCODER: Final = 0x80
"""Set in the first byte of a record of the encoder stream; else the byte is the stream of a block."""
_DECOMPRESSION: Final = QpackError.DECOMPRESSION_FAILED
Fields = list[tuple[bytes, bytes]]
Records = list[tuple[int | None, bytes]]
"""The stream, or None for the encoder stream, and the bytes."""


@dataclass(slots=True)
class Read:
    """What one library made of a script."""

    fields: dict[int, Fields | str] = field(default_factory=dict)
    """Of each stream; a string says why there are none."""
    error: tuple[int, int] | None = None
    """The record with which the connection ended, and the code."""
    blocked: set[int] = field(default_factory=set)


def records_of(data: bytes) -> Records:
    """By an input. A stream has one block."""
    found: Records = []
    seen: set[int] = set()
    position = 0
    while position + _RECORD.size <= len(data):
        first, length = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        payload = data[position : position + length]
        position += length
        stream = None if first & _ENCODER else (first & 0x1F) * 4
        if stream is None or stream not in seen:
            found.append((stream, payload))
        if stream is not None:
            seen.add(stream)
    return found


def read_with(library: str, records: Records) -> Read:
    """Feed it all, until it ends the connection."""
    read = Read()
    decoder = QpackDecoder(library=library)
    for index, (stream, payload) in enumerate(records):
        try:
            if stream is None:
                waiting = decoder.receive_encoder_stream(payload)
                for one in waiting:
                    _keep(read, one, decoder.resume(one))
            else:
                _keep(read, stream, decoder.fields(stream, payload))
        except SectionTooLarge:
            assert stream is not None
            read.fields[stream] = "too large"
        except QpackError as error:
            read.error = index, error.code
            break
    return read


def _keep(read: Read, stream: int, fields: Fields | None) -> None:
    if fields is None:
        read.blocked.add(stream)
    else:
        read.blocked.discard(stream)
        read.fields[stream] = [(bytes(name), bytes(value)) for name, value in fields]


class Explained(NamedTuple):
    """A difference that is known."""

    what: str
    why: str
    holds: Callable[[Read, Read, Records], bool]
    """Of what aioquic and qh3 read, in this order."""


def _not_utf8(ours: Read, theirs: Read, _records: Records) -> bool:
    """Up to there they agree."""
    texts = [text for fields in ours.fields.values() if not isinstance(fields, str) for pair in fields for text in pair]
    return theirs.error is not None and theirs.error[1] == _DECOMPRESSION and not all(map(_is_utf8, texts))


def _evicted(ours: Read, theirs: Read, records: Records) -> bool:
    """A block that waited cannot be read when the instructions that it waited for are all applied."""
    if ours.error is None or ours.error[1] != _DECOMPRESSION or records[ours.error[0]][0] is not None:
        return False
    return theirs.error is None or theirs.error[0] >= ours.error[0]


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


EXPLAINED: Final = (
    Explained(
        "fields that are not UTF-8",
        "qh3 reads UTF-8 only, and ends the connection with QPACK_DECOMPRESSION_FAILED. RFC 9110, 5.5 lets a value have"
        " such bytes; clients that send them are served by aioquic.",
        _not_utf8,
    ),
    Explained(
        "entries that a client evicts while a block of its own waits for them",
        "RFC 9204, 2.1.1 forbids it to the client. aioquic applies all that has come and finds the entry gone, which"
        " ends the connection; qh3 reads the block as soon as the entry is there.",
        _evicted,
    ),
)


def difference(records: Records) -> str | None:
    """What the libraries make otherwise of a script; None where they agree, or only one is installed.

    Raises:
        AssertionError: there is no reason for it.
    """
    if set(installed_libraries()) != {"aioquic", "qh3"}:
        read_with(installed_libraries()[0], records)
        return None
    ours, theirs = read_with("aioquic", records), read_with("qh3", records)
    if ours == theirs:
        return None
    for stream in ours.fields.keys() & theirs.fields.keys():
        assert ours.fields[stream] == theirs.fields[stream], stream
    for row in EXPLAINED:
        if row.holds(ours, theirs, records):
            return row.what
    raise AssertionError(f"aioquic: {ours}; qh3: {theirs}")


def _check(data: bytes) -> None:
    difference(records_of(data))


def encoder(data: bytes) -> bytes:
    """A record of the encoder stream."""
    return _RECORD.pack(_ENCODER, len(data)) + data


def block(stream: int, data: bytes) -> bytes:
    """A record of a block."""
    return _RECORD.pack(stream, len(data)) + data


_CAPACITY: Final = b"\x3f\xe1\x1f"
_INSERT: Final = b"\x41a\x01b"

QPACK_DIFFERENCES = Target(
    name="qpack",
    promises="our errors only; both libraries make the same fields of a block, or both refuse it",
    check=_check,
    seeds=(
        block(0, b"\0\0\xd1\xd7\xc1\x50\x01a"),
        block(0, b"\0\0\x51\x83\x94\xe8\x49\x27\x01a\x81\x1f"),
        encoder(_CAPACITY + _INSERT) + block(0, b"\x02\x00\x80") + block(1, b"\x02\x00\xd1\x80"),
        block(0, b"\x02\x00\x80") + encoder(_CAPACITY) + encoder(_INSERT),
        encoder(_CAPACITY + _INSERT + b"\xc1\x03xyz\x80\x01w\x00\x01") + block(0, b"\x05\x00\x80\x81\x82\x83"),
        encoder(_CAPACITY + _INSERT * 3 + b"\x02") + block(0, b"\x04\x81\x10\x11\x00\x01c"),
        encoder(b"\x3f\x45" + _INSERT * 5) + block(0, b"\x06\x00\x80\x81\x82"),
        encoder(b"\x20" + _INSERT),
        block(0, b"\x02\x00\x80") + block(1, b"\x03\x00\x80") + encoder(_CAPACITY + _INSERT) + encoder(_INSERT),
        block(0, b"\0\0\x2f\x00abcdefg\x03xyz\x37\x01abcdefgh\x00"),
        block(0, b"\0\0\xff\x24\x5f\x10\x01v") + block(1, b"\x00\x7f\x00\xd1"),
    ),
    dictionary=(
        *(b"\xd1", b"\x50\x01a", b"\x27\x00a\x01b", b"\x80", b"\x10", b"\x00\x01c", b"\x02\x00", b"\x81\x1f"),
        *(_INSERT, _CAPACITY, b"\x20", b"\x00", b"\x3f\xe2\x1f", b"\xff\x80\x80\x80\x80\x80\x01", b"\x82\x1f\xff"),
        *(encoder(_INSERT), block(3, b"\0\0\xd1"), block(4, b"\x02\x00\x80")),
    ),
    modules=("pounce_h3",),
    rounds=600,
)
