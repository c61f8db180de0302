"""A request as HTTP/1.1 has it: its head, and its body in the pieces in which it is given."""

from __future__ import annotations

import json as json_module
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

__all__ = ["Body", "HeaderInput", "RequestHeadBytes", "body_pieces", "target_of"]

HeaderInput = Mapping[str, str] | Iterable[tuple[str, str]]
"""Header fields: a mapping, or pairs where one comes more than once."""

Body = bytes | str | Iterable[bytes] | AsyncIterable[bytes]
"""What comes in pieces is sent in chunks."""

_SAFE = "/%:@!$&'()*+,;=-._~"


class RequestHeadBytes:
    """Collects the fields of one request. What the caller gives is never replaced."""

    def __init__(self, method: str, target: str, headers: HeaderInput) -> None:
        self.method = method
        self.target = target
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        self.fields: list[tuple[str, str]] = list(pairs)

    def default(self, name: str, value: str) -> None:
        """Add a field unless there is one of that name."""
        if not self.has(name):
            self.fields.append((name, value))

    def has(self, name: str) -> bool:
        """Whether there is a field of that name."""
        return any(given.lower() == name.lower() for given, _ in self.fields)

    def wire(self) -> bytes:
        """The head with the empty line."""
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.fields), "", ""]
        return "\r\n".join(lines).encode("latin-1")


def target_of(path: str, params: Mapping[str, str] | None) -> str:
    """A path with what is not ASCII or has a meaning escaped, and a query.

    Raises:
        ValueError: it does not begin with a slash.
    """
    if not path.startswith("/") and path != "*":
        raise ValueError(f"a path begins with a slash: {path!r}")
    path, mark, query = path.partition("?")
    if params:
        query = "&".join(part for part in (query, urlencode(params)) if part)
        mark = "?"
    return f"{quote(path, safe=_SAFE)}{mark}{quote(query, safe=_SAFE + '?')}"


def body_pieces(content: Body | None, json: Any) -> tuple[bytes | Iterable[bytes] | AsyncIterable[bytes], str | None]:
    """The body, and its media type where that is known.

    Raises:
        TypeError: both were given.
    """
    if json is not None:
        if content is not None:
            raise TypeError("give content or json, not both")
        return json_module.dumps(json, separators=(",", ":"), ensure_ascii=False).encode(), "application/json"
    if isinstance(content, str):
        return content.encode(), "text/plain; charset=utf-8"
    return (b"" if content is None else content), None
