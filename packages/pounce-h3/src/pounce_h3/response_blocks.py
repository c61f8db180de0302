"""Response fields as blocks of QPACK that need no dynamic table (RFC 9204, 4.5). Hot path.

Such a block is the same bytes on every connection at any time, so a whole head is rendered once and remembered. What a
table would save on the wire, a few dozen bytes a response, would hold up responses behind lost packets, and cost more
to keep than everything else about a head. Nothing is Huffman-coded, for the same reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_asgi.multiplexed import SECRET_FIELDS, encode_integer
from pounce_h3.frames import HEADERS, encode_frame

if TYPE_CHECKING:
    from pounce_asgi.multiplexed import Fields

__all__ = ["render_frame"]

_NO_TABLE: Final = b"\x00\x00"
"""Required Insert Count and Base of a block that refers to no dynamic table (RFC 9204, 4.5.1)."""

# The static table (RFC 9204, appendix A), as far as responses have use for it: names, and whole fields.
_NAMES: Final = {
    b"age": 2, b"content-disposition": 3, b"content-length": 4, b"date": 6, b"etag": 7,
    b"last-modified": 10, b"link": 11, b"location": 12, b"set-cookie": 14, b"accept-ranges": 32,
    b"access-control-allow-headers": 33, b"access-control-allow-origin": 35, b"cache-control": 36,
    b"content-encoding": 42, b"content-type": 44, b"strict-transport-security": 56, b"vary": 59,
    b"x-content-type-options": 61, b"x-xss-protection": 62, b"access-control-allow-credentials": 73,
    b"access-control-allow-methods": 76, b"access-control-expose-headers": 79, b"alt-svc": 83,
    b"content-security-policy": 85, b"server": 92, b"timing-allow-origin": 93, b"x-frame-options": 97,
}  # fmt: skip
_FIELDS: Final = {
    (b"age", b"0"): 2, (b"content-length", b"0"): 4, (b"accept-ranges", b"bytes"): 32,
    (b"access-control-allow-origin", b"*"): 35, (b"cache-control", b"max-age=0"): 36,
    (b"cache-control", b"max-age=2592000"): 37, (b"cache-control", b"max-age=604800"): 38,
    (b"cache-control", b"no-cache"): 39, (b"cache-control", b"no-store"): 40,
    (b"cache-control", b"public, max-age=31536000"): 41, (b"content-encoding", b"br"): 42,
    (b"content-encoding", b"gzip"): 43, (b"content-type", b"application/javascript"): 45,
    (b"content-type", b"application/json"): 46, (b"content-type", b"image/gif"): 48,
    (b"content-type", b"image/jpeg"): 49, (b"content-type", b"image/png"): 50, (b"content-type", b"text/css"): 51,
    (b"content-type", b"text/html; charset=utf-8"): 52, (b"content-type", b"text/plain"): 53,
    (b"content-type", b"text/plain;charset=utf-8"): 54, (b"strict-transport-security", b"max-age=31536000"): 56,
    (b"vary", b"accept-encoding"): 59, (b"vary", b"origin"): 60, (b"x-content-type-options", b"nosniff"): 61,
    (b"x-frame-options", b"deny"): 97, (b"x-frame-options", b"sameorigin"): 98,
}  # fmt: skip
_STATUSES: Final = {
    103: 24, 200: 25, 304: 26, 404: 27, 503: 28, 100: 63, 204: 64, 206: 65, 302: 66, 400: 67, 403: 68, 421: 69, 425: 70,
    500: 71,
}  # fmt: skip
_STATUS: Final = 24


def render_frame(status: int, fields: Fields) -> bytes:
    """The HEADERS frame of a head; status 0 stands for trailers."""
    head = _render_status(status) if status else b""
    return encode_frame(HEADERS, _NO_TABLE + head + b"".join([_render(*field) for field in fields]))


def _render_status(status: int) -> bytes:
    index = _STATUSES.get(status)
    if index is not None:
        return encode_integer(0xC0, 6, index)
    return encode_integer(0x50, 4, _STATUS) + b"\x03%d" % status


def _render(name: bytes, value: bytes) -> bytes:
    """An indexed field, a literal with the name of one, or a literal (RFC 9204, 4.5.2, 4.5.4 and 4.5.6)."""
    index = _FIELDS.get((name, value))
    if index is not None:
        return encode_integer(0xC0, 6, index)
    secret = name in SECRET_FIELDS
    index = _NAMES.get(name)
    if index is not None:
        return encode_integer(0x70 if secret else 0x50, 4, index) + encode_integer(0, 7, len(value)) + value
    return encode_integer(0x30 if secret else 0x20, 3, len(name)) + name + encode_integer(0, 7, len(value)) + value
