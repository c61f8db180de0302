"""One request and its answer on a connection in memory, over HTTP/1.1."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Protocol

from pounce_testing.client import Response, ResponseError
from pounce_testing.memory.response_reader import EndOfResponse, ResponseReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pounce_testing.memory.link import MemoryConnection
    from pounce_testing.memory.request_bytes import RequestHeadBytes

__all__ = ["AnswerSource", "Http1Client", "StreamedResponse", "pieces_of"]


class Http1Client:
    """A connection that is used for one request after the other. Owned by the loop's thread."""

    def __init__(self, connection: MemoryConnection) -> None:
        self.connection = connection
        self.reader = ResponseReader()
        self.usable = True
        """Another request may follow."""

    async def send(self, head: RequestHeadBytes, body: bytes | Iterable[bytes] | AsyncIterable[bytes]) -> None:
        """Send a request: a body that is bytes with its length, else in chunks.

        A server may answer, and close, before it has all of a body; then the rest is not sent.
        """
        if isinstance(body, bytes):
            if body or head.method in ("POST", "PUT", "PATCH"):
                head.default("Content-Length", str(len(body)))
            await self.connection.send(head.wire() + body)
            return
        chunked = not head.has("Content-Length")
        if chunked:
            head.default("Transfer-Encoding", "chunked")
        self.usable = False  # until all of it is sent
        with contextlib.suppress(BrokenPipeError):
            await self.connection.send(head.wire())
            async for piece in pieces_of(body):
                if piece:
                    await self.connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if chunked:
                await self.connection.send(b"0\r\n\r\n")
            self.usable = True

    async def read_head(self, method: str) -> Response:
        """The head of the answer, with the interim ones before it.

        Raises:
            ResponseError: there is none.
        """
        self.reader.method = method
        informational: list[Response] = []
        while True:
            head = await self._next_event()
            assert isinstance(head, Response), "answers begin with a head"
            if head.status >= 200 or head.status == 101:
                self.usable = self.usable and not head.closes and head.status != 101
                return dataclasses.replace(head, informational=tuple(informational))
            informational.append(head)

    async def read_piece(self) -> bytes | EndOfResponse:
        """The next piece of the body, or its end.

        Raises:
            ResponseError: it is cut off.
        """
        event = await self._next_event()
        assert not isinstance(event, Response), "a head comes after the end of the answer before it"
        return event

    async def _next_event(self) -> Response | bytes | EndOfResponse:
        while (event := self.reader.next_event()) is None:
            try:
                data = await self.connection.receive()
            except ConnectionResetError as error:
                raise ResponseError(f"the server has reset the connection: {error}") from error
            if not data:
                self.usable = False
            self.reader.receive(data)
        return event


class AnswerSource(Protocol):
    """Where the body of an answer comes from."""

    async def read_piece(self) -> bytes | EndOfResponse:
        """The next piece, or the end."""


class StreamedResponse:
    """An answer whose body is read as it comes."""

    def __init__(self, client: AnswerSource, head: Response) -> None:
        self._client = client
        self.head = head
        """Status and header fields; its ``body`` is empty."""
        self.trailers: tuple[tuple[bytes, bytes], ...] = ()
        self.complete = False
        """All of it has been read."""

    @property
    def status(self) -> int:
        """The status."""
        return self.head.status

    def header(self, name: bytes) -> bytes | None:
        """The value of the first header field with that name in lower case, or None."""
        return self.head.header(name)

    async def next_piece(self) -> bytes:
        """The next piece of the body as it came, empty at its end.

        Raises:
            ResponseError: it is cut off.
        """
        if self.complete:
            return b""
        piece = await self._client.read_piece()
        if isinstance(piece, EndOfResponse):
            self.complete = True
            self.trailers = piece.trailers
            return b""
        return piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.next_piece():
            yield piece

    async def read(self) -> Response:
        """The whole answer.

        Raises:
            ResponseError: it is cut off.
        """
        body = b"".join([piece async for piece in self])
        return dataclasses.replace(self.head, body=body, trailers=self.trailers)


async def pieces_of(body: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """One after the other, whichever way they come."""
    if isinstance(body, AsyncIterable):
        async for piece in body:
            yield piece
    else:
        for piece in body:
            yield piece
