"""Header field lines: bytes in, (lower-case name, value) pairs out. Used for request heads and for trailers.

Must be fast: it is most of the cost of a head that was not seen before. ``parse_field_lines`` therefore judges a whole
block with few calls into C and says only whether it is right; ``parse_field_line`` takes one line and says what is
wrong with it. Both accept the same language (a property test compares them).
"""

from __future__ import annotations

from typing import Final

from pounce_http1.errors import InvalidHeader, quote
from pounce_http1.grammar import FIELD_BYTES, TOKEN_BYTES

__all__ = ["DECISIVE_NAMES", "KNOWN_NAMES", "Field", "parse_field_line", "parse_field_lines"]

Field = tuple[bytes, bytes]
"""A header field: name in lower case, value without surrounding white space."""

DECISIVE_NAMES: Final = frozenset(
    {b"connection", b"content-length", b"expect", b"host", b"te", b"transfer-encoding", b"upgrade"}
)
"""Fields from which facts about the request are derived (head.py)."""

_COMMON: Final = (
    b"Accept Accept-Charset Accept-Encoding Accept-Language Access-Control-Request-Headers Access-Control-Request- "
    b"Method Authorization Cache-Control CF-Connecting-IP CF-Ray Content-Encoding Content-Type Cookie Date Device- "
    b"Memory DNT Forwarded From If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive "
    b"Last-Event-ID Max-Forwards Origin Pragma Priority Proxy-Authorization Proxy-Connection Range Referer Save- "
    b"Data Sec-CH-UA Sec-CH-UA-Arch Sec-CH-UA-Mobile Sec-CH-UA-Model Sec-CH-UA-Platform Sec-Fetch-Dest Sec-Fetch- "
    b"Mode Sec-Fetch-Site Sec-Fetch-User Sec-GPC Sec-WebSocket-Extensions Sec-WebSocket-Key Sec-WebSocket-Protocol "
    b"Sec-WebSocket-Version Traceparent Tracestate Upgrade-Insecure-Requests User-Agent Via X-Amzn-Trace-Id X-API- "
    b"Key X-CSRF-Token X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Proto X-Real-IP X-Request-ID "
    b"X-Requested-With"
).split()


def _spellings(names: tuple[bytes, ...] | list[bytes] | frozenset[bytes]) -> dict[bytes, bytes]:
    return {spelling: name.lower() for name in names for spelling in (name, name.title(), name.lower())}


KNOWN_NAMES: Final = _spellings(_COMMON)
"""Usual spellings of common names -> lower case. A hit is lower-cased and proven a token in one look-up.

It never holds a decisive name: those take the other branch, so that the common names need not be compared with them.
"""

_KNOWN_DECISIVE: Final = _spellings(DECISIVE_NAMES)


def parse_field_lines(lines: list[bytes], names: dict[bytes, bytes]) -> tuple[list[Field], list[Field]] | None:
    """The fields of all lines, and once more those with decisive names; None if any line is not a field line.

    ``lines`` come without their CRLF. ``names`` is ``KNOWN_NAMES`` or a copy of it.
    """
    text = b"".join(lines)
    if text.translate(FIELD_BYTES) != text:
        return None
    fields: list[Field] = []
    decisive: list[Field] = []
    lower_case, append = names.get, fields.append
    try:
        for line in lines:
            name, value = line.split(b":", 1)
            lower = lower_case(name)
            if lower is not None:
                # Only SP and HTAB can be meant: the table above admits no other white space.
                append((lower, value.strip()))
                continue
            lower = _KNOWN_DECISIVE.get(name) or name.lower()
            field = (lower, value.strip())
            append(field)
            if lower in DECISIVE_NAMES:
                decisive.append(field)
            elif not name or name.translate(TOKEN_BYTES) != name:
                return None
    except ValueError:  # a line without a colon
        return None
    return fields, decisive


def parse_field_line(line: bytes) -> Field:
    """One field line, given without its CRLF. Raises InvalidHeader, which says what is wrong.

    ``field-line = field-name ":" OWS field-value OWS`` (RFC 9112, 5). White space before the colon (5.1), a line that
    continues the one before it (obs-fold, 5.2), CR, LF, NUL and other control characters in a value (RFC 9110, 5.5)
    are refused, never repaired.
    """
    if line.startswith((b" ", b"\t")):
        raise InvalidHeader(f"header line starts with white space (obsolete line folding): {quote(line)}")
    name, colon, value = line.partition(b":")
    if not colon:
        raise InvalidHeader(f"header line without a colon: {quote(line)}")
    if not name or name.translate(TOKEN_BYTES) != name:
        raise InvalidHeader(f"header name is not a token: {quote(name)}")
    if value.translate(FIELD_BYTES) != value:
        raise InvalidHeader(f"control character in the value of {quote(name)}: {quote(value)}")
    return name.lower(), value.strip(b" \t")
