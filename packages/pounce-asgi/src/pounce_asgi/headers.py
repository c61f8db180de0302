"""Look-ups in ASGI header lists.

A header list is any iterable of ``(name, value)`` pairs of bytes. Names are compared without regard to case, because
ASGI recommends lower case and does not demand it; no text decoding happens anywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["combined", "contains_token", "get", "get_all", "list_elements"]

# quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE (RFC 9110, 5.6.4). A quote that is never closed takes the
# rest of the value with it: better one odd element than a comma inside a string taken for a separator.
_ELEMENT: Final = re.compile(rb'(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))+', re.DOTALL)


def get(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The value of the first field with that name, or None."""
    wanted = name.lower()
    for field_name, value in headers:
        if field_name.lower() == wanted:
            return value
    return None


def get_all(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """The values of all fields with that name, in order."""
    wanted = name.lower()
    return [value for field_name, value in headers if field_name.lower() == wanted]


def combined(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """All fields with that name as one value, or None when there is none.

    They are joined with a comma (RFC 9110, 5.3), cookies with a semicolon (RFC 9113, 8.2.3). ``set-cookie`` cannot be
    combined (RFC 9110, 5.3): use ``get_all()``.

    Raises:
        ValueError: the name is ``set-cookie``.
    """
    wanted = name.lower()
    if wanted == b"set-cookie":
        raise ValueError("set-cookie fields cannot be combined into one value; use get_all()")
    values = get_all(headers, wanted)
    if not values:
        return None
    return (b"; " if wanted == b"cookie" else b", ").join(values)


def list_elements(value: bytes) -> list[bytes]:
    """The elements of a comma-separated list, stripped; empty ones are skipped (RFC 9110, 5.6.1.2).

    Commas inside quoted strings do not separate.
    """
    stripped = (element.strip(b" \t") for element in _ELEMENT.findall(value))
    return [element for element in stripped if element]


def contains_token(value: bytes | None, token: bytes) -> bool:
    """Whether a comma-separated list has ``token`` as an element, without regard to case.

    None, a field that is not there, contains nothing. An element with parameters (``gzip;q=0``) is not that token.
    """
    if not value:
        return False
    wanted = token.lower()
    return any(element.lower() == wanted for element in list_elements(value))
