"""SyncApp: an application that is called with a request and returns a response, in a thread where it may block.

Its records need no ASGI and no event loop. A handler that a worker calls is a `SyncHandler`: it takes a request and a
function that sends ASGI response messages, so that a SyncApp, a WSGI application (`pounce_asgi.wsgi`) and an ASGI one
are held to the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pounce_asgi import headers as header_lists
from pounce_asgi.errors import InvalidMessage
from pounce_asgi.request_stream import RequestStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pounce_asgi.contracts import HeaderPair

__all__ = [
    "ResponseFile",
    "SyncApp",
    "SyncAppHandler",
    "SyncHandler",
    "SyncRequest",
    "SyncResponse",
    "SyncSend",
]


class SyncRequest(NamedTuple):
    """A request. Owned by the thread that handles it.

    A named tuple, because one is made for each request: as a frozen dataclass it took 0.7 us more of the 5 us that an
    exchange takes.
    """

    method: str
    """As sent; methods are case-sensitive (RFC 9110, 9.1)."""
    path: str
    """Decoded from percent-encoding and UTF-8, without the query, beginning with ``root_path``."""
    raw_path: bytes = b""
    """As sent, percent-encoding untouched."""
    query_string: bytes = b""
    """What follows the first question mark."""
    http_version: str = "1.1"
    scheme: str = "http"
    headers: Sequence[HeaderPair] = ()
    """Names in lower case, in the order received."""
    client: tuple[str, int] | None = None
    """Address and port; None over a UNIX socket."""
    server: tuple[str, int | None] | None = None
    """Address and port that the client connected to; the path and None over a UNIX socket."""
    root_path: str = ""
    """The path under which a proxy mounts the application."""
    state: Mapping[str, Any] = MappingProxyType({})
    """What the server keeps for the application, with ``request_id`` where ids are on."""
    body: RequestStream = RequestStream()
    """The request body, read from the client as it is read here."""

    def header(self, name: str | bytes, default: bytes | None = None) -> bytes | None:
        """The value of the first field with that name, whatever its case. `pounce_asgi.headers` knows more."""
        value = header_lists.get(self.headers, name.encode("latin-1") if isinstance(name, str) else name)
        return default if value is None else value

    @classmethod
    def from_scope(cls, scope: Any, body: RequestStream) -> SyncRequest:
        """The request of an ASGI ``http`` scope."""
        path = scope["path"]
        # By position: one is made for each request, and names would cost a quarter more.
        return cls(
            scope["method"],
            path,
            scope.get("raw_path") or path.encode(),
            scope["query_string"],
            scope["http_version"],
            scope.get("scheme", "http"),
            scope["headers"],
            scope.get("client"),
            scope.get("server"),
            scope.get("root_path", ""),
            scope.get("state", {}),
            body,
        )


@dataclass(frozen=True, slots=True)
class ResponseFile:
    """A range of an open regular file as a response body; the kernel sends it where it can."""

    file: IO[bytes] | int
    """An open binary file or its descriptor. It stays the application's to close: see `SyncResponse.close`."""
    offset: int | None = None
    """Where the range begins, in bytes; None for the file's position, which then moves on."""
    count: int | None = None
    """How many bytes; None for all up to the end of the file."""


@dataclass(frozen=True, slots=True)
class SyncResponse:
    """A response. What frames the body and Date, Server and Connection are the server's matter."""

    status: int = 200
    headers: Iterable[HeaderPair] = ()
    """Pairs of bytes. A content-length is held to; one that is missing is added where the length is known."""
    body: bytes | bytearray | memoryview | Iterable[bytes] | ResponseFile = b""
    """Bytes, a file, or an iterable whose pieces are sent as they come, none of them held back.

    The status goes out with the first piece, so an iterable that raises before it is answered 500. After HEAD, 204 and
    304 an iterable is not iterated. A ``close()`` of the iterable, such as a generator's, is called at the end.
    """
    close: Callable[[], None] | None = None
    """Called exactly once, in the same thread, when the response is sent or given up: close files here."""


class SyncApp(Protocol):
    """An application that blocks. One instance serves all threads at once."""

    def handle(self, request: SyncRequest) -> SyncResponse:
        """Answer a request. Called in a thread without an event loop: it may block, and ``asyncio.run()`` works.

        An exception is logged with its traceback and answered 500, or cuts the response off when a part of it was sent
        already. ``ClientGone`` (an OSError), which reading the body and iterating the response can raise when the
        client leaves, is not logged as an error. ``SystemExit`` and ``KeyboardInterrupt`` end the worker.
        """


SyncSend = Callable[[dict[str, Any]], None]
"""Sends one ASGI response message and blocks until it is on the wire or safely waiting.

Raises what ASGI's ``send()`` raises: `ApplicationError` for a message that is wrong, `ClientGone` once nobody reads.
"""

SyncHandler = Callable[[SyncRequest, SyncSend], None]
"""Serves one request in the calling thread and returns when everything is sent and closed. May raise anything."""

_PIECE: Final = (bytes, bytearray, memoryview)


class SyncAppHandler:
    """Calls a SyncApp. Shared by all threads; immutable."""

    __slots__ = ("_handle",)

    def __init__(self, app: SyncApp) -> None:
        self._handle = app.handle

    def __call__(self, request: SyncRequest, send: SyncSend) -> None:
        """A `SyncHandler`."""
        response = self._handle(request)
        if not isinstance(response, SyncResponse):
            raise _not_a_response(response)
        try:
            _send_response(request, response, send)
        finally:
            if response.close is not None:
                response.close()


def _not_a_response(response: object) -> InvalidMessage:
    close = getattr(response, "close", None)
    if hasattr(response, "__await__") and close is not None:
        close()  # or Python warns that nobody awaited it
        return InvalidMessage("handle() of a SyncApp returned an awaitable: it must not be a coroutine function")
    return InvalidMessage(f"handle() of a SyncApp returned {response!r:.100}, not a SyncResponse")


def _send_response(request: SyncRequest, response: SyncResponse, send: SyncSend) -> None:
    body = response.body
    start = {"type": "http.response.start", "status": response.status, "headers": response.headers}
    if isinstance(body, _PIECE):
        send(start)
        send({"type": "http.response.body", "body": body})
    elif isinstance(body, ResponseFile):
        send(start)
        send(
            {
                "type": "http.response.zerocopysend",
                "file": body.file,
                "offset": body.offset,
                "count": body.count,
            }
        )
    elif isinstance(body, (list, tuple)):
        send(start)
        send({"type": "http.response.body", "body": b"".join(body)})
    else:
        try:
            if request.method == "HEAD" or response.status in (204, 304):
                _send_head(start, send)
            else:
                _send_pieces(start, iter(body), send)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()


def _send_head(start: dict[str, Any], send: SyncSend) -> None:
    """Send a response whose body nobody will see, and whose length is not known."""
    send(start)
    send({"type": "http.response.body", "more_body": True})
    send({"type": "http.response.body"})


def _send_pieces(start: dict[str, Any], pieces: Iterator[bytes], send: SyncSend) -> None:
    """Send pieces as they come. The start goes with the first, so that an error before it can still be answered."""
    first = next(pieces, None)
    send(start)
    if first is not None:
        send({"type": "http.response.body", "body": first, "more_body": True})
        for piece in pieces:
            send({"type": "http.response.body", "body": piece, "more_body": True})
    send({"type": "http.response.body"})
