"""A client that sends exactly the bytes it is told and reads exactly what comes back.

Ordinary clients mend what they send and hide what they read. This one is for tests of what they would hide: pipelined
requests, half a request, a connection that closes too early. It is strict: an answer that does not end as it announced
is a ``ResponseError``.
"""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RawClient", "Response", "ResponseError"]

RECEIVE_BYTES: Final = 65536
WITHOUT_BODY: Final = frozenset({204, 304})


class ResponseError(Exception):
    """What came back is not a whole response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response as it came over the wire."""

    http_version: str
    """As sent, such as ``HTTP/1.1``."""
    status: int
    reason: str
    headers: tuple[tuple[bytes, bytes], ...]
    """Names in lower case."""
    body: bytes = b""
    trailers: tuple[tuple[bytes, bytes], ...] = ()
    informational: tuple[Response, ...] = ()
    """The interim responses (1xx) that came before this one."""

    def header(self, name: bytes) -> bytes | None:
        """The value of the first header field with that name in lower case, or None."""
        return next((value for given, value in self.headers if given == name), None)

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    def json(self) -> Any:
        """What the body says in JSON."""
        return json.loads(self.body)

    @property
    def closes(self) -> bool:
        """Whether it says that no further response follows on this connection."""
        if self.http_version == "HTTP/1.0":
            return self.header(b"connection") != b"keep-alive"
        return self.header(b"connection") == b"close"


class RawClient:
    """One connection. Every wait ends after ``timeout`` seconds with a TimeoutError."""

    def __init__(
        self, host: str, port: int | None, *, timeout: float = 20.0, tls: ssl.SSLContext | None = None
    ) -> None:
        """With ``tls`` the bytes go through TLS, to a server whose certificate is for ``host``. Without a port ``host``
        is the path of a UNIX socket, and the certificate for ``localhost``.
        """
        if port is None:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(host)
        else:
            self.socket = socket.create_connection((host, port), timeout)
            # Every piece leaves as it is, without waiting for company.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost" if port is None else host)
        self._received = bytearray()
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        """Send the pieces, each by itself."""
        for piece in pieces:
            self.socket.sendall(piece)

    def send_as_far_as_taken(self, pieces: Iterable[bytes]) -> None:
        """Send the pieces until the server does not want more: it may refuse a request before it has all of it."""
        try:
            self.send(*pieces)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            return

    def finish_sending(self) -> None:
        """Say that nothing more will be sent; the connection stays open for reading."""
        try:
            # Of a TLS connection the class's own method would end both directions.
            socket.socket.shutdown(self.socket, socket.SHUT_WR)
        except OSError:
            return  # the server was first

    def read_response(self, method: str = "GET") -> Response:
        """Read the next response, with the interim ones before it; ``method`` is that of its request.

        Raises:
            ResponseError: the connection ended, or what came is not a whole response.
        """
        informational: list[Response] = []
        while True:
            response = self._read_head()
            if not 100 <= response.status < 200 or response.status == 101:
                break
            informational.append(response)
        body, trailers = self._read_body(response, method)
        return Response(
            http_version=response.http_version,
            status=response.status,
            reason=response.reason,
            headers=response.headers,
            body=body,
            trailers=trailers,
            informational=tuple(informational),
        )

    def read_all_responses(self, methods: Iterable[str] = ()) -> list[Response]:
        """Read responses until the server closes; ``methods`` are those of the requests, GET where they run out.

        Raises:
            ResponseError: the last response is cut off.
        """
        known = iter(methods)
        responses = []
        while not self.at_end():
            responses.append(self.read_response(next(known, "GET")))
        return responses

    def at_end(self) -> bool:
        """Wait for a byte or the end of the connection: True when it is the end."""
        return not self._received and not self._receive()

    def read_to_end(self) -> bytes:
        """All bytes until the server closes."""
        while self._receive():
            pass
        return self._take(len(self._received))

    def read_some(self) -> bytes:
        """The bytes that are there, at least one unless the server closed."""
        if not self._received:
            self._receive()
        return self._take(len(self._received))

    def _receive(self) -> bool:
        """Read once more; False at the end. A reset is an end too: what came before it can still be looked at."""
        if self._ended:
            return False
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except (ConnectionResetError, ssl.SSLEOFError):
            data = b""
        self._received += data
        self._ended = not data
        return not self._ended

    def _take(self, count: int) -> bytes:
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    def _read_exactly(self, count: int) -> bytes:
        while len(self._received) < count:
            if not self._receive():
                raise ResponseError(f"the connection ended {count - len(self._received)} bytes early")
        return self._take(count)

    def _read_line(self) -> bytes:
        """A line without its CRLF."""
        while (end := self._received.find(b"\r\n")) < 0:
            if not self._receive():
                raise ResponseError(f"the connection ended inside a line: {bytes(self._received)!r}")
        return self._take(end + 2)[:-2]

    def _read_fields(self) -> tuple[tuple[bytes, bytes], ...]:
        fields = []
        while line := self._read_line():
            name, colon, value = line.partition(b":")
            if not colon:
                raise ResponseError(f"a header line without a colon: {line!r}")
            fields.append((name.lower(), value.strip(b" \t")))
        return tuple(fields)

    def _read_head(self) -> Response:
        line = self._read_line().decode("latin-1")
        version, _, rest = line.partition(" ")
        code, space, reason = rest.partition(" ")
        if version not in ("HTTP/1.0", "HTTP/1.1") or not code.isdecimal() or len(code) != 3 or not space:
            raise ResponseError(f"not a status line: {line!r}")
        return Response(http_version=version, status=int(code), reason=reason, headers=self._read_fields())

    def _read_body(self, response: Response, method: str) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
        """RFC 9112, 6.3, from a client's side."""
        if method == "HEAD" or response.status in WITHOUT_BODY:
            return b"", ()
        if response.header(b"transfer-encoding") == b"chunked":
            return self._read_chunked()
        if (length := response.header(b"content-length")) is not None:
            return self._read_exactly(int(length)), ()
        return self.read_to_end(), ()

    def _read_chunked(self) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
        body = bytearray()
        while size := int(self._read_line(), 16):
            body += self._read_exactly(size)
            if self._read_exactly(2) != b"\r\n":
                raise ResponseError("a chunk that is longer than it said")
        return bytes(body), self._read_fields()
