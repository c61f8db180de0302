"""The grammar of HTTP/1.1 as regular expressions and byte tables, each below the rule that it comes from.

All patterns are for ``fullmatch()``: ``$`` would match before a line feed at the end. A table is for
``data.translate(TABLE) == data``: a byte that is not allowed becomes another one. That is one pass in C, several times
faster than a regular expression over the same bytes.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "CHUNK_EXTENSIONS",
    "CHUNK_SIZE",
    "FIELD_BYTES",
    "FIELD_LINES",
    "HEX_BYTES",
    "HOST",
    "HTTP_VERSION",
    "TARGET_BYTES",
    "TOKEN",
    "TOKEN_BYTES",
    "USUAL_HOST",
]


def _table(allowed: bytes) -> bytes:
    other = {byte: 1 if byte == 0 else 0 for byte in range(256)}  # NUL must change, too
    return bytes(byte if byte in allowed else other[byte] for byte in range(256))


# RFC 9110, 5.6.2
#   token = 1*tchar
#   tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
_TCHAR: Final = rb"!#$%&'*+\-.^_`|~0-9A-Za-z"
TOKEN: Final = re.compile(rb"[" + _TCHAR + rb"]+")
TOKEN_BYTES: Final = _table(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

# RFC 9112, 3.2: the forms of a target are told apart in target.py; common to all is VCHAR, and that a fragment, which
# starts with "#", is never sent (RFC 9110, 7.1).
TARGET_BYTES: Final = _table(bytes(byte for byte in range(0x21, 0x7F) if byte != ord("#")))

# RFC 9112, 2.3
#   HTTP-version = HTTP-name "/" DIGIT "." DIGIT
#   HTTP-name    = %s"HTTP"
HTTP_VERSION: Final = re.compile(rb"HTTP/([0-9])\.([0-9])")

# RFC 9110, 5.5
#   field-value   = *field-content
#   field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ]
#   field-vchar   = VCHAR / obs-text
#   obs-text      = %x80-FF
FIELD_BYTES: Final = _table(bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)]))

# RFC 9112, 5
#   field-line   = field-name ":" OWS field-value OWS
#   header block = *( field-line CRLF ) CRLF
# For findall() over all field lines, without the empty line: each match is one of them. Once a line is not one, or ends
# with OWS, one last match takes all that is left and has no name. So the matches leave nothing out; and no repetition
# gives back what it took, so no byte is looked at more than twice.
FIELD_LINES: Final = re.compile(rb"([" + _TCHAR + rb"]++):[ \t]*+([\t\x20-\x7e\x80-\xff]*+)(?<![ \t])\r\n|(?s:.)++")

# RFC 9110, 7.2 and RFC 3986, 3.2.2, 3.2.3
#   Host       = uri-host [ ":" port ]
#   uri-host   = IP-literal / IPv4address / reg-name
#   IP-literal = "[" ( IPv6address / IPvFuture ) "]"
#   IPvFuture  = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
#   reg-name   = *( unreserved / pct-encoded / sub-delims )
#   port       = *DIGIT
# An empty reg-name is left to the caller. A port is at most 65535: five digits here, the value in target.py.
_UNRESERVED: Final = rb"A-Za-z0-9\-._~"
_SUB_DELIMS: Final = rb"!$&'()*+,;="
HOST: Final = re.compile(
    rb"(?:"
    rb"(?P<name>(?:[" + _UNRESERVED + _SUB_DELIMS + rb"]|%[0-9A-Fa-f]{2})+)"
    rb"|\[(?P<ipv6>[0-9A-Fa-f:.]+)\]"
    rb"|\[[vV][0-9A-Fa-f]+\.[" + _UNRESERVED + _SUB_DELIMS + rb":]+\]"
    rb")(?::(?P<port>[0-9]{0,5}))?"
)

USUAL_HOST: Final = re.compile(rb"[" + _UNRESERVED + rb"]++:?+[0-9]{0,4}+")
"""Nearly every host, in less time than by the whole rule."""

# RFC 9112, 7.1
#   chunk-size = 1*HEXDIG
# Sixteen digits hold any 64-bit size; a reader with 64-bit numbers behind us would wrap around at more.
HEX_BYTES: Final = _table(b"0123456789ABCDEFabcdef")
CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")

# RFC 9112, 7.1.1 and RFC 9110, 5.6.4
#   chunk-ext      = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
#   chunk-ext-name = token
#   chunk-ext-val  = token / quoted-string
# Only what repeats one class is possessive: groups that are were broken until Python 3.11.5. Nothing can be matched in
# two ways, so that no byte is looked at more than a few times all the same.
_QUOTED_STRING: Final = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]++|\\[\t\x20-\x7e\x80-\xff])*"'
CHUNK_EXTENSIONS: Final = re.compile(
    rb"(?:[ \t]*+;[ \t]*+[" + _TCHAR + rb"]++(?:[ \t]*+=[ \t]*+(?:[" + _TCHAR + rb"]++|" + _QUOTED_STRING + rb"))?)*"
)
