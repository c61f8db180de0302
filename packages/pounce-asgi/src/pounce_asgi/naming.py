"""What log lines call requests, clients and numbers of things. Whatever a client can choose is escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["client_name", "counted", "request_name"]

_UNSAFE: Final = re.compile(r"[^!-\[\]-~]")
"""All but visible ASCII, and the backslash, with which escapes begin."""


def request_name(method: str, path: bytes) -> str:
    r"""``GET /items``: on one line, and readable as it is; any other byte is written ``\x0a``."""
    return f"{_safe(method)} {_safe(path.decode('latin-1'))}"


def client_name(client: Sequence[str | int] | None) -> str:
    """``192.0.2.7:60874``, ``[2001:db8::7]:60874``, or that it came over a UNIX socket (None)."""
    if client is None:
        return "a UNIX socket"
    host, port = str(client[0]), client[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def counted(number: int, thing: str) -> str:
    """``1 request``, ``2 requests``: for things whose plural ends with an s."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _safe(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
