"""Blocks of HPACK into fields (RFC 7541). Of hpack it has the static table and the code of Huffman. Hot path.

hpack's own decoder copies the rest of a block three times for each field, which makes time in the square of its length,
and looks at the size of what came out only where a field is complete.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from hpack.exceptions import HPACKError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from pounce_h2.errors import COMPRESSION_ERROR, ConnectionFault, Flood

if TYPE_CHECKING:
    from pounce_asgi import HeaderPair

__all__ = ["FieldDecoder"]

TABLE_SIZE: Final = 4096
"""Bytes of the dynamic table, as long as our settings say nothing else (RFC 9113, 6.5.2)."""
OVERHEAD: Final = 32
"""What a field counts for beside its name and its value (RFC 7541, 4.1; RFC 9113, 6.5.2)."""
LONGEST: Final = 28
"""Bits of a number that follow its prefix: 256 MiB, more than any limit allows."""

_STATIC: Final[tuple[HeaderPair, ...]] = tuple(HeaderTable.STATIC_TABLE)
_STATIC_LENGTH: Final = len(_STATIC)


class FieldDecoder:
    """Undoes the blocks of one client, which refer to what was in those before. Owned by the worker's thread."""

    __slots__ = ("_entries", "_most", "_size", "_table_size")

    def __init__(self, most: int) -> None:
        """``most``: bytes of the fields of one block, each with its overhead."""
        self._most = most
        self._entries: deque[HeaderPair] = deque()
        self._size = 0
        """Bytes of the entries, as they count, and how many there may be."""
        self._table_size = TABLE_SIZE

    def decode(self, block: bytes) -> list[HeaderPair]:
        """Its fields.

        Raises:
            ConnectionFault: it is not HPACK, and those that follow cannot be understood either.
            Flood: the fields are larger than is allowed.
        """
        fields: list[HeaderPair] = []
        position, end, room = 0, len(block), self._most
        try:
            while position < end:
                first = block[position]
                if first & 0x80:
                    index, position = _number(block, position, 0x7F)
                    field = self._entry(index)
                elif first & 0xE0 == 0x20:
                    if fields:
                        raise _broken("the size of the table changes within a block")
                    size, position = _number(block, position, 0x1F)
                    self._resize(size)
                    continue
                else:
                    index, position = _number(block, position, 0x3F if first & 0x40 else 0x0F)
                    if index:
                        name = self._entry(index)[0]
                    else:
                        name, position = _string(block, position, room)
                    value, position = _string(block, position, room)
                    field = (name, value)
                    if first & 0x40:
                        self._remember(field)
                room -= len(field[0]) + len(field[1]) + OVERHEAD
                if room < 0:
                    raise self._too_much()
                fields.append(field)
        except IndexError:
            raise _broken("a block of header fields is cut off") from None
        except HPACKError as error:
            raise _broken(str(error)) from error
        except _TooLongError:
            raise self._too_much() from None
        return fields

    def _too_much(self) -> Flood:
        return Flood(f"a list of header fields of more than {self._most} bytes", kind="header_fields")

    def _entry(self, index: int) -> HeaderPair:
        """A field out of the tables (RFC 7541, 2.3.3)."""
        if 0 < index <= _STATIC_LENGTH:
            return _STATIC[index - 1]
        index -= _STATIC_LENGTH + 1
        if not 0 <= index < len(self._entries):
            raise _broken("no such entry in the table")
        return self._entries[index]

    def _remember(self, field: HeaderPair) -> None:
        """What is larger than the table empties it (RFC 7541, 4.4)."""
        self._size += len(field[0]) + len(field[1]) + OVERHEAD
        self._entries.appendleft(field)
        self._evict()

    def _resize(self, size: int) -> None:
        if size > TABLE_SIZE:
            raise _broken(f"a table of {size} bytes; {TABLE_SIZE} are allowed")
        self._table_size = size
        self._evict()

    def _evict(self) -> None:
        entries = self._entries
        while self._size > self._table_size:
            name, value = entries.pop()
            self._size -= len(name) + len(value) + OVERHEAD


class _TooLongError(Exception):
    """A string for which there is no room."""


def _number(block: bytes, position: int, mask: int) -> tuple[int, int]:
    """A number whose prefix has these bits, and where it ends (RFC 7541, 5.1)."""
    number = block[position] & mask
    position += 1
    if number < mask:
        return number, position
    shift = 0
    while True:
        byte = block[position]
        position += 1
        number += (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
        if shift >= LONGEST:
            raise _broken("a number that has no end")


def _string(block: bytes, position: int, room: int) -> tuple[bytes, int]:
    """A string, and where it ends (RFC 7541, 5.2). One for which there is no ``room`` is not undone."""
    coded = block[position] & 0x80
    length, start = _number(block, position, 0x7F)
    end = start + length
    if end > len(block):
        raise _broken("a block of header fields is cut off")
    content = block[start:end]
    if not coded:
        return content, end
    if length * 8 // 30 > room:  # no code is longer than 30 bits
        raise _TooLongError
    return decode_huffman(content), end


def _broken(detail: str) -> ConnectionFault:
    return ConnectionFault(f"HPACK: {detail}", COMPRESSION_ERROR)
