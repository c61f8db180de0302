"""Fields of a request or response that lines show."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from .escaping import safe_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["basic_user", "field_of", "fields_of"]


def field_of(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The value of a field, its lines joined as in RFC 9110, 5.2; None when there is none. ``name`` in lower case."""
    found: bytes | None = None
    for key, value in headers:
        if key == name:
            found = value if found is None else found + b", " + value
    return found


def fields_of(headers: Sequence[tuple[bytes, bytes]], first: bytes, second: bytes) -> tuple[bytes | None, bytes | None]:
    """The values of two fields that come once each; of several the last."""
    one: bytes | None = None
    other: bytes | None = None
    for key, value in headers:
        if key == first:
            one = value
        elif key == second:
            other = value
    return one, other


def basic_user(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Who the client says it is, by HTTP Basic (RFC 7617); a dash when it does not. The password is left out."""
    for key, value in headers:
        if key == b"authorization":
            return _user(value)
    return "-"


def _user(credentials: bytes) -> str:
    scheme, _, coded = credentials.partition(b" ")
    if scheme.lower() != b"basic":
        return "-"
    try:
        user, colon, _ = base64.b64decode(coded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return "-"
    # A space would shift what follows for every reader of the line.
    return safe_bytes(user).replace(" ", "\\x20") if colon and user else "-"
