"""The rules of a response that hold over every wire: which header fields mean something, and when a body may follow.

A response field is looked at once: `HeaderMemo` remembers for each ``(name, value)`` what kind it is and what it looks
like on the wire, so that a field an application sends again costs one dictionary look-up. Hot path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic

from pounce_asgi.contracts import HeaderPair, WireFields
from pounce_asgi.errors import InvalidResponseHeader

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "CONNECTION_CLOSE",
    "CONTENT_LENGTH",
    "DATE",
    "IGNORED",
    "PLAIN",
    "SERVER",
    "HeaderMemo",
    "allows_body",
    "parse_content_length",
]

# Kinds of response fields. Plain integers, because they are compared for every field of every response.
PLAIN: Final = 0
"""Goes to the client as it is."""
CONTENT_LENGTH: Final = 1
DATE: Final = 2
SERVER: Final = 3
CONNECTION_CLOSE: Final = 4
"""``connection: close``: the application asks that the connection end; the wire says so in its own way."""
IGNORED: Final = 5
"""Framing and connection management belong to the server: transfer-encoding, keep-alive (RFC 9112, 6.1; 9.6)."""

MEMO_ENTRIES: Final = 1024
MEMO_FIELD_BYTES: Final = 256
# 1024 fields of at most 256 bytes, each held as key and as wire form: below 1 MiB a worker.


class HeaderMemo(dict[HeaderPair, tuple[int, WireFields, int]], Generic[WireFields]):
    """Remembers the kind and the wire form of response fields. One per worker and wire; not thread-safe.

    ``memo[name, value]`` gives ``(kind, wire form, number)``, the number being that of a content-length. It holds at
    most 1024 fields of up to 256 bytes and starts anew when it is full, so that values that never repeat (cookies,
    entity tags) cost little and never fill the memory.

    Raises:
        InvalidResponseHeader: the field may not be sent; from the first look-up of it and every later one.
    """

    __slots__ = ("encode",)

    def __init__(self, encode: Callable[[bytes, bytes], WireFields]) -> None:
        """``encode`` validates a field and renders it; it raises ValueError or TypeError for one that is not valid."""
        super().__init__()
        self.encode = encode

    def __missing__(self, pair: HeaderPair) -> tuple[int, WireFields, int]:
        try:
            name, value = pair
            if name.__class__ is not bytes or value.__class__ is not bytes:
                # Equal to bytes, and so found where those were seen before: then they are to be taken always.
                name, value = _plain(name), _plain(value)
            wire = self.encode(name, value)
        except (ValueError, TypeError) as error:
            raise InvalidResponseHeader(f"the application sent the response header {pair!r:.200}: {error}") from error
        kind = _kind(name, value)
        entry = (kind, wire, parse_content_length(value) if kind == CONTENT_LENGTH else 0)
        if len(name) + len(value) <= MEMO_FIELD_BYTES:
            if len(self) >= MEMO_ENTRIES:
                self.clear()
            self[pair] = entry
        return entry

    def unhashable(self, pair: Any) -> tuple[int, WireFields, int]:
        """The entry of a field that was given as a list or with bytearrays, which cannot be keys themselves."""
        try:
            name, value = pair
            key = (_as_bytes(name), _as_bytes(value))
        except (ValueError, TypeError) as error:
            raise InvalidResponseHeader(
                f"the application sent the response header {pair!r:.200}; a header is a pair of bytes: (name, value)"
            ) from error
        return self[key]


def _plain(part: Any) -> Any:
    """Plain bytes of what can be told from them by its type alone; anything else as it is, for ``encode`` to refuse."""
    return bytes(part) if isinstance(part, (bytes, memoryview)) else part


def _as_bytes(part: object) -> bytes:
    if isinstance(part, (bytes, bytearray, memoryview)):
        return bytes(part)
    raise TypeError(f"{part!r:.100} is not bytes")


def _kind(name: bytes, value: bytes) -> int:
    match name.lower():
        case b"content-length":
            return CONTENT_LENGTH
        case b"date":
            return DATE
        case b"server":
            return SERVER
        case b"connection":
            return _connection_kind(value)
        case b"transfer-encoding" | b"keep-alive" | b"proxy-connection":
            return IGNORED
        case _:
            return PLAIN


def _connection_kind(value: bytes) -> int:
    options = {option.strip(b" \t").lower() for option in value.split(b",")}
    if b"close" in options:
        return CONNECTION_CLOSE
    if b"upgrade" in options:
        return PLAIN  # says which protocol a 426 asks for (RFC 9110, 7.8)
    return IGNORED


def allows_body(method: str, status: int) -> bool:
    """Whether body bytes may follow the head (RFC 9110, 6.4.1): not for HEAD, 1xx, 204 and 304."""
    return method != "HEAD" and status >= 200 and status not in (204, 304)


def parse_content_length(value: bytes) -> int:
    """The length that an application announced.

    Raises:
        InvalidResponseHeader: it is not a plain decimal number (RFC 9110, 8.6).
    """
    # isdigit() on bytes knows ASCII digits only; int() alone would also take "+5", " 5" and "5_0".
    if not value.isdigit() or len(value) > 19:
        raise InvalidResponseHeader(f"the application sent content-length: {value!r:.100}, which is not a number")
    return int(value)
