"""One case of the table: bytes that a client sends, and what an HTTP/1.1 engine must make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pounce_http1.limits import Limits

if TYPE_CHECKING:
    from pounce_http1.errors import RemoteProtocolError

__all__ = ["HOST", "Case", "Difference", "Request", "get", "post"]

HOST = b"Host: a.example\r\n"
"""The field that a request of the table has when the case is not about Host."""

_DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What must be read of one request. How its body was cut into chunks is not part of it."""

    method: str = "GET"
    target: bytes = b"/"
    headers: tuple[tuple[bytes, bytes], ...] | None = None
    """All fields in order, names in lower case; None where a case does not care."""
    body: bytes | None = None
    """The content; None when no body follows the head (then there is no ``EndOfBody`` either)."""
    complete: bool = True
    """Whether the end of the body was reached."""
    trailers: tuple[tuple[bytes, bytes], ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()
    """Attributes of the ``RequestHead`` by name, such as ``("keep_alive", False)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What the h11 engine rightly makes of a case instead: ``why``, and its outcome in the terms of ``Case``."""

    why: str
    requests: tuple[Request, ...] = ()
    status: int | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Bytes, and the requests, the refusal, or the waiting that must follow from them however they are cut."""

    name: str
    """Unique: subject, slash, what is odd."""
    wire: bytes
    reason: str
    """Why, with the clause."""
    requests: tuple[Request, ...] = ()
    """Read before the end or the refusal, in order."""
    error: type[RemoteProtocolError] | None = None
    """The refusal, with its ``status``; None if nothing is wrong."""
    waiting: bool = False
    """The bytes end in the middle of a request: a close would be ``IncompleteRequest``."""
    limits: Limits = _DEFAULT_LIMITS
    h11: Difference | None = None

    @property
    def status(self) -> int | None:
        """The status of the refusal, or None."""
        return None if self.error is None else self.error.status


def get(*lines: bytes, start: bytes = b"GET / HTTP/1.1") -> bytes:
    """A head with Host and these further lines, each without its line end."""
    return b"%b\r\n%b%b\r\n" % (start, HOST, b"".join(line + b"\r\n" for line in lines))


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """The same with POST, and what follows the head."""
    return get(*lines, start=b"POST / HTTP/1.1") + body
