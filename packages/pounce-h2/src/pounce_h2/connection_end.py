"""How an HTTP/2 connection ends, and the times after which it does (RFC 9113, 5.4, 6.8 and 9.1)."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from pounce_asgi import RequestTimeout
from pounce_asgi.fairness import call_behind
from pounce_asgi.incidents import tell_timeout
from pounce_asgi.multiplexed import NEVER, RequestIntake
from pounce_h2.errors import ENHANCE_YOUR_CALM, NO_ERROR, ConnectionFault, Flood

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_asgi import Peer, Transport
    from pounce_asgi.multiplexed import MultiplexedStream, MultiplexedWire
    from pounce_h2.engine import Engine

__all__ = ["ConnectionEnd"]

READING: Final = 5.0
"""Seconds for which a client may go on reading an answer that is no longer ours to send."""
LAST_STREAM: Final = 2**31 - 1
"""In a first GOAWAY: all that is under way will be looked at (RFC 9113, 6.8)."""
ROUND_TRIP: Final = 5.0
"""Seconds after which the second GOAWAY follows the first, where the ping between them does not come back."""
TOLD_AT_ONCE: Final = 8
"""Streams of a connection that ended whose applications are told in a row: each of them is woken, and hears of it as an
error. A hundred took 1.5 ms."""


class ConnectionEnd(RequestIntake):
    """The half of a connection that watches its times. Owned by the worker's thread."""

    engine: Engine

    def __init__(self, wire: MultiplexedWire, transport: Transport, peer: Peer, refusal: str | None) -> None:
        super().__init__(wire, peer, refusal)
        self.transport = transport
        self.ended = False
        """Nothing that comes is looked at any more, and nothing is sent."""
        self.eof = False
        self.leaving = False
        """A GOAWAY is out, or the client's is in: with the last stream the connection ends."""
        self.last_taken: int | None = None
        """The highest stream that will be looked at, once the client was told."""
        self._held = False
        """Frames of what came wait for their turn."""
        self._head_deadline = NEVER
        self._head_units = -1
        self._goaway_deadline = NEVER
        self._untold: Iterator[MultiplexedStream] | None = None
        """Streams that are still to hear what became of the connection."""
        self._tell: Callable[[MultiplexedStream], None] | None = None
        self.host.watch_deadlines(self)

    @abstractmethod
    def write_out(self) -> None:
        """Hand everything to the transport."""

    # -- ends --------------------------------------------------------------------------------------------------------

    def fail(self, fault: ConnectionFault) -> None:
        """The client broke the protocol, or is too much: say so and close (RFC 9113, 5.4.1)."""
        if self.ended:
            return
        self.tell_of_fault(fault, f"HTTP/2 error {fault.code:#x}: {fault}")
        self.engine.goaway(self.engine.last_stream_id, fault.code, str(fault).encode("ascii", "replace"))
        self.close(linger=True)

    def close(self, *, linger: bool = False) -> None:
        """Send what was gathered and close; requests that are not answered yet never will be.

        A client that reads an answer sends WINDOW_UPDATEs meanwhile, which would turn a close without ``linger`` into a
        reset, and the end of that answer would be lost.
        """
        if not self.ended:
            self.write_out()
            self.ended = self.engine.dead = True
            self.transport.close(linger=linger and not self.eof)
            self._lose_streams(None)

    @property
    def _lately_busy(self) -> bool:
        """The last answer ended so lately that the client may still be reading it."""
        return self.requests > 0 and self.host.soon < self.idle_deadline - self.patience + READING

    def connection_lost(self, error: OSError | None) -> None:
        """The connection is gone."""
        self.ended = self.engine.dead = True
        self.host.forget_deadlines(self)
        self._lose_streams(error)
        self.host.connection_closed(self, error)  # type: ignore[arg-type]  # the other half makes it one
        self.engine.let_go()

    def _lose_streams(self, error: OSError | None) -> None:
        self._tell_streams(lambda stream: stream.lost(error))

    def _tell_streams(self, tell: Callable[[MultiplexedStream], None]) -> None:
        """Tell all of them something that ends what they were told before, a few at a time."""
        begun = self._untold is not None
        self._tell = tell
        self._untold = iter(tuple(self.streams.values()))
        if not begun:
            self._tell_some()

    def _tell_some(self) -> None:
        assert self._untold is not None
        assert self._tell is not None
        # At a stop there may be no later turn.
        portion = tuple(islice(self._untold, None if self.host.draining else TOLD_AT_ONCE))
        for stream in portion:
            self._tell(stream)
        if len(portion) == TOLD_AT_ONCE:
            call_behind(self.host.loop, self._tell_some, self.host.base_context)
        else:
            self._untold = self._tell = None

    # -- leaving in good order ---------------------------------------------------------------------------------------

    def last_request(self) -> None:
        """Another worker takes over: what is under way is answered, and the client is to connect anew.

        The first GOAWAY names the highest stream there can be, so that requests under way are not lost; the second,
        which names the last that was taken, follows when the client must have seen the first (RFC 9113, 6.8).
        """
        if self.leaving or self.ended:
            return
        self.leaving = True
        self.engine.goaway(LAST_STREAM, NO_ERROR)
        self.engine.ping()
        self._goaway_deadline = self.host.soon + ROUND_TRIP
        self.want_flush()

    def begin_drain(self) -> None:
        """The server stops: idle connections close, the others when their streams are done."""
        for stream in tuple(self.streams.values()):
            stream.begin_drain()
        behind = self._held or getattr(self.transport, "behind", False)  # what was read would not be answered
        if not self.streams and not behind and not self.ended:
            self.engine.goaway(self.engine.last_stream_id, NO_ERROR)
            self.close(linger=self._lately_busy)
        else:
            self.last_request()

    def ping_acknowledged(self) -> None:
        """The client has seen the first GOAWAY."""
        if self._goaway_deadline != NEVER:
            self._take_no_more()

    def _take_no_more(self) -> None:
        self._goaway_deadline = NEVER
        self.last_taken = self.engine.last_stream_id
        self.engine.goaway(self.last_taken, NO_ERROR)
        self.want_flush()

    def goaway_received(self) -> None:
        """The client will open no more streams; those that are open go on."""
        self.leaving = True
        self.want_flush()

    def leave_if_done(self) -> None:
        """Close once nothing is under way."""
        if not self.streams and not self._held and self._goaway_deadline == NEVER and not self.ended:
            self.close(linger=True)

    # -- times -------------------------------------------------------------------------------------------------------

    def watch_head(self) -> None:
        """A frame or a block of fields that has begun must be complete in time. A body has its own time."""
        stream_id = self.engine.unfinished
        if not stream_id:
            if stream_id is None:
                self._head_deadline = NEVER
            elif self._head_deadline == NEVER or self._head_units != self.engine.units:
                self._head_units = self.engine.units
                self._head_deadline = self.host.soon + self.host.timeouts.request_head
            return
        self._head_deadline = NEVER
        stream = self.streams.get(stream_id)
        if stream is not None and stream.read_deadline != NEVER:
            stream.read_deadline = self.host.soon + self.host.timeouts.body_stall

    def deadline_expired(self) -> None:
        """The transport's only deadline is never set."""

    def expire(self, now: float) -> None:
        """Act on what has taken too long."""
        if self.ended:
            return
        self.budget.pay(now)
        if now >= self._head_deadline:
            self.fail(Flood("a frame or a block of header fields took too long", timeout="timeout_request_head"))
        elif now >= self.idle_deadline and not self.streams:
            if self.engine.unfinished is None:
                self.engine.goaway(self.engine.last_stream_id, NO_ERROR)
            self.close()
        else:
            if now >= self._goaway_deadline:
                self._take_no_more()
            self._expire_streams(now)

    def _expire_streams(self, now: float) -> None:
        """A few at a time, as at the end."""
        expired = 0
        for stream in tuple(self.streams.values()):
            if now < stream.read_deadline and now < stream.write_deadline:
                continue
            expired += self._expire_stream(stream, now)
            if self.ended:
                return
            if expired == TOLD_AT_ONCE:
                call_behind(self.host.loop, partial(self._expire_more, now), self.host.base_context)
                return

    def _expire_more(self, now: float) -> None:
        if not self.ended:
            self._expire_streams(now)

    def _expire_stream(self, stream: MultiplexedStream, now: float) -> bool:
        """Act on what has taken too long on one stream. True if something had."""
        expired = now >= stream.read_deadline
        if expired:
            stream.fail_request(RequestTimeout("the request body stalled"))
        if now < stream.write_deadline or not stream.waiting or self.transport.congested:
            return expired
        if self.engine.connection_window <= 0:
            self.fail(Flood("the window of the connection stayed closed", timeout="timeout_write_stall"))
            return True
        if self.engine.window(stream.stream_id) > 0:
            return expired
        self.tell_of_stream("its window stayed closed", told=True)
        tell_timeout(self.context, self.peer, "timeout_write_stall", stream.stream_id)
        self.tell_of_reset(stream.stream_id, ENHANCE_YOUR_CALM)
        self.engine.reset(stream.stream_id, ENHANCE_YOUR_CALM)
        stream.lost(None)
        self.want_flush()
        return True
