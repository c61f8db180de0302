"""One HTTP/2 connection: what its engine reads becomes exchanges, what they send goes out once per turn of the loop.

It is the `ServedConnection` of its transport and the `EngineUser` of its engine. Everything about frames is the
engine's, about times and ends `pounce_h2.connection_end`'s. Hot path.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from pounce_asgi import IncompleteBody
from pounce_asgi.fairness import MOST_PIECES, PIECE_COST, TURN_SECONDS, call_behind
from pounce_asgi.multiplexed import NEVER, FloodBudget
from pounce_h2.connection_end import ConnectionEnd
from pounce_h2.errors import CANCEL, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, ConnectionFault, Flood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import HeaderPair, Peer, Transport
    from pounce_asgi.multiplexed import MultiplexedStream, RequestHead
    from pounce_h2.wire import Http2Wire

__all__ = ["Http2Connection"]

TURN_BYTES: Final = 262_144
"""Sent in one turn of the loop; other connections come before the next. A frame counts for `PIECE_COST` at least: its
application may have to be woken."""
WRITE_BYTES: Final = 65_536
"""Gathered before it is written."""
BEHIND_BYTES: Final = 65_536
"""Written to a client that reads nothing, before nothing is read of it: heads without a body wait for no window."""
USEFUL_BYTES: Final = 1024
"""A frame of body above this pays for chores, such as the pings by which its sender measures the connection."""


class Http2Connection(ConnectionEnd):
    """One client's connection. Owned by the worker's thread."""

    protocol = "HTTP/2"
    internal_error = INTERNAL_ERROR
    cancelled = CANCEL

    def __init__(self, wire: Http2Wire, transport: Transport, peer: Peer, refusal: str | None) -> None:
        """``refusal``: every request is answered 503 with this detail."""
        self._first_turn_ends = monotonic() + TURN_SECONDS
        """To make all this takes most of a turn. `NEVER` when the client has introduced itself."""
        super().__init__(wire, transport, peer, refusal)
        self.wire: Http2Wire = wire
        self.engine = wire.new_engine(self)
        self.budget = FloodBudget(wire.host.soon, Flood)
        self._leftovers: list[int] = []
        self._unread = 0
        """Bytes of body that wait for applications."""
        self._owed = 0
        """Bytes that the window of the connection was not given back yet."""
        self._gathered = 0
        """Bytes of body that wait for the end of this turn."""
        self._frames_moved = 0
        self._behind = 0
        """Bytes that were written while the client read nothing."""
        self._paused = False
        """It is too far behind."""
        self._quiet = False
        """Reading is paused."""
        self._turn_ends = 0.0

    # -- ServedConnection --------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """No request is in flight or half-received."""
        return not self.streams and self.engine.unfinished is None and not self._held

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        if self.ended:
            return
        self._busy = True
        self._turn_ends = monotonic() + TURN_SECONDS
        try:
            if self.engine.receive_data(data):
                self._hold()
            else:
                self.watch_head()
            self._flush()
        except ConnectionFault as fault:
            self.fail(fault)
        finally:
            self._busy = False

    def turn_over(self) -> bool:
        """Others are to have their turn."""
        return monotonic() >= self._turn_ends

    def _hold(self) -> None:
        """More frames came than there is time for: the rest waits until others had their turn."""
        if not self._held:
            self._held = True
            self._head_deadline = NEVER  # the client has done its part
            self._listen()
            call_behind(self.host.loop, self._read_on, self.host.base_context)

    def _read_on(self) -> None:
        self._held = False
        self.data_received(b"")
        self._listen()

    def _listen(self) -> None:
        """Read of the client, or do not, as things are now."""
        quiet = self._held or self._paused
        if quiet is not self._quiet and not self.eof and not self.ended:
            self._quiet = quiet
            if quiet:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def writable(self) -> None:
        """The client has read enough for more to be sent."""
        self._behind = 0
        self._paused = False
        self._listen()
        if not self.ended:
            self._turn_now()

    def eof_received(self) -> None:
        """The client will send no more. What it has asked for is still answered, as far as the windows go."""
        self.eof = True
        self._busy = True
        try:
            self._tell_streams(self._half_close)
            self._flush()
        finally:
            self._busy = False

    def _half_close(self, stream: MultiplexedStream) -> None:
        if self.engine.receiving(stream.stream_id):
            stream.fail_request(IncompleteBody("the client closed the connection within the request body"))
        if not stream.over:
            stream.half_closed()

    # -- EngineUser: requests ----------------------------------------------------------------------------------------

    def request_received(self, stream_id: int, fields: Sequence[HeaderPair], ended: bool) -> None:
        """A request begins."""
        if self.last_taken is not None and stream_id > self.last_taken:
            self.engine.reset(stream_id, REFUSED_STREAM)  # the client could not know yet, and may ask elsewhere
            self.tell_of_reset(stream_id, REFUSED_STREAM)
            return
        self.take_request(stream_id, fields, ended)

    def begin_promised(self, stream_id: int, head: RequestHead) -> None:
        """A promised response is to be made, unless its client has declined it."""
        if not self.ended and self.engine.sending(stream_id):
            self.begin(stream_id, head)

    def body_received(self, stream_id: int, data: bytes, size: int, ended: bool) -> None:
        """A piece of a body."""
        stream = self.streams.get(stream_id)
        if stream is None or stream.exchange is None:
            self.engine.credit_connection(size)  # of a request that was answered without it
        else:
            if size > USEFUL_BYTES:
                self._frames_moved += 1
            stream.body_received(data, size, ended)

    def stream_reset(self, stream_id: int) -> None:
        """A stream is closed by its client, or by what its client did."""
        self.stream_lost(stream_id)

    # -- EngineUser: the connection ----------------------------------------------------------------------------------

    def window_opened(self, stream_id: int) -> None:
        """More may be sent."""
        stream = self.streams.get(stream_id)
        if stream is not None and stream.waiting:
            self.scheduler.add(stream_id, stream.priority)

    def settings_changed(self) -> None:
        """All windows may have moved (RFC 9113, 6.9.2)."""
        self._turn_ends = min(self._turn_ends, self._first_turn_ends)
        self._first_turn_ends = NEVER
        for stream_id, stream in self.streams.items():
            if stream.waiting:
                self.scheduler.add(stream_id, stream.priority)

    # -- called by streams: windows ----------------------------------------------------------------------------------

    def take_in(self, stream_id: int, kept: int, size: int) -> None:
        """``size`` bytes of the windows were used, of which ``kept`` wait for an application."""
        free = size - kept
        if free:
            self.engine.credit(stream_id, free)
        if kept:
            self._unread += kept
            # The window of the connection is given back before the application reads, so that a body that nobody reads
            # holds up no other; only when more than that waits in all, it is not.
            if self._unread > self.wire.connection_window:
                self._owed += kept
                size -= kept
        if size:
            self.engine.credit_connection(size)

    def give_credit(self, stream_id: int, size: int) -> None:
        """An application took so many bytes of a body."""
        self.engine.credit(stream_id, size)
        self.release(stream_id, size)
        self.want_flush()

    def release(self, stream_id: int, size: int) -> None:  # noqa: ARG002 - its own window no longer matters
        self._unread -= size
        if self._owed and self._unread <= self.wire.connection_window:
            owed, self._owed = self._owed, 0
            self.engine.credit_connection(owed)

    def forget(self, stream_id: int, waiting: int) -> None:
        """A stream is over; ``waiting`` bytes of its body were never taken."""
        if self.streams.pop(stream_id, None) is not None:
            if self.scheduler.members:
                self.scheduler.remove(stream_id)
            if not self.streams:
                self.idle_deadline = self.host.soon + self.patience
                if self.leaving:
                    self.want_flush()
        if waiting:
            self.release(stream_id, waiting)

    def response_done(self, stream_id: int) -> None:
        """The answer is complete. What is left of the request is not wanted (RFC 9113, 8.1)."""
        if self.engine.receiving(stream_id):
            self._leftovers.append(stream_id)

    # -- called by streams: sending ----------------------------------------------------------------------------------

    def may_send_at_once(self, stream_id: int, size: int) -> bool:
        """Whether a piece of body can go out whole, and before whatever waits."""
        engine = self.engine
        if not size:
            return True
        return (
            not self.scheduler.members
            and self._gathered < WRITE_BYTES
            and self._frames_moved < MOST_PIECES
            and not self.transport.congested
            and size <= engine.max_frame
            and size <= engine.window(stream_id)
        )

    def count_sent(self, size: int) -> None:
        """A frame of body was handed to the engine."""
        self._gathered += size
        self._frames_moved += 1

    def _flush(self) -> None:
        """Send what was gathered, and as much of what waits as may be sent."""
        if self._leftovers:
            self._drop_leftovers()
        if self.scheduler.members:
            self._pump()
        self.write_out()
        if self._frames_moved:
            self.budget.frames_moved(self._frames_moved)
            self._frames_moved = 0
        if self.leaving or self.eof:
            self.leave_if_done()

    def _drop_leftovers(self) -> None:
        leftovers, self._leftovers = self._leftovers, []
        for stream_id in leftovers:
            if self.engine.receiving(stream_id):
                self.engine.reset(stream_id, NO_ERROR)

    def _pump(self) -> None:
        """Let the streams send in their turns, until nothing more may be sent or others have waited long enough."""
        scheduler, engine, streams = self.scheduler, self.engine, self.streams
        budget = TURN_BYTES
        while scheduler.members and not self.transport.congested and engine.connection_window > 0:
            if budget <= 0:
                self._flush_behind()
                return
            stream_id = scheduler.next()
            room = min(engine.window(stream_id), engine.max_frame)
            if room <= 0:
                scheduler.remove(stream_id)
                continue
            size = streams[stream_id].send_some(room)
            budget -= max(size, PIECE_COST)
            self.count_sent(size)
            if self._gathered >= WRITE_BYTES:
                self.write_out()

    def write_out(self) -> None:
        """Hand everything to the transport, in one call."""
        self._gathered = 0
        parts = self.engine.data_to_send()
        if not parts:
            return
        transport = self.transport
        if transport.congested:
            self._fall_behind(sum(map(len, parts)))
        if len(parts) == 1:
            transport.write(parts[0])
        elif sum(map(len, parts)) < WRITE_BYTES:
            transport.write(b"".join(parts))
        else:
            transport.write_parts(parts)

    def _fall_behind(self, size: int) -> None:
        """More is to wait for a client that reads nothing. It must not fill the memory with answers."""
        self._behind += size
        if self._behind > BEHIND_BYTES:
            self._paused = True
            self._listen()
