"""Header field lines: bytes in, (lower-case name, value) pairs out. Used for request heads and for trailers.

``parse_field_line`` takes one line and says what is wrong with it; header_block.py takes a whole block.
"""

from __future__ import annotations

from typing import Final

from pounce_http1.errors import InvalidHeader, quote
from pounce_http1.grammar import FIELD_BYTES, TOKEN_BYTES

__all__ = ["DECISIVE_NAMES", "KNOWN_NAMES", "Field", "Names", "parse_field_line"]

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


class Names(dict[bytes, bytes]):
    """Usual spellings of common names -> lower case; any other token is lower-cased when it is looked up."""

    __slots__ = ()
    __missing__ = staticmethod(bytes.lower)  # a hit costs less, and a miss costs no call of a Python function


KNOWN_NAMES: Final = Names(
    (spelling, name.lower()) for name in (*_COMMON, *DECISIVE_NAMES) for spelling in (name, name.title(), name.lower())
)
"""For readers without a memo; each memo has a copy."""


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
