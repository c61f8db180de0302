"""One HTTP/3 connection: what comes on its streams becomes exchanges, what they send is given to QUIC in their order.

It is the `ServedConnection` of its transport and the `QuicUser` of its engine. Frames are `pounce_h3.framing`'s, times
and ends `pounce_h3.connection_end`'s. Hot path.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pounce_asgi import RequestError
from pounce_asgi.fairness import MOST_PIECES
from pounce_asgi.multiplexed import FloodBudget
from pounce_h3.ahead import STUCK
from pounce_h3.barrier import Barrier
from pounce_h3.connection_end import EndingConnection
from pounce_h3.errors import H3_INTERNAL_ERROR, H3_NO_ERROR, H3_REQUEST_CANCELLED, ConnectionFault, Flood
from pounce_h3.framing import Framing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import HeaderPair, Peer
    from pounce_asgi.multiplexed import RequestHead
    from pounce_h3.quic import Quic
    from pounce_h3.transport import QuicTransport
    from pounce_h3.wire import Http3Wire

__all__ = ["Http3Connection"]

FRAME_BYTES: Final = 16_384
"""Of body in one frame, where streams take turns."""
TURN_BYTES: Final = 262_144
"""Given to the engine in one turn of the loop; other connections come before the next."""
SMALL_BYTES: Final = 4096
"""A piece of body up to this waits for no other stream."""
USEFUL_BYTES: Final = 1024
"""A piece of body above this pays for chores."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods whose requests may be repeated by anybody (RFC 9110, 9.2.1; RFC 8470, 3)."""


class Http3Connection(EndingConnection):
    """One client's connection. Owned by the worker's thread."""

    protocol = "HTTP/3"
    internal_error = H3_INTERNAL_ERROR
    cancelled = H3_REQUEST_CANCELLED

    def __init__(self, wire: Http3Wire, transport: QuicTransport, peer: Peer, refusal: str | None) -> None:
        """``refusal``: every request is answered 503 with this detail."""
        super().__init__(wire, transport, peer, refusal)
        self.wire: Http3Wire = wire
        self.engine = Framing(
            self, self, self.ahead, field_bytes=wire.field_bytes, fields=wire.field_lines, most=wire.streams
        )
        self.engine.unanswered = self.streams
        self.budget = FloodBudget(wire.host.soon, Flood)
        self._settings = wire.settings_frame
        wire.turn.begin(self.host.loop.time())
        self._leftovers: list[int] = []
        self._wake_soon = False
        self._generous = False
        """Less urgent streams need not wait for others now."""
        self._frames_moved = 0
        self._early = True
        """The handshake is not complete: what comes may be a repetition (RFC 9001, 9.2)."""

    @property
    def quic(self) -> Quic:
        """The engine of the connection, set once before anything is received."""
        return self.engine.quic

    @quic.setter
    def quic(self, quic: Quic) -> None:
        self.engine.quic = quic
        self.ahead.backlog = quic.backlog

    # -- ServedConnection --------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """No request is in flight or half-received."""
        return not self.streams and not self.engine.readers and not self.quic.held

    def data_received(self, data: bytes) -> None:
        """Never: what arrives is told stream by stream."""

    def eof_received(self) -> None:
        """Never: QUIC knows no half of a connection."""

    def writable(self) -> None:
        """Never: each stream has its own backlog."""

    # -- QuicUser ----------------------------------------------------------------------------------------------------

    def handshake_done(self) -> None:
        """The client is who it says it is, and may be told of our settings."""
        self._early = False
        self._started = True
        tls = self.transport.tls = self.quic.tls
        self.peer = replace(self.peer, tls=tls)
        self.engine.start(self._settings)
        if self.host.draining:
            self.last_request()

    def take_turn(self) -> bool:
        """A turn begins: go on with what there was no time for."""
        engine, host = self.engine, self.host
        now = engine.now = host.loop.time()
        self.wire.turn.begin(now)
        if self.ended or not engine.halted:
            return False
        self._busy = True
        try:
            engine.read_on()
            self._flush()
        except ConnectionFault as fault:
            self.fail(fault)
        finally:
            self._busy = False
        return bool(engine.halted)

    def turn_over(self) -> bool:
        """Others are to have their turn."""
        turn = self.wire.turn
        return self.host.loop.time() >= turn.look and turn.over()

    def stream_received(self, stream_id: int, data: bytes, ended: bool) -> bool:
        """Bytes of a stream."""
        if self.ended:
            return False
        engine, host = self.engine, self.host
        self._busy = True
        engine.now = host.loop.time()
        engine.head_deadline = host.soon + host.timeouts.request_head
        try:
            engine.receive_data(stream_id, data, ended)
            self._flush()
        except ConnectionFault as fault:
            self.fail(fault)
        finally:
            self._busy = False
        return bool(engine.halted) or self.turn_over()

    def stream_reset(self, stream_id: int, code: int = 0) -> bool:
        """The client gave up sending on a stream."""
        return self._end_stream(stream_id, code, stopped=False)

    def sending_stopped(self, stream_id: int, code: int) -> bool:
        """The client wants nothing more of a stream."""
        return self._end_stream(stream_id, code, stopped=True)

    def backlog_fell(self, stream_id: int) -> None:
        """Bytes have left: more may be given to the engine, in a later turn."""
        self.ahead.fell(stream_id, self.host.loop.time())
        stream = self.streams.get(stream_id)
        if stream is not None and stream.waiting:
            self.scheduler.add(stream_id, stream.priority)
        if self.scheduler.members or self.leaving:
            self._flush_later()

    def _end_stream(self, stream_id: int, code: int, *, stopped: bool) -> bool:
        if self.ended:
            return False
        self._busy = True
        try:
            if stopped:
                self.engine.client_stopped(stream_id, code)
            else:
                self.engine.client_reset(stream_id, code)
            self._flush()
        except ConnectionFault as fault:
            self.fail(fault)
        finally:
            self._busy = False
        return self.turn_over()

    # -- FramingUser -------------------------------------------------------------------------------------------------

    def request_received(self, stream_id: int, fields: Sequence[HeaderPair], ended: bool) -> None:
        """A request begins."""
        self.take_request(stream_id, fields, ended)

    def head_too_large(self, stream_id: int) -> None:
        """A request begins whose fields were not read."""
        self.requests += 1
        self.budget.request()
        self.refuse_unread(
            stream_id,
            RequestError("the header fields are too large", status=431, setting="limit_request_header_size"),
            (),
        )

    def begin(self, stream_id: int, head: RequestHead) -> None:
        """A head is complete: call the application, unless somebody else may have said it before (RFC 8470, 3)."""
        if self._early and head.method not in _SAFE:
            error = RequestError(f"{head.method} in early data: ask again", status=425)
            self.refuse(self.wire.new_stream(self, stream_id, head), error, head.method)
        else:
            super().begin(stream_id, head)

    def trailers_too_large(self, stream_id: int) -> None:
        """The fields behind a body, which were not read."""
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.fail_request(RequestError("the trailers are too many or too large", status=431))

    def body_received(self, stream_id: int, data: bytes, ended: bool) -> None:
        """A piece of a body."""
        stream = self.streams.get(stream_id)
        size = len(data)
        if stream is None or stream.exchange is None:
            if size:
                self.quic.credit(stream_id, size)  # of a request that was answered without it
        else:
            if size > USEFUL_BYTES:
                self._frames_moved += 1
            stream.body_received(data, size, ended)

    def fields_instructed(self, data: bytes) -> None:
        """The client's encoder of fields goes on."""
        self.engine.fields_instructed(data)

    # -- StreamOwner: windows ----------------------------------------------------------------------------------------

    def take_in(self, stream_id: int, kept: int, size: int) -> None:
        """``size`` bytes arrived, of which ``kept`` wait for an application."""
        if size > kept:
            self.quic.credit(stream_id, size - kept)

    def give_credit(self, stream_id: int, size: int) -> None:
        """An application took so many bytes of a body."""
        self.quic.credit(stream_id, size)
        self.want_flush()

    def release(self, stream_id: int, size: int) -> None:
        """So many bytes of a body will never be taken."""
        self.quic.credit(stream_id, size)

    def forget(self, stream_id: int, waiting: int) -> None:
        """A stream is over; ``waiting`` bytes of its body were never taken."""
        if self.streams.pop(stream_id, None) is not None:
            if self.scheduler.members:
                self.scheduler.remove(stream_id)
            if not self.streams:
                self.idle_deadline = self.host.soon + self.patience
        if waiting:
            self.release(stream_id, waiting)

    def response_done(self, stream_id: int) -> None:
        """The answer is complete. What is left of the request is not wanted (RFC 9114, 4.1)."""
        if stream_id in self.engine.readers:
            self._leftovers.append(stream_id)

    # -- StreamOwner: sending ----------------------------------------------------------------------------------------

    def may_send_at_once(self, stream_id: int, size: int) -> bool:
        """Whether a piece of body can be given to the engine whole, and before whatever waits."""
        if not size:
            return True
        if self.scheduler.members or size > FRAME_BYTES or self._frames_moved >= MOST_PIECES:
            return False
        now = self.engine.now
        if size > SMALL_BYTES and len(self.streams) > 1:
            barrier = self._barrier(self.host.loop.time())
            stream = self.streams.get(stream_id)
            if barrier is not None and stream is not None and barrier.stops(stream_id, stream.priority):
                return False
        return self.ahead.connection_room(now) >= size and self.ahead.stream_room(stream_id) >= size

    def count_sent(self, size: int) -> None:  # noqa: ARG002 - the engine's backlog counts bytes
        """A frame of body was given to the engine."""
        self._frames_moved += 1

    def want_flush(self) -> None:
        """Something is to be sent before the loop waits again. Within a call of the engine that follows by itself."""
        if self._busy or self.ended:
            return
        if self.scheduler.members or self._leftovers or self.leaving:
            self._flush_later()
        else:
            self.transport.want_flush()

    def _turn_now(self) -> None:
        super()._turn_now()
        if not self.ended:
            self.transport.want_flush()

    def _flush(self) -> None:
        """Give the engine as much of what waits as it should have."""
        if self._leftovers:
            leftovers, self._leftovers = self._leftovers, []
            for stream_id in leftovers:
                self.engine.stop(stream_id, H3_NO_ERROR)
        if self.scheduler.members:
            self._pump()
        self.engine.send_instructions()
        if self._frames_moved:
            self.budget.frames_moved(self._frames_moved)
            self._frames_moved = 0
        if self.leaving:
            self.leave_if_done()

    def _pump(self) -> None:
        """Let the streams send in their turns, until the engine has enough or others have waited long enough."""
        scheduler, ahead, streams = self.scheduler, self.ahead, self.streams
        now = self.engine.now = self.host.loop.time()
        budget = TURN_BYTES
        parked: list[int] = []
        barrier = self._barrier(now)
        while scheduler.members:
            room = ahead.connection_room(now)
            if not room:
                break  # the engine says when something has left
            if budget <= 0:
                self._flush_behind()
                break
            stream_id = scheduler.next()
            priority = scheduler.members[stream_id]
            if barrier is not None and barrier.stops(stream_id, priority):
                self._wake_later()
                if priority.urgency > barrier.urgency:
                    break
                scheduler.remove(stream_id)
                parked.append(stream_id)
                continue
            of_stream = ahead.stream_room(stream_id)
            if not of_stream:
                scheduler.remove(stream_id)
                continue
            size = streams[stream_id].send_some(min(room, of_stream, FRAME_BYTES))
            budget -= size
            self.count_sent(size)
            if not self._generous and (barrier is None or priority.urgency < barrier.urgency):
                barrier = Barrier.before([(stream_id, priority)])
        for stream_id in parked:
            scheduler.add(stream_id, streams[stream_id].priority)
        if scheduler.members and barrier is not None:
            ahead.watch()

    def _barrier(self, now: float) -> Barrier | None:
        """What has to wait for streams of which the engine has something, and which move."""
        if self._generous or len(self.streams) < 2:
            return None
        moves = self.ahead.moves
        return Barrier.before((one, stream.priority) for one, stream in self.streams.items() if moves(one, now))

    def _wake_later(self) -> None:
        """Let those that wait have their turn after a while: the others may move slowly for want of a window."""
        if not self._wake_soon:
            self._wake_soon = True
            self.host.loop.call_later(STUCK, self._wake, context=self.host.base_context)

    def _wake(self) -> None:
        self._wake_soon = False
        if self.scheduler.members and not self.ended:
            self._generous = True
            self._turn_now()
            self._generous = False
