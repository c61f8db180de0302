"""What octets names, values, targets and hosts may have: the policy of HTTP/1.1, for fields that arrive one by one.

Tables are for ``bytes.translate``: what is not allowed changes, so that one comparison tells. Citations are to RFC 9110
and RFC 9113.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

__all__ = ["is_field_name", "is_field_value", "is_target", "is_token", "is_valid_host", "parse_length"]

_MAX_PORT: Final = 65_535
_MAX_LENGTH: Final = 2**63
_MAX_LENGTH_DIGITS: Final = 19
"""Decimal digits of 2**63 - 1. Without a bound, thousands of digits would cost quadratic time to convert."""


def _table(allowed: bytes) -> bytes:
    return bytes(byte if byte in allowed else (byte == 0) for byte in range(256))


# token = 1*tchar (RFC 9110, 5.6.2); field names have no upper case (RFC 9113, 8.2.1; RFC 9114, 4.2).
_LOWER: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
_NAME_BYTES: Final = _table(_LOWER)
_TOKEN_BYTES: Final = _table(_LOWER + b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
# field-value (RFC 9110, 5.5): visible characters, obs-text, and SP and HTAB within.
_VALUE_BYTES: Final = _table(bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)]))
# VCHAR, without a fragment (RFC 9110, 7.1).
_TARGET_BYTES: Final = _table(bytes(byte for byte in range(0x21, 0x7F) if byte != ord("#")))

# uri-host [ ":" port ] (RFC 9110, 7.2; RFC 3986, 3.2.2): IP-literal, IPv4address or reg-name.
_UNRESERVED: Final = rb"A-Za-z0-9\-._~"
_SUB_DELIMS: Final = rb"!$&'()*+,;="
_HOST: Final = re.compile(
    rb"(?:(?:[" + _UNRESERVED + _SUB_DELIMS + rb"]|%[0-9A-Fa-f]{2})+"
    rb"|\[(?P<ipv6>[0-9A-Fa-f:.]+)\]"
    rb"|\[[vV][0-9A-Fa-f]+\.[" + _UNRESERVED + _SUB_DELIMS + rb":]+\])(?::(?P<port>[0-9]{0,5}))?"
)
_USUAL_HOST: Final = re.compile(rb"[" + _UNRESERVED + rb"]++:?+[0-9]{0,4}+")


def is_field_name(name: bytes) -> bool:
    """A token in lower case."""
    return bool(name) and name.translate(_NAME_BYTES) == name


def is_token(data: bytes) -> bool:
    """One or more tchar."""
    return bool(data) and data.translate(_TOKEN_BYTES) == data


def is_field_value(value: bytes) -> bool:
    """No control characters, and no white space at either end (RFC 9113, 8.2.1)."""
    return value.translate(_VALUE_BYTES) == value and value.strip(b" \t") == value


def is_target(path: bytes) -> bool:
    """What a path with its query may consist of."""
    return path.translate(_TARGET_BYTES) == path


def is_valid_host(host: bytes) -> bool:
    """``uri-host [ ":" port ]`` with a host that is not empty and a port that exists."""
    if _USUAL_HOST.fullmatch(host) is not None:
        return True
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    if match["ipv6"] is not None:
        try:
            ipaddress.IPv6Address(match["ipv6"].decode("ascii"))
        except ValueError:
            return False
    return not match["port"] or int(match["port"]) <= _MAX_PORT


def parse_length(value: bytes) -> int | None:
    """Content-Length = 1*DIGIT (RFC 9110, 8.6), below 2**63; None for anything else."""
    if not value.isdigit() or len(value) > _MAX_LENGTH_DIGITS:
        return None
    length = int(value)
    return length if length < _MAX_LENGTH else None
