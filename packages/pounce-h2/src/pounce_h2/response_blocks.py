"""Response fields as blocks of HPACK that need no dynamic table (RFC 7541, 6.1 to 6.2.3). Hot path.

Such a block is the same bytes on every connection at any time, so a whole head is rendered once and remembered. What a
table would save on the wire, a few dozen bytes a response, costs more to keep than everything else about a head; nginx
decides alike. Nothing is Huffman-coded, for the same reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_h2.grammar import is_field_name, is_field_value
from pounce_h2.request_head import CONNECTION_FIELDS

if TYPE_CHECKING:
    from pounce_asgi import HeaderPair

__all__ = ["Fields", "ResponseBlocks", "encode_field", "render_request"]

Fields = tuple["HeaderPair", ...]
"""Fields of a response, names in lower case, each known to be valid."""

MEMO_HEADS: Final = 512
MEMO_HEAD_BYTES: Final = 1024
# 512 heads of at most 1 KiB, held as key and as block: about 1 MiB a worker.

_STATIC_NAMES: Final = (
    (b":authority", 1), (b":path", 4), (b":scheme", 6), (b":status", 8), (b"accept-charset", 15),
    (b"accept-encoding", 16), (b"accept-language", 17), (b"accept-ranges", 18), (b"accept", 19),
    (b"access-control-allow-origin", 20), (b"age", 21), (b"allow", 22), (b"authorization", 23),
    (b"cache-control", 24), (b"content-disposition", 25), (b"content-encoding", 26), (b"content-language", 27),
    (b"content-length", 28), (b"content-location", 29), (b"content-range", 30), (b"content-type", 31),
    (b"cookie", 32), (b"date", 33), (b"etag", 34), (b"expires", 36), (b"host", 38), (b"last-modified", 44),
    (b"link", 45), (b"location", 46), (b"retry-after", 53), (b"server", 54), (b"set-cookie", 55),
    (b"strict-transport-security", 56), (b"transfer-encoding", 57), (b"user-agent", 58), (b"vary", 59), (b"via", 60),
    (b"www-authenticate", 61),
)  # fmt: skip
_INDEX_OF: Final = dict(_STATIC_NAMES)
"""The static table (RFC 7541, appendix A), as far as responses and promises have use for it."""
_STATUSES: Final = {200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14}
_SECRET: Final = frozenset({b"set-cookie", b"authorization", b"cookie"})
"""Never to be put into anybody's table (RFC 7541, 7.1.3)."""


def encode_field(name: bytes, value: bytes) -> Fields:
    """A response field as the exchange keeps it. Fields that belong to HTTP/1.1's connections become nothing.

    Raises:
        ValueError: the field may not be sent (RFC 9113, 8.2.1).
        TypeError: it is not a pair of bytes.
    """
    if type(name) is not bytes or type(value) is not bytes:
        raise TypeError("a header is a pair of bytes: (name, value)")
    name = name.lower()
    if not is_field_name(name):
        raise ValueError("the name is not a token")
    value = value.strip(b" \t")
    if not is_field_value(value):
        raise ValueError("the value holds a control character")
    return () if name in CONNECTION_FIELDS else ((name, value),)


class ResponseBlocks(dict[tuple[int, Fields], bytes]):
    """``blocks[status, fields]`` is the block of a head; status 0 stands for trailers. One for each worker.

    It starts anew when it is full, so that heads that never repeat cost little and never fill the memory.
    """

    __slots__ = ()

    def __missing__(self, key: tuple[int, Fields]) -> bytes:
        status, fields = key
        block = (_render_status(status) if status else b"") + b"".join([_render(*field) for field in fields])
        if len(block) <= MEMO_HEAD_BYTES:
            if len(self) >= MEMO_HEADS:
                self.clear()
            self[key] = block
        return block


def render_request(path: bytes, scheme: bytes, authority: bytes, fields: Fields) -> bytes:
    """The block of a promised GET (RFC 9113, 8.4.1)."""
    pseudo = ((b":scheme", scheme), (b":authority", authority), (b":path", path))
    return b"\x82" + b"".join([_render(*field) for field in (*pseudo, *fields)])


def _render_status(status: int) -> bytes:
    index = _STATUSES.get(status)
    return b"\x08\x03%d" % status if index is None else bytes([0x80 | index])


def _render(name: bytes, value: bytes) -> bytes:
    """A literal without indexing, or one that is never to be indexed (RFC 7541, 6.2.2 and 6.2.3)."""
    first = 0x10 if name in _SECRET else 0x00
    index = _INDEX_OF.get(name)
    if index is None:
        return bytes([first]) + _integer(0, 7, len(name)) + name + _integer(0, 7, len(value)) + value
    return _integer(first, 4, index) + _integer(0, 7, len(value)) + value


def _integer(first: int, bits: int, number: int) -> bytes:
    """An integer behind the bits of ``first`` (RFC 7541, 5.1)."""
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
