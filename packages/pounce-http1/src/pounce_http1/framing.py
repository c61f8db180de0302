"""Where a request ends: every rule by which two servers in a row could disagree, in one file.

If a proxy and the server behind it see different ends of one request, the rest of it becomes a request of its own that
the proxy never judged (request smuggling, RFC 9112, 11.2). So nothing here is repaired or guessed: what has more than
one reading is refused, and the connection closes. Line ends, the last such rule, are exactly CRLF in every reader.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pounce_http1.errors import (
    ConflictingFraming,
    InvalidChunk,
    InvalidContentLength,
    InvalidTransferEncoding,
    UnsupportedTransferCoding,
    quote,
)
from pounce_http1.grammar import CHUNK_EXTENSIONS, CHUNK_SIZE, TOKEN

__all__ = [
    "FORBIDDEN_IN_TRAILERS",
    "MAX_CHUNK_SIZE_DIGITS",
    "MAX_LENGTH_DIGITS",
    "NO_BODY",
    "Framing",
    "body_framing",
    "chunk_size",
]

MAX_CHUNK_SIZE_DIGITS: Final = 16
"""Hexadecimal digits of a 64-bit size; see ``grammar.CHUNK_SIZE``."""

MAX_LENGTH_DIGITS: Final = 19
"""Decimal digits of 2**63 - 1. Without a bound, thousands of digits would cost quadratic time to convert."""

_LENGTH_LIMIT: Final = 2**63

FORBIDDEN_IN_TRAILERS: Final = frozenset(
    {
        # framing and routing: a merge into the head would change where the request ends or to whom it goes
        b"content-length",
        b"host",
        b"transfer-encoding",
        # the connection's own
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"upgrade",
        # how the request is to be handled, which has been decided by now
        b"authorization",
        b"cache-control",
        b"cookie",
        b"expect",
        b"max-forwards",
        b"proxy-authorization",
        b"range",
        # how the content is to be read, which has been read by now
        b"content-encoding",
        b"content-range",
        b"content-type",
    }
)
"""Fields that may not come after the body (RFC 9110, 6.5.1), in lower case."""


class Framing(NamedTuple):
    """How the end of a request's body is found. Without a length and not chunked there is no body (RFC 9112, 6.3)."""

    content_length: int | None
    chunked: bool


NO_BODY: Final = Framing(None, False)
_CHUNKED: Final = Framing(None, True)


def body_framing(http_version: str, content_lengths: list[bytes], transfer_encodings: list[bytes]) -> Framing:
    """Decide how the body ends, from the values of all Content-Length and Transfer-Encoding fields.

    Raises ConflictingFraming, InvalidContentLength, InvalidTransferEncoding (400) or UnsupportedTransferCoding (501).
    """
    if not transfer_encodings:
        return Framing(_content_length(content_lengths), False) if content_lengths else NO_BODY
    if content_lengths:
        # RFC 9112, 6.3, item 3: "ought to be handled as an error", and 6.1 allows to refuse it.
        raise ConflictingFraming("Content-Length and Transfer-Encoding in one request")
    if http_version == "1.0":
        # RFC 9112, 6.1: the framing of such a message is faulty, since HTTP/1.0 does not know the field.
        raise InvalidTransferEncoding("Transfer-Encoding in an HTTP/1.0 request")
    _require_chunked(transfer_encodings)
    return _CHUNKED


def _content_length(values: list[bytes]) -> int:
    """Content-Length = 1*DIGIT (RFC 9110, 8.6).

    Equal values in a list or in several fields could be folded into one (RFC 9112, 6.3, item 5); they only come from
    a broken or hostile peer, so they are refused, as the same clause allows. Plain ``int()`` would take more than
    digits ("+5", "0_5", " 5 " and the digits of every script).
    """
    if len(values) > 1:
        raise InvalidContentLength("more than one Content-Length field")
    value = values[0]
    if not value.isdigit():  # on bytes: one or more of 0-9
        raise InvalidContentLength(f"Content-Length must be one number in digits, got {quote(value)}")
    if len(value) > MAX_LENGTH_DIGITS or (length := int(value)) >= _LENGTH_LIMIT:
        raise InvalidContentLength(f"Content-Length must be below 2**63, got {quote(value)}")
    return length


def _require_chunked(values: list[bytes]) -> None:
    """The only framing of a request without a length is ``chunked``, once and alone (RFC 9112, 6.1 and 6.3, item 4)."""
    codings = [coding.strip(b" \t").lower() for coding in b",".join(values).split(b",")]
    if codings == [b"chunked"]:
        return
    for coding in codings:
        name = coding.partition(b";")[0].rstrip(b" \t")
        if TOKEN.fullmatch(name) is None:
            raise InvalidTransferEncoding(f"malformed Transfer-Encoding: {quote(coding)}")
        if name != b"chunked":
            raise UnsupportedTransferCoding(f"only the transfer coding chunked is supported, got {quote(coding)}")
    raise InvalidTransferEncoding("the transfer coding chunked must be applied once and has no parameters")


def chunk_size(line: bytes) -> int:
    """The size in a chunk's first line, which is given without its CRLF. Zero is the last chunk.

    ::

        chunk     = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
        chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )

    (RFC 9112, 7.1 and 7.1.1.) Extensions are skipped, whatever they say, but must have this form: what has not may end
    elsewhere for another reader. White space before the first ";" would have to be removed by that grammar; it is
    refused, because readers before us are known to take it for an end of the size, or for nothing, and no client
    sends it.
    """
    size, semicolon, extensions = line.partition(b";")
    if CHUNK_SIZE.fullmatch(size) is None:
        raise InvalidChunk(f"chunk size must be 1 to {MAX_CHUNK_SIZE_DIGITS} hex digits, got {quote(size)}")
    if semicolon and CHUNK_EXTENSIONS.fullmatch(line, len(size)) is None:
        raise InvalidChunk(f"malformed chunk extension: {quote(extensions)}")
    return int(size, 16)
