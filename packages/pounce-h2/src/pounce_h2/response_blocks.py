"""Response fields as blocks of HPACK that need no dynamic table (RFC 7541, 6.1 to 6.2.3). Hot path.

Such a block is the same bytes on every connection at any time, so a whole head is rendered once and remembered. What a
table would save on the wire, a few dozen bytes a response, costs more to keep than everything else about a head; nginx
decides alike. Nothing is Huffman-coded, for the same reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_asgi.multiplexed import SECRET_FIELDS, encode_integer

if TYPE_CHECKING:
    from pounce_asgi.multiplexed import Fields

__all__ = ["render_block", "render_request"]

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


def render_block(status: int, fields: Fields) -> bytes:
    """The block of a head; status 0 stands for trailers."""
    return (_render_status(status) if status else b"") + b"".join([_render(*field) for field in fields])


def render_request(path: bytes, scheme: bytes, authority: bytes, fields: Fields) -> bytes:
    """The block of a promised GET (RFC 9113, 8.4.1)."""
    pseudo = ((b":scheme", scheme), (b":authority", authority), (b":path", path))
    return b"\x82" + b"".join([_render(*field) for field in (*pseudo, *fields)])


def _render_status(status: int) -> bytes:
    index = _STATUSES.get(status)
    return b"\x08\x03%d" % status if index is None else bytes([0x80 | index])


def _render(name: bytes, value: bytes) -> bytes:
    """A literal without indexing, or one that is never to be indexed (RFC 7541, 6.2.2 and 6.2.3)."""
    first = 0x10 if name in SECRET_FIELDS else 0x00
    index = _INDEX_OF.get(name)
    if index is None:
        return bytes([first]) + encode_integer(0, 7, len(name)) + name + encode_integer(0, 7, len(value)) + value
    return encode_integer(first, 4, index) + encode_integer(0, 7, len(value)) + value
