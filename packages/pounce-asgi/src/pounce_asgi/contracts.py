"""The contracts between the layers of a server: transport, wire protocol, exchange.

Three parties meet here and none imports another:

- a **Transport** moves bytes for one connection and belongs to the worker;
- a **ConnectionProtocol** (HTTP/1.1, HTTP/2, ...) turns bytes into request heads and body chunks;
- an exchange turns those into ASGI, and answers through the **ResponseSink** that the wire protocol implements.

All objects of one connection are owned by the thread of its worker; nothing here is thread-safe or needs to be.
"""

from __future__ import annotations

import enum
from typing import IO, TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Sequence
    from typing import Self

    from pounce_asgi.types import TLSExtension

__all__ = [
    "BodyFraming",
    "ConnectionProtocol",
    "HeaderPair",
    "RequestHead",
    "ResponseSink",
    "Transport",
    "WireFields",
]

HeaderPair = tuple[bytes, bytes]
"""A header field: name in lower case, value without surrounding white space."""


class _Concatenable(Protocol):
    def __add__(self, other: Self, /) -> Self: ...


WireFields = TypeVar("WireFields", bound=_Concatenable)
"""Response header fields in the form that a wire has for them: rendered lines, each with its line end, over HTTP/1.1;
pairs over the later versions. ``+`` puts some behind others, and a single field has the same form.
"""
_Fields = TypeVar("_Fields", bound=_Concatenable, contravariant=True)


class BodyFraming(enum.Enum):
    """How the end of a response body is made known to the client."""

    NONE = "none"
    """No body bytes follow the head (HEAD, 204, 304)."""

    LENGTH = "length"
    """The header fields hold a content-length, and exactly that many bytes follow."""

    DELIMITED = "delimited"
    """The length is not known: the wire delimits the body itself (chunked, end of stream, end of connection)."""


class RequestHead(Protocol):
    """What an exchange needs to know of a request, whatever wire it came over."""

    @property
    def method(self) -> str:
        """The method as sent; methods are case-sensitive (RFC 9110, 9.1)."""

    @property
    def raw_path(self) -> bytes:
        """The path as sent, without the query, percent-encoding untouched."""

    @property
    def query_string(self) -> bytes:
        """What follows the first question mark; empty when there is none."""

    @property
    def http_version(self) -> str:
        """``"1.0"``, ``"1.1"``, ``"2"`` or ``"3"``."""

    @property
    def headers(self) -> Sequence[HeaderPair]:
        """The header fields in the order received. Shared: copy before handing it to an application."""

    @property
    def content_length(self) -> int | None:
        """The announced length of the body in bytes, or None when it is not announced."""

    @property
    def has_body(self) -> bool:
        """Whether body chunks or an end of body will follow this head."""

    @property
    def expect_continue(self) -> bool:
        """Whether the client waits for a 100 before it sends the body (RFC 9110, 10.1.1)."""

    @property
    def accepts_trailers(self) -> bool:
        """Whether the request said ``TE: trailers`` (RFC 9110, 10.1.4)."""


class Transport(Protocol):
    """One connection's bytes. Given by a worker to a wire protocol."""

    peer: tuple[str, int] | None
    """Address and port of the client; None over a UNIX socket."""

    local: tuple[str, int | None] | None
    """Address and port that the client connected to; the path and None over a UNIX socket."""

    scheme: str
    """``"http"`` or ``"https"``."""

    tls: TLSExtension | None
    """What an application learns about TLS; None without it."""

    deadline: float
    """When the protocol wants ``deadline_expired()``: seconds on the worker's monotonic clock, ``inf`` for never."""

    congested: bool
    """More bytes wait than the high-water mark; the protocol hears ``writable()`` when it is over.
    Also after a write that found the client gone, until ``connection_lost()``."""

    closing: bool
    """``close()`` or ``abort()`` was called, or the connection is lost."""

    def write(self, data: bytes) -> None:
        """Send what the socket takes now and keep the rest. After ``close()`` or a lost connection it does nothing."""

    def write_parts(self, parts: Sequence[bytes]) -> None:
        """Like ``write()`` for several pieces at once, without joining large ones."""

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> Future[int]:
        """Send a range of a file after what was written; the result is the number of bytes sent.

        ``offset`` None reads from the file's position, ``count`` None to its end. The future fails with an
        OSError when the file cannot be read or the connection is lost.
        """

    def pause_reading(self) -> None:
        """Stop calling ``data_received()`` until ``resume_reading()``."""

    def resume_reading(self) -> None:
        """Undo ``pause_reading()``."""

    def close(self, *, linger: bool = False) -> None:
        """Send what waits, then close. With ``linger`` the write side is shut down first and what the client still
        sends is read and dropped within bounds, so that it can read the answer instead of a reset (RFC 9112, 9.6).
        """

    def abort(self) -> None:
        """Close at once with a reset; what waits is dropped."""


class ConnectionProtocol(Protocol):
    """A wire protocol on one connection. All methods are called by the transport, in the worker's thread."""

    @property
    def idle(self) -> bool:
        """No request is in flight or half-received: closing now loses nothing."""

    def data_received(self, data: bytes) -> None:
        """Bytes arrived; never empty."""

    def eof_received(self) -> None:
        """The client will send no more; it may still read."""

    def writable(self) -> None:
        """The transport is no longer congested."""

    def connection_lost(self, error: OSError | None) -> None:
        """The connection is gone: None after our own close. Called exactly once, last."""

    def deadline_expired(self) -> None:
        """``transport.deadline`` has passed; it is ``inf`` again."""

    def begin_drain(self) -> None:
        """The server stops: finish what is in flight, accept nothing new, close when idle."""


class ResponseSink(Protocol[_Fields]):
    """Where an exchange writes its response, and what it asks of the wire. A wire protocol implements it."""

    congested: bool
    """The client reads slowly: after the next write wait for ``HttpExchange.resume_sending()``."""

    @property
    def stream_id(self) -> int:
        """Which stream of its connection it is, as the wire counts them; 0 where there are none."""

    def send_informational(self, status: int, headers: _Fields) -> None:
        """Send an interim response (1xx). Wires that cannot, such as HTTP/1.0, drop it."""

    def send_head(
        self, status: int, headers: _Fields, framing: BodyFraming, body: bytes, end: bool, close: bool
    ) -> None:
        """Send the head together with the first piece of body, which may be empty.

        ``end``: the response is complete with this. ``close``: the application asked that the connection end.
        """

    def send_body(self, data: bytes, end: bool) -> None:
        """Send a further piece of the body; ``end`` with the last one."""

    def send_file(self, file: IO[bytes] | int, offset: int | None, count: int | None, *, end: bool) -> Future[int]:
        """Send a piece of the body from a file; see ``Transport.sendfile``."""

    def send_trailers(self, headers: _Fields) -> None:
        """End the response with trailer fields; only after a body whose framing is DELIMITED."""

    def resume_body(self) -> None:
        """The application took what had waited: the request body may be read further."""

    def reset(self) -> None:
        """The response cannot be completed: end it so that the client can tell (abort, RST_STREAM)."""
