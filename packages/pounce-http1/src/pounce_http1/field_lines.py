"""Header field lines: bytes in, (lower-case name, value) pairs out. Used for request heads and for trailers.

``parse_field_line`` takes one line and says what is wrong with it; header_block.py takes a whole block.
"""

from __future__ import annotations

from typing import Final

from pounce_http1.errors import InvalidHeader, quote
from pounce_http1.grammar import FIELD_BYTES, TOKEN_BYTES

__all__ = ["DECISIVE_NAMES", "Field", "parse_field_line"]

Field = tuple[bytes, bytes]
"""A header field: name in lower case, value without surrounding white space."""

DECISIVE_NAMES: Final = frozenset(
    {b"connection", b"content-length", b"expect", b"host", b"te", b"transfer-encoding", b"upgrade"}
)
"""Fields from which facts about the request are derived (head.py)."""


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
