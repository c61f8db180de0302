"""Answers over HTTP/1.1: heads, bodies, files and trailers become bytes on a transport. Hot path.

The part of a connection that its exchanges write to. When an answer is complete the others take over: bodies are in
`pounce_workers.serving.http1_bodies`, requests in `pounce_workers.serving.http1_connection`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import IO, TYPE_CHECKING, ClassVar, Final

from pounce_asgi import BodyFraming
from pounce_asgi.fairness import PIECE_COST, SENDING_TURN, call_behind
from pounce_http1 import LAST_CHUNK, encode_chunk, encode_last_chunk, encode_status_line
from pounce_workers.serving.http1_phase import BODY, CLOSED, Phase

if TYPE_CHECKING:
    import asyncio

    from pounce_asgi import Transport
    from pounce_workers.serving.http1_wire import Http1Wire

__all__ = ["Http1Answers"]

DELIMITED: Final = BodyFraming.DELIMITED

JOIN_LIMIT: Final = 16384
"""A piece of body below this is copied behind its head or chunk size; a larger one is sent beside it."""
FIRST_TURN: Final = 131_072
"""What an answer may send in a row at first while others wait, as `SENDING_TURN` counts. Who asks for what is large may
be one of a crowd, of which nobody reads."""
CROWDED_TURN: Final = 262_144
"""And from then on, as long as others wait; else twice as much each time."""
CONNECTION_CLOSE: Final = b"connection: close\r\n"
CONNECTION_KEEP_ALIVE: Final = b"connection: keep-alive\r\n"
CHUNKED: Final = b"transfer-encoding: chunked\r\n"
CRLF: Final = b"\r\n"


class Http1Answers(ABC):
    """The `ResponseSink` of a connection's exchanges. Owned by the worker's thread."""

    __slots__ = ("_chunked", "_http10", "_keep_alive", "_sending", "_turn", "congested", "phase", "transport", "wire")

    phase: Phase
    stream_id: ClassVar[int] = 0

    def __init__(self, wire: Http1Wire, transport: Transport) -> None:
        self.wire = wire
        self.transport = transport
        self.congested = False
        self._chunked = False
        """The body of the answer under way is sent in chunks."""
        self._http10 = False
        """The request under way is of HTTP/1.0: it gets no interim response and no chunks."""
        self._sending = 0
        """What was sent since others had their turn, as `SENDING_TURN` counts."""
        self._turn = SENDING_TURN
        """How much that may be."""
        self._keep_alive = True
        """Another request may follow the one under way."""

    # -- what the other parts decide ---------------------------------------------------------------------------------

    @abstractmethod
    def writable(self) -> None:
        """The application may go on sending."""

    @abstractmethod
    def _response_done(self) -> None:
        """The answer is complete on the wire, or waits in the transport behind nothing else."""

    @abstractmethod
    def _will_drain(self, *, end: bool) -> bool:
        """Whether the unread rest of a body may be read for the sake of the connection once the answer is out."""

    # -- ResponseSink ------------------------------------------------------------------------------------------------

    def send_informational(self, status: int, headers: bytes) -> None:
        """Send an interim response; HTTP/1.0 knows none (RFC 9110, 15.2)."""
        if not self._http10:
            self.transport.write(b"%b%b\r\n" % (encode_status_line(status), headers))
        if status == 100:
            self.transport.deadline = self.wire.sweeper.soon + self.wire.timeout_body_stall

    def send_head(self, status: int, headers: bytes, framing: BodyFraming, body: bytes, end: bool, close: bool) -> None:
        """Send the head and the first piece of body in one write."""
        if close:
            self._keep_alive = False
        if framing is DELIMITED:
            if self._http10:
                self._chunked = self._keep_alive = False  # the connection ends with the body (RFC 9112, 6.3)
            else:
                self._chunked = True
                headers += CHUNKED
                body = (encode_chunk(body) if body else b"") + (LAST_CHUNK if end else b"")
        else:
            self._chunked = False
        if self.phase is BODY and self._keep_alive:
            self._keep_alive = self._will_drain(end=end)
        if not self._keep_alive:
            headers += CONNECTION_CLOSE
        elif self._http10:
            headers += CONNECTION_KEEP_ALIVE
        line = self.wire.status_lines.get(status) or self.wire.new_status_line(status)
        transport = self.transport
        if len(body) < JOIN_LIMIT:
            transport.write(b"%b%b\r\n%b" % (line, headers, body))
        else:
            transport.write_parts((b"%b%b\r\n" % (line, headers), body))
        self.congested = transport.congested
        if end:
            self._response_done()
        else:
            self._sending = len(body)
            self._turn = FIRST_TURN

    def send_body(self, data: bytes, end: bool) -> None:
        """Send a further piece of the body."""
        if self._chunked:
            if len(data) >= JOIN_LIMIT:
                self.transport.write_parts((b"%x\r\n" % len(data), data, CRLF + LAST_CHUNK if end else CRLF))
            else:
                piece = encode_chunk(data) if data else b""
                self.transport.write(piece + LAST_CHUNK if end else piece)
        elif data:
            self.transport.write(data)
        self.congested = self.transport.congested
        if end:
            self._response_done()
            return
        self._sending += len(data) + PIECE_COST
        if self._sending > self._turn:
            self._make_way()

    def _make_way(self) -> None:
        """A socket takes megabytes before it is full, and an application that only sends comes to no end before."""
        if self.wire.others_wait():
            self._turn = CROWDED_TURN
        elif self._turn < SENDING_TURN:
            self._turn *= 2
            return
        self._sending = 0
        if not self.congested and self.wire.takes_turns:
            self.congested = True
            call_behind(self.wire.loop, self._send_on, self.wire.base_context)

    def _send_on(self) -> None:
        # Whatever ``congested`` says by now: somebody else may have sent meanwhile, and who made way still waits.
        if not self.transport.congested:
            self.writable()

    def send_file(
        self, file: IO[bytes] | int, offset: int | None, count: int | None, *, end: bool
    ) -> asyncio.Future[int]:
        """Send a piece of the body from a file. In a chunked body it is one chunk, so its size must be given."""
        transport = self.transport
        if self._chunked and count:
            transport.write(b"%x\r\n" % count)
        future = transport.sendfile(file, offset, count)
        if self._chunked:
            transport.write((CRLF if count else b"") + (LAST_CHUNK if end else b""))
        if end:
            future.add_done_callback(partial(self._file_sent, count))
        return future

    def _file_sent(self, count: int | None, future: asyncio.Future[int]) -> None:
        if future.cancelled() or future.exception() is not None or self.phase is CLOSED:
            return
        # A file that became shorter leaves the response incomplete: the next one would be read as the rest of it. The
        # exchange sees it too, and ends in a reset.
        if count is None or future.result() == count:
            self._response_done()

    def send_trailers(self, headers: bytes) -> None:
        """End a chunked body with trailer fields; another body, over HTTP/1.0, can have none."""
        if self._chunked:
            self.transport.write(encode_last_chunk((headers,)))
        self.congested = self.transport.congested
        self._response_done()

    def reset(self) -> None:
        """The response cannot be completed."""
        self.phase = CLOSED
        self.transport.abort()
