"""One request and its response on a connection of many: the `ResponseSink` of an exchange. Hot path.

What the windows and the socket take goes out at once; the rest waits here, and the connection's scheduler says when it
is this stream's turn.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

from pounce_asgi import ClientGone, RequestError
from pounce_asgi.multiplexed.message_fault import MessageFault
from pounce_asgi.multiplexed.outgoing import FilePiece, Outgoing
from pounce_asgi.multiplexed.priorities import DEFAULT, UNSAID, parse_priority

if TYPE_CHECKING:
    import asyncio

    from pounce_asgi.contracts import BodyFraming
    from pounce_asgi.multiplexed.request_head import RequestHead
    from pounce_asgi.multiplexed.response_fields import Fields
    from pounce_asgi.multiplexed.stream_body import StreamBody
    from pounce_asgi.multiplexed.stream_owner import StreamOwner

__all__ = ["NEVER", "MultiplexedStream"]

NEVER: Final = float("inf")


class MultiplexedStream:
    """Owned by the worker's thread."""

    __slots__ = (
        "_end",
        "_outgoing",
        "_trailers",
        "congested",
        "connection",
        "exchange",
        "head",
        "over",
        "priority",
        "read_deadline",
        "received",
        "stream_id",
        "write_deadline",
    )

    def __init__(self, connection: StreamOwner, stream_id: int, head: RequestHead | None) -> None:
        """``head`` is None where the request could not be read."""
        self.connection = connection
        self.stream_id = stream_id
        self.head = head
        self.exchange: Any = None
        """None where the server answers in place of the application."""
        self.congested = False
        self.over = False
        self.received = 0
        self.read_deadline = NEVER
        """When the client must have sent more of its body."""
        self.write_deadline = NEVER
        """When the client must have taken more of what waits."""
        self.priority = UNSAID if head is None or head.priority is None else parse_priority(head.priority, DEFAULT)
        self._outgoing: Outgoing | None = None
        self._end = False
        self._trailers: bytes | None = None

    # -- ResponseSink ------------------------------------------------------------------------------------------------

    def send_informational(self, status: int, headers: Fields) -> None:
        """Send an interim response."""
        connection = self.connection
        connection.engine.send_head(self.stream_id, connection.blocks[status, headers], end=False)
        connection.want_flush()
        if status == 100:
            self.read_deadline = connection.host.soon + connection.host.timeouts.body_stall

    def send_head(
        self,
        status: int,
        headers: Fields,
        framing: BodyFraming,  # noqa: ARG002 - END_STREAM delimits every body
        body: bytes,
        end: bool,
        close: bool,  # noqa: ARG002 - see below
    ) -> None:
        """Send the head, and what may be sent of the first piece of body.

        ``close`` is no concern of the other streams: a client that is to leave hears it by GOAWAY.
        """
        if self.over:
            return
        connection = self.connection
        block = connection.blocks[status, headers]
        whole = end and not body
        connection.engine.send_head(self.stream_id, block, end=whole)
        if body:
            self.send_body(body, end)
        else:
            if whole:
                self._sent_all()
            connection.want_flush()
        if status == 500:  # the application failed, perhaps to end the process
            connection.flush_now()

    def send_body(self, data: bytes, end: bool) -> None:
        """Send a further piece of the body, or keep it until it may be sent."""
        if self.over:
            return
        connection = self.connection
        if not self._outgoing and connection.may_send_at_once(self.stream_id, len(data)):
            connection.count_sent(len(data))
            connection.engine.send_data(self.stream_id, data, end=end)
            if end:
                self._sent_all()
        else:
            self._end = end
            if data:
                self._keep(data)
        connection.want_flush()

    def send_file(
        self, file: IO[bytes] | int, offset: int | None, count: int | None, *, end: bool
    ) -> asyncio.Future[int]:
        """Send a piece of the body from a file, which is read as the client takes it."""
        connection = self.connection
        future: asyncio.Future[int] = connection.host.loop.create_future()
        if self.over:
            future.set_exception(ClientGone("the client has disconnected"))
            return future
        if offset is None or count is None:
            raise TypeError("the range of the file must be given")
        if not count:
            future.set_result(0)
            self.send_body(b"", end)
            return future
        self._end = end
        self._keep(FilePiece(file if isinstance(file, int) else file.fileno(), offset, count, future))
        connection.want_flush()
        return future

    def send_trailers(self, headers: Fields) -> None:
        """End the response with trailers (RFC 9113, 8.1; RFC 9114, 4.1), or without them where there are none."""
        if self.over:
            return
        if not headers:
            self.send_body(b"", end=True)
            return
        block = self.connection.blocks[0, headers]
        self._end = True
        if self._outgoing:
            self._trailers = block
        else:
            self.connection.engine.send_head(self.stream_id, block, end=True)
            self._sent_all()
            self.connection.want_flush()

    def resume_body(self) -> None:
        """Nothing to do: the body itself says what was taken of it."""

    def reset(self) -> None:
        """The response cannot be completed (RFC 9113, 8.1; RFC 9114, 4.1)."""
        self.abort(self.connection.internal_error)
        self.connection.flush_now()

    # -- sending -----------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Something waits to be sent."""
        return bool(self._outgoing)

    @property
    def unsent(self) -> bool:
        """The same, as the sinks of every protocol call it."""
        return bool(self._outgoing) and not self.over

    def _keep(self, piece: bytes | FilePiece) -> None:
        if self._outgoing is None:
            self._outgoing = Outgoing()
        if not self._outgoing:
            self.write_deadline = self.connection.host.soon + self.connection.host.timeouts.write_stall
        self._outgoing.add(piece)
        self.congested = True
        self.connection.scheduler.add(self.stream_id, self.priority)

    def send_some(self, most: int) -> int:
        """Send one frame of what waits, at most so large. Returns the bytes sent."""
        outgoing = self._outgoing
        if not outgoing:
            self.connection.scheduler.remove(self.stream_id)
            return 0
        data = outgoing.take(most)
        engine = self.connection.engine
        if data is None:
            # A file has less than it had. Nothing may look like the end of this body: its exchange will reset it.
            self._end = False
            self._drained()
            return 0
        last = not outgoing
        engine.send_data(self.stream_id, data, end=last and self._end and self._trailers is None)
        if last:
            if self._trailers is not None:
                engine.send_head(self.stream_id, self._trailers, end=True)
            self._drained()
        else:
            self.write_deadline = self.connection.host.soon + self.connection.host.timeouts.write_stall
        return len(data)

    def _drained(self) -> None:
        """Nothing waits any more."""
        self.connection.scheduler.remove(self.stream_id)
        self.write_deadline = NEVER
        self.congested = False
        if self._end:
            self._sent_all()
        elif self.exchange is not None:
            self._resume()

    def _resume(self) -> None:
        self.exchange.resume_sending()

    def _sent_all(self) -> None:
        """The response is whole."""
        self.leave()
        self.connection.response_done(self.stream_id)

    # -- receiving ---------------------------------------------------------------------------------------------------

    def body_received(self, data: bytes, size: int, ended: bool) -> None:
        """A piece of the request body.

        Raises:
            MessageFault: it does not agree with content-length (RFC 9113, 8.1.1; RFC 9114, 4.1.2).
        """
        connection = self.connection
        self.received += len(data)
        if self.head is not None and self.head.content_length is not None:
            self._hold_to_length(self.head.content_length, ended=ended, size=size)
        body: StreamBody | None = self.exchange.body
        before = -1 if body is None else body.received
        full = bool(data) and self.exchange.feed(data)
        kept = 0 if body is None or body.received == before or body.stream is None else len(data)
        connection.take_in(self.stream_id, kept, size)
        if self.over:
            return
        if ended:
            self.end_received()
        else:
            self.read_deadline = NEVER if full else connection.host.soon + connection.host.timeouts.body_stall

    def _hold_to_length(self, length: int, *, ended: bool, size: int) -> None:
        if self.received > length or (ended and self.received != length):
            self.connection.take_in(self.stream_id, 0, size)
            raise MessageFault(f"content-length is {length}, and the body is not")

    def end_received(self) -> None:
        """The request is complete."""
        self.read_deadline = NEVER
        self.exchange.finish_body()

    def trailers_received(self) -> None:
        """The request is complete, its trailers being right."""
        if self.head is not None and self.head.content_length is not None:
            self._hold_to_length(self.head.content_length, ended=True, size=0)
        self.end_received()

    def body_taken(self, size: int) -> None:
        """The application took so much of the body: the client may send as much anew."""
        connection = self.connection
        connection.give_credit(self.stream_id, size)
        if self.read_deadline == NEVER and connection.engine.receiving(self.stream_id):
            self.read_deadline = connection.host.soon + connection.host.timeouts.body_stall

    # -- ends --------------------------------------------------------------------------------------------------------

    def fail_request(self, error: RequestError) -> None:
        """The rest of the request cannot be had."""
        self.read_deadline = NEVER
        if self.exchange is not None:
            self.exchange.fail_request(error)

    def half_closed(self) -> None:
        """The client will send nothing more on any stream."""
        if self.exchange is not None:
            self.exchange.half_closed()

    def lost(self, error: OSError | None) -> None:  # noqa: ARG002 - others want to know why
        """The client gave the stream up, or is gone."""
        if not self.over:
            exchange = self.exchange
            self.leave()
            if exchange is not None:
                exchange.client_gone()

    def abort(self, code: int) -> None:
        """End the stream before its end. The exchange is not told: it asked for it, or is told by the caller."""
        if not self.over:
            self.leave()
            self.connection.engine.reset(self.stream_id, code)
            self.connection.tell_of_reset(self.stream_id, code)
            self.connection.want_flush()

    def leave(self) -> None:
        """The stream is no longer the connection's."""
        self.over = True
        self.congested = False
        # Its exchange has it for as long as it lives: only without the way back both go when they are no longer needed.
        exchange, self.exchange = self.exchange, None
        body = exchange.body if exchange is not None else None
        waiting = 0
        if body is not None:
            body.stream = None
            waiting = body.waiting
        self.connection.forget(self.stream_id, waiting)
        if self._outgoing:
            self._outgoing.drop(ClientGone("the client has disconnected"))

    def begin_drain(self) -> None:
        """The server stops: a request goes on to its end."""
