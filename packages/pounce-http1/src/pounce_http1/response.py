"""Response heads: rendered, and validated so that no value can end a line or a head early (response splitting).

Each function is pure; what is rendered often is meant to be remembered by the caller, such as header lines, or is
remembered here (``DateCache``, status lines). Values of ours that are wrong raise LocalProtocolError.
"""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from pounce_http1.errors import LocalProtocolError, quote
from pounce_http1.grammar import FIELD_BYTES, TOKEN_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "LAST_CHUNK",
    "DateCache",
    "encode_chunk",
    "encode_header_line",
    "encode_last_chunk",
    "encode_status_line",
    "render_response_head",
]

LAST_CHUNK: Final = b"0\r\n\r\n"
"""Ends a chunked body that has no trailers (RFC 9112, 7.1)."""

_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus
}


def encode_status_line(status: int) -> bytes:
    """``HTTP/1.1 200 OK`` with its line end. A code that is not registered has an empty reason (RFC 9112, 4).

    The version is always 1.1, the highest that we conform to, also in answer to HTTP/1.0 (RFC 9110, 2.5).
    """
    line = _STATUS_LINES.get(status)
    if line is not None:
        return line
    if status.__class__ is not int or not 100 <= status <= 999:
        raise LocalProtocolError(f"a status code is a number from 100 to 999, not {status!r}")
    return b"HTTP/1.1 %d \r\n" % status


def encode_header_line(name: bytes, value: bytes) -> bytes:
    """``name: value`` with its line end.

    The name must be a token (RFC 9110, 5.1), the value must hold no control character but HTAB (RFC 9110, 5.5); CR, LF
    and NUL above all. White space around the value is kept.
    """
    if name.__class__ is not bytes or value.__class__ is not bytes:
        raise _not_bytes(name, value)
    if not name or name.translate(TOKEN_BYTES) != name:
        raise LocalProtocolError(f"header name is not a token: {quote(name)}")
    if value.translate(FIELD_BYTES) != value:
        raise LocalProtocolError(f"control character in the value of header {quote(name)}: {quote(value)}")
    return b"%b: %b\r\n" % (name, value)


def _not_bytes(name: object, value: object) -> LocalProtocolError:
    if not isinstance(name, bytes):
        return LocalProtocolError(f"header names are bytes, but {name!r} is {type(name).__name__}")
    return LocalProtocolError(
        f"header values are bytes, but the value of {quote(name)} is {type(value).__name__}: {value!r}"
    )


def encode_chunk(data: bytes) -> bytes:
    """One chunk of a chunked body. Empty data gives nothing, since an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def encode_last_chunk(trailer_lines: Iterable[bytes] = ()) -> bytes:
    """The end of a chunked body, with lines from ``encode_header_line()`` as its trailers."""
    return b"0\r\n%b\r\n" % b"".join(trailer_lines)


def render_response_head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A whole response head with the empty line that ends it. Framing and Date are the caller's."""
    lines = [encode_header_line(name, value) for name, value in headers]
    return b"%b%b\r\n" % (encode_status_line(status), b"".join(lines))


class DateCache:
    """The Date header line, rendered once a second. One for each worker; not thread-safe."""

    __slots__ = ("_line", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._line = b""

    def header_line(self, now: float) -> bytes:
        """``date: Sun, 06 Nov 1994 08:49:37 GMT`` with its line end (RFC 9110, 5.6.7). ``now`` is ``time.time()``."""
        second = int(now)
        if second != self._second:
            self._line = b"date: %b\r\n" % formatdate(second, usegmt=True).encode("ascii")
            self._second = second
        return self._line
