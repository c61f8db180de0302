"""What a client sent, as it may stand in a line of text.

Control characters could forge a second line or drive a terminal, a quote would end the quoted part, and letters beyond
ASCII can look like others. They are written as ``\\xff``, in the way of nginx.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["safe", "safe_bytes"]

_UNSAFE: Final = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


def safe(text: str) -> str:
    """The text in visible ASCII, without quotes and backslashes of its own."""
    # Four steps of C are quicker than the expression, and nearly every text is safe.
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return _UNSAFE.sub(_escaped, text)


def safe_bytes(octets: bytes) -> str:
    """The same for what came over the wire: each octet by itself, whatever it was meant to encode."""
    return safe(octets.decode("latin-1"))


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    # A host name or the like of a program may hold any character; what comes from the wire is below 256.
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
