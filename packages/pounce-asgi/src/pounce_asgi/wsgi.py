"""WSGI applications (PEP 3333): a blocking call with environ and start_response becomes response messages.

What may be sent when, and how a body is framed, are the rules of every response; here is only what PEP 3333 adds. A
status line's reason is not sent: HTTP/2 has none, and over HTTP/1.1 nobody may rely on it (RFC 9112, 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.errors import InvalidMessage, InvalidResponseHeader, MissingResponse, UnexpectedMessage
from pounce_asgi.response_rules import parse_content_length
from pounce_asgi.wsgi_environ import build_environ
from pounce_asgi.wsgi_file import FileWrapper, regular_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pounce_asgi.contracts import HeaderPair
    from pounce_asgi.sync_app import SyncRequest, SyncSend

__all__ = ["WsgiHandler"]

HOP_BY_HOP: Final = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)
"""What concerns one connection is the server's alone (PEP 3333, "Other HTTP Features")."""


class WsgiHandler:
    """Calls a WSGI application; a `SyncHandler`. Shared by all threads; immutable."""

    __slots__ = ("_app", "_multiprocess")

    def __init__(self, app: Callable[..., Iterable[bytes]], *, multiprocess: bool = False) -> None:
        """``multiprocess``: other processes may serve the same application at the same time."""
        self._app = app
        self._multiprocess = multiprocess

    def __call__(self, request: SyncRequest, send: SyncSend) -> None:
        """Serve one request. The result's ``close()`` is called exactly once, however it ends."""
        response = _WsgiResponse(request.method, send)
        result = self._app(build_environ(request, multiprocess=self._multiprocess), response.start_response)
        try:
            response.send_all(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()


class _WsgiResponse:
    """One response on its way. Owned by the thread that runs the application."""

    __slots__ = ("_begun", "_headers", "_method", "_send", "_status")

    def __init__(self, method: str, send: SyncSend) -> None:
        self._method = method
        self._send = send
        self._status: int | None = None
        self._headers: list[HeaderPair] = []
        self._begun = False  # the head is with the server: it cannot be replaced any more

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        """What the application calls before its first piece of body. The head waits for that piece.

        Raises:
            UnexpectedMessage: it was called before, without ``exc_info``.
            ApplicationError: the status or a header field is not what PEP 3333 allows.
        """
        if exc_info is not None:
            try:
                if self._begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # or the traceback would keep this frame, and this frame the traceback
        elif self._status is not None:
            raise UnexpectedMessage("start_response() was called again without exc_info (PEP 3333)")
        number = _status_number(status)
        self._headers = _header_pairs(headers)
        self._status = number
        return self.write

    def write(self, data: bytes) -> None:
        """Send a piece of body, for applications that cannot be iterated over; on the wire when it returns."""
        if _checked(data):
            self._send_piece(data)

    def send_all(self, result: Any) -> None:
        """Send what the application returned."""
        if isinstance(result, FileWrapper) and self._send_file(result):
            return
        only_piece = hasattr(result, "__len__") and len(result) == 1
        if self._is_bodyless() and not only_piece:
            self._finish()
            return
        try:
            pieces = iter(result)
        except TypeError:
            raise InvalidMessage(f"the WSGI application returned {result!r:.100}, not an iterable") from None
        for piece in pieces:
            if self._status is None:
                raise MissingResponse("the WSGI application returned a body without calling start_response()")
            if not _checked(piece):
                continue  # the head waits for bytes: an error until then can still replace it
            if only_piece:
                self._finish(piece)
                return
            self._send_piece(piece)
            if self._is_bodyless():
                break
        self._finish()

    def _is_bodyless(self) -> bool:
        """Nobody will see a body, so an application that has its head ready is not asked for one."""
        return self._status is not None and (self._method == "HEAD" or self._status in (204, 304))

    def _send_piece(self, piece: bytes) -> None:
        self._send_start()
        self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self._begun = True

    def _send_file(self, wrapper: FileWrapper) -> bool:
        """Send an open file from its position up to the announced length. False when it has to be read instead."""
        file = regular_file(wrapper.filelike)
        if file is None:
            return False
        count = None
        if not self._begun:
            for name, value in self._headers:
                if name == b"content-length":
                    count = parse_content_length(value)
        self._send_start()
        self._send({"type": "http.response.zerocopysend", "file": file, "count": count})
        return True

    def _finish(self, piece: bytes = b"") -> None:
        self._send_start()
        if self._method == "HEAD" and not self._begun and not piece:
            # How long a GET's body would be is not known, so this must not look like the whole of an empty one.
            self._send({"type": "http.response.body", "more_body": True})
        self._send({"type": "http.response.body", "body": piece})

    def _send_start(self) -> None:
        if self._begun:
            return
        if self._status is None:
            raise MissingResponse("the WSGI application returned without calling start_response()")
        self._send({"type": "http.response.start", "status": self._status, "headers": self._headers})


def _checked(data: object) -> bytes:
    if not isinstance(data, bytes):
        raise InvalidMessage(f"the WSGI application sent {data!r:.100} as a piece of body, not bytes")
    return data


def _status_number(status: object) -> int:
    if isinstance(status, str) and status[:3].isascii() and status[:3].isdigit() and status[3:4] in ("", " "):
        return int(status[:3])
    raise InvalidMessage(f"start_response() takes a status such as '200 OK', not {status!r:.100}")


def _header_pairs(headers: Any) -> list[HeaderPair]:
    try:
        return [_header_pair(name, value) for name, value in headers]
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidResponseHeader):
            raise
        raise InvalidResponseHeader(f"start_response() takes headers as (name, value) pairs of str: {error}") from None


def _header_pair(name: object, value: object) -> HeaderPair:
    lower = name.lower() if isinstance(name, str) else ""
    if lower in HOP_BY_HOP:
        raise InvalidResponseHeader(f"the header {name} belongs to the server: a WSGI application may not set it")
    if not isinstance(value, str) or not lower:
        raise InvalidResponseHeader(f"the header {name!r:.100}: {value!r:.100} is not a pair of str")
    return lower.encode("latin-1"), value.encode("latin-1")
