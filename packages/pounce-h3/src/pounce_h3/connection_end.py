"""How an HTTP/3 connection ends, and the times after which it does (RFC 9114, 5; RFC 9000, 10)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Final

from pounce_asgi import ClientGone, RequestTimeout
from pounce_asgi.incidents import tell_timeout
from pounce_asgi.multiplexed import NEVER, RequestIntake
from pounce_h3.ahead import Ahead
from pounce_h3.errors import (
    H3_EXCESSIVE_LOAD,
    H3_NO_ERROR,
    H3_REQUEST_INCOMPLETE,
    ConnectionFault,
)
from pounce_h3.frames import GOAWAY, encode_frame
from pounce_h3.varint import LARGEST, encode_varint

if TYPE_CHECKING:
    from pounce_asgi import Peer
    from pounce_asgi.multiplexed import MultiplexedWire
    from pounce_h3.framing import Framing
    from pounce_h3.quic import ConnectionEnd, Quic
    from pounce_h3.transport import QuicTransport

__all__ = ["EndingConnection"]

READING: Final = 2.0
"""Seconds in which the end of the last answer reaches its client, repetitions of lost packets included, before the
connection is closed: that ends everything at once (RFC 9000, 10.2).
"""
ROUND_TRIP: Final = 1.0
"""Seconds after which the second GOAWAY follows the first (RFC 9114, 5.2)."""
LAST_STREAM: Final = LARGEST - 3
"""In a first GOAWAY: all that is under way will be looked at. The highest id of a request that there can be."""
_NOT_ERRORS: Final = frozenset({0, H3_NO_ERROR})
"""Clients say either when they have what they wanted."""


class EndingConnection(RequestIntake):
    """The half of a connection that watches its times. Owned by the worker's thread."""

    engine: Framing

    def __init__(self, wire: MultiplexedWire, transport: QuicTransport, peer: Peer, refusal: str | None) -> None:
        super().__init__(wire, peer, refusal)
        self.transport = transport
        self.ahead = Ahead()
        self.ended = False
        """Nothing that comes is looked at any more, and nothing is sent."""
        self.leaving = False
        """With the last stream the connection ends: we or the client have said so."""
        self._goaway_deadline = NEVER
        self._close_deadline = NEVER
        self._started = False
        self.host.watch_deadlines(self)

    @property
    @abstractmethod
    def quic(self) -> Quic:
        """The engine of the connection."""

    # -- ends --------------------------------------------------------------------------------------------------------

    def fail(self, fault: ConnectionFault) -> None:
        """The client broke the protocol, or is too much: say so and close (RFC 9114, 8)."""
        if not self.ended:
            self.tell_of_fault(fault, f"HTTP/3 error {fault.code:#x}: {fault}")
            self.close(fault.code, str(fault))

    def close(self, code: int = H3_NO_ERROR, reason: str = "") -> None:
        """Close at once: what is not answered yet never will be."""
        if not self.ended:
            self.ended = True
            self.quic.close(code, reason)
            self.transport.close()
            self._lose_streams(None)

    def connection_ended(self, end: ConnectionEnd) -> None:
        """The client has closed the connection, or nothing comes from it any more."""
        self.ended = True
        error = (
            None
            if end.code in _NOT_ERRORS
            else ClientGone(f"the connection ended with {end.code:#x} {end.reason}".rstrip())
        )
        self._lose_streams(error)
        self.transport.lost(error)

    def connection_lost(self, error: OSError | None) -> None:
        """The connection is gone."""
        self.ended = True
        self.host.forget_deadlines(self)
        self._lose_streams(error)
        self.host.connection_closed(self, error)  # type: ignore[arg-type]  # the other half makes it one

    def _lose_streams(self, error: OSError | None) -> None:
        for stream in tuple(self.streams.values()):
            stream.lost(error)

    # -- leaving in good order ---------------------------------------------------------------------------------------

    def last_request(self) -> None:
        """Another worker takes over: what is under way is answered, and the client is to connect anew.

        The first GOAWAY names the highest request there can be, so that those under way are not lost; the second, which
        names the first that is not taken, follows when the client must have seen the first (RFC 9114, 5.2).
        """
        if not self.leaving and not self.ended:
            self.leaving = True
            self._goaway(LAST_STREAM)
            self._goaway_deadline = self.host.soon + ROUND_TRIP

    def begin_drain(self) -> None:
        """The server stops: idle connections close, the others when their streams are done."""
        for stream in tuple(self.streams.values()):
            stream.begin_drain()
        if self.idle and not self.ended and not self._lately_busy:
            self._goaway(self.engine.last_stream_id + 4)
            self.close()
        else:
            self.last_request()

    @property
    @abstractmethod
    def idle(self) -> bool:
        """No request is in flight or half-received."""

    @property
    def _lately_busy(self) -> bool:
        """The last answer ended so lately that the end of it may still be on its way."""
        return self.requests > 0 and self.host.soon < self.idle_deadline - self.patience + READING

    def _goaway(self, stream_id: int) -> None:
        self.engine.send_control(encode_frame(GOAWAY, encode_varint(stream_id)))
        self.want_flush()

    def _take_no_more(self) -> None:
        self._goaway_deadline = NEVER
        self.engine.first_rejected = self.engine.last_stream_id + 4
        self._goaway(self.engine.first_rejected)

    def goaway_received(self) -> None:
        """The client is about to leave; its requests go on."""
        self.leaving = True
        self.want_flush()

    def leave_if_done(self) -> None:
        """Set a time for the close once nothing is under way."""
        if not self.idle or self._goaway_deadline != NEVER or not self.ahead.empty(self.host.loop.time()):
            self._close_deadline = NEVER
        elif self._close_deadline == NEVER:
            self._close_deadline = self.host.soon + (READING if self._lately_busy else 0.0)

    # -- times -------------------------------------------------------------------------------------------------------

    def deadline_expired(self) -> None:
        """The transport's only deadline is never set."""

    def expire(self, now: float) -> None:
        """Act on what has taken too long."""
        if self.ended:
            return
        self.budget.pay(now)
        try:
            self._expire_streams(now)
        except ConnectionFault as fault:
            self.fail(fault)
            return
        if now >= self._goaway_deadline:
            self._take_no_more()
        if self.leaving:
            self.leave_if_done()
        if now >= self._close_deadline:
            self.close()
        elif now >= self.idle_deadline and self.idle and self._started and self.ahead.empty(self.host.loop.time()):
            self._goaway(self.engine.last_stream_id + 4)
            self.close()
        elif self.scheduler.members:
            self.want_flush()  # streams that are stuck may hold up others no longer

    def _expire_streams(self, now: float) -> None:
        for stream_id in self.engine.late_heads(now):
            tell_timeout(self.context, self.peer, "timeout_request_head", stream_id)
            self.engine.break_stream(stream_id, H3_REQUEST_INCOMPLETE, "its head took too long")
            self.engine.send_instructions()
            self.want_flush()
        for stream in tuple(self.streams.values()):
            if now >= stream.read_deadline:
                stream.fail_request(RequestTimeout("the request body stalled"))
        clock = self.host.loop.time()
        for stream_id in self.ahead.stalled(clock - self.host.timeouts.write_stall, clock):
            tell_timeout(self.context, self.peer, "timeout_write_stall", stream_id)
            self.engine.break_stream(stream_id, H3_EXCESSIVE_LOAD, "nothing was taken of its answer")
            self.want_flush()
