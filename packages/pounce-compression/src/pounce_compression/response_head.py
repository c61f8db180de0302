"""The head of a response: what of it decides about compression, and what compression changes in it."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["ResponseHead"]

_FINAL: Final = frozenset(
    {b"content-encoding", b"content-range", b"content-digest", b"repr-digest", b"digest", b"content-md5"}
)
_ABSENT: Final = b""


class ResponseHead:
    """``http.response.start``, read once. Changing it makes a new list of fields; the application's stays as it was.

    Raises:
        TypeError, ValueError, AttributeError, KeyError: the message is not as ASGI has it; the server will say so.
    """

    __slots__ = ("_values", "fields", "message", "status")

    def __init__(self, message: dict[str, Any]) -> None:
        self.message = message
        self.status: int = message["status"]
        if not isinstance(self.status, int):
            raise TypeError("the status is not a number")
        self.fields: list[tuple[bytes, bytes]] = [(name.lower(), value) for name, value in message.get("headers", ())]
        self._values: dict[bytes, bytes] = dict(self.fields)
        if len(self._values) < len(self.fields):
            self._values = _joined(self.fields)

    def value(self, name: bytes) -> bytes | None:
        """The value of a field, its lines joined by commas (RFC 9110, 5.3), or None."""
        return self._values.get(name)

    @property
    def content_type(self) -> bytes:
        """The media type with its parameters; empty when there is none."""
        return self._values.get(b"content-type", _ABSENT)

    @property
    def content_length(self) -> int | None:
        """The length that the application declares, or None."""
        value = self._values.get(b"content-length", _ABSENT)
        return int(value) if value.isdigit() and len(value) < 19 else None

    @property
    def no_transform(self) -> bool:
        """The application forbids it (RFC 9111, 5.2.2.6)."""
        directives = self._values.get(b"cache-control")
        return directives is not None and b"no-transform" in directives.lower()

    @property
    def is_final(self) -> bool:
        """Fields say that the bytes are coded already, a range, or of a digest (RFC 9530, and before)."""
        return not _FINAL.isdisjoint(self._values)

    @property
    def is_shared(self) -> bool:
        """Nothing says that the content is for one client only, or that it must not be stored."""
        directives = self._values.get(b"cache-control", _ABSENT).lower()
        return not (b"private" in directives or b"no-store" in directives or b"set-cookie" in self._values)

    def add(self, name: bytes, value: bytes) -> None:
        """One more line."""
        self.fields.append((name, value))

    def vary_on(self, *names: bytes) -> None:
        """Merge field names into ``Vary``, which stays ``*`` if it is (RFC 9110, 12.5.5)."""
        vary = self._values.get(b"vary", _ABSENT).strip(b" \t,")
        if not vary:
            self._set_vary(b", ".join(names))
            return
        known = {part.strip() for part in vary.lower().split(b",")}
        missing = [name for name in names if name.lower() not in known]
        if b"*" in known or not missing:
            return
        self._set_vary(b", ".join((vary, *missing)))

    def weaken_etag(self) -> None:
        """A strong ``ETag`` becomes weak: the bytes are other ones than it was made for (RFC 9110, 8.8.1)."""
        etag = self._values.get(b"etag")
        if etag is not None and etag.startswith(b'"'):
            self._drop(b"etag")
            self.fields.append((b"etag", b"W/" + etag))

    def encode(self, coding: str, length: int | None) -> None:
        """Say that the content is coded; ``length`` is that of the coded bytes, None if it is not known."""
        self.weaken_etag()
        # Ranges are of the coded bytes (RFC 9110, 14.1), and those are made anew each time: none can be served.
        self._drop(b"content-length", b"accept-ranges")
        self.fields.append((b"content-encoding", coding.encode()))
        # An application that chose its framing, or that announces trailers, needs chunks in HTTP/1.1.
        if length is not None and b"transfer-encoding" not in self._values and not self.message.get("trailers"):
            self.fields.append((b"content-length", b"%d" % length))

    def to_message(self) -> dict[str, Any]:
        """The message with the fields as they are now."""
        return {**self.message, "headers": self.fields}

    def _set_vary(self, value: bytes) -> None:
        self._drop(b"vary")
        self._values[b"vary"] = value
        self.fields.append((b"vary", value))

    def _drop(self, *names: bytes) -> None:
        if any(name in self._values for name in names):
            self.fields = [field for field in self.fields if field[0] not in names]


def _joined(fields: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    values: dict[bytes, bytes] = {}
    for name, value in fields:
        values[name] = values[name] + b", " + value if name in values else value
    return values
