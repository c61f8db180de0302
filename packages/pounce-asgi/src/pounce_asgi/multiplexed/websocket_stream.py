"""A stream that carries a WebSocket (RFC 8441, RFC 9220): the `WebSocketCarrier` over HTTP/2 and HTTP/3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_asgi.contracts import BodyFraming
from pounce_asgi.multiplexed.stream import NEVER, MultiplexedStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import HeaderPair, RequestError
    from pounce_asgi.multiplexed.request_head import RequestHead
    from pounce_asgi.multiplexed.stream_owner import StreamOwner

__all__ = ["WebSocketStream"]

FAREWELL: Final = 5.0
"""Seconds that a client has to end its side after ours has ended."""


class WebSocketStream(MultiplexedStream):
    """Its ``exchange`` is the WebSocket. Until that is accepted, what the client sends waits within the window."""

    __slots__ = ("_early", "_ended", "_finished", "_paused", "accepted")

    def __init__(self, connection: StreamOwner, stream_id: int, head: RequestHead) -> None:
        super().__init__(connection, stream_id, head)
        self.accepted = False
        self._paused = False
        self._ended = False
        self._finished = False
        self._early = bytearray()

    # -- WebSocketCarrier --------------------------------------------------------------------------------------------

    def accept(self, fields: Sequence[HeaderPair]) -> None:
        """Answer 200, and hand on what came early in a later turn."""
        context = self.connection.context
        block_fields = context.default_fields() + tuple(fields)
        self.send_head(200, block_fields, BodyFraming.DELIMITED, b"", end=False, close=False)
        self.accepted = True
        self._deliver_soon()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if data and not self._finished:
            self.send_body(data, end=False)

    def pause_reading(self) -> None:
        """Let the client run out of its window."""
        self._paused = True

    def resume_reading(self) -> None:
        """Take what waits, and grant the client more."""
        if self._paused:
            self._paused = False
            self._deliver_soon()

    def finish(self) -> None:
        """End our side; the client has a while to end its own."""
        if not self._finished and not self.over:
            self._finished = True
            self.send_body(b"", end=True)

    # -- the connection's side ---------------------------------------------------------------------------------------

    def body_received(self, data: bytes, size: int, ended: bool) -> None:
        """Bytes of the WebSocket."""
        self.connection.take_in(self.stream_id, len(data), size)
        self._early += data
        self._ended = self._ended or ended
        if self.accepted:
            self._deliver()

    def trailers_received(self) -> None:
        """They end the bytes, and mean nothing."""
        self.body_received(b"", 0, True)

    def _deliver_soon(self) -> None:
        if self._early or self._ended:
            self.connection.host.loop.call_soon(self._deliver, context=self.connection.host.base_context)

    def _deliver(self) -> None:
        if self._early and not self._paused and not self.over:
            data = bytes(self._early)
            self._early.clear()
            self.connection.give_credit(self.stream_id, len(data))
            if not self._finished:
                self.exchange.data_received(data)
        if self._ended and not self._early and not self.over:
            self._ended = False
            if self._finished:
                self.lost(None)
            else:
                self.exchange.eof_received()

    def _resume(self) -> None:
        if self.accepted:
            self.exchange.writable()
        else:
            self.exchange.resume_sending()

    def _sent_all(self) -> None:
        if self.accepted and self.connection.engine.receiving(self.stream_id):
            self.read_deadline = self.connection.host.soon + FAREWELL
        elif self.accepted:
            self.lost(None)
        else:
            super()._sent_all()

    def half_closed(self) -> None:
        """The client will send nothing more on any stream; of this one it has said so itself."""
        if not self.accepted:
            super().half_closed()

    def fail_request(self, error: RequestError) -> None:
        """The client does not end its side, or cannot any more."""
        self.read_deadline = NEVER
        if self.accepted:
            self.connection.engine.reset(self.stream_id, self.connection.cancelled)
            self.connection.tell_of_reset(self.stream_id, self.connection.cancelled)
            self.connection.want_flush()
            self.lost(None)
        else:
            super().fail_request(error)

    def lost(self, error: OSError | None) -> None:
        """The stream is gone."""
        if not self.over:
            if not self.accepted:
                super().lost(error)
            else:
                exchange = self.exchange
                self.leave()
                exchange.connection_lost(error)

    def leave(self) -> None:
        """The stream is no longer the connection's."""
        waiting = len(self._early)
        self._early.clear()
        super().leave()
        if waiting:
            self.connection.release(self.stream_id, waiting)

    def begin_drain(self) -> None:
        """The server stops, and the WebSocket says so to its client."""
        if self.exchange is not None:
            self.exchange.begin_drain()
