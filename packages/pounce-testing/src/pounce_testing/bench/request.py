"""The request that is sent over and over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["LoadRequest"]

_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""token (RFC 9110, 5.6.2), which names of headers are, too."""
_TARGET: Final = re.compile(r"/[!-~]*")
"""origin-form (RFC 9112, 3.2.1): no space, and nothing but ASCII."""
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")
"""field-value (RFC 9110, 5.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """One request over HTTP/1.1."""

    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __post_init__(self) -> None:
        """
        Raises:
            ValueError: it could not be sent as it is; the message says what to write.
        """
        if _METHOD.fullmatch(self.method) is None:
            raise ValueError(f"{self.method!r} is no method: it is a word, such as GET")
        if _TARGET.fullmatch(self.path) is None:
            raise ValueError(f"{self.path!r} is no path: it begins with /, and all but ASCII is written as %C3%A9")
        for name, value in self.headers:
            if _METHOD.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
                raise ValueError(f"'{name}: {value}' is no header: a name is a word, a value one line of Latin-1")

    def wire(self, host: str, port: int) -> bytes:
        """Its bytes."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}:{port}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body
