"""A stream of aioquic that says when there is something to do for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aioquic.quic.packet_builder import QuicDeliveryState
from aioquic.quic.stream import QuicStream, QuicStreamReceiver, QuicStreamSender

__all__ = ["EngineStream", "StreamOwner"]

if TYPE_CHECKING:
    from aioquic.quic.packet import QuicStreamFrame


class StreamOwner(Protocol):
    """Who hears of it."""

    def wake(self, stream: EngineStream) -> None:
        """It wants something to be sent."""

    def settle(self, stream: EngineStream) -> None:
        """It may be over in both directions."""


class _Sender(QuicStreamSender):
    def __init__(self, stream: EngineStream, stream_id: int, writable: bool) -> None:
        super().__init__(stream_id, writable)
        self._stream = stream

    def on_data_delivery(self, delivery: QuicDeliveryState, start: int, stop: int, fin: bool) -> None:
        super().on_data_delivery(delivery, start, stop, fin)
        self._stream.delivered(delivery)

    def on_reset_delivery(self, delivery: QuicDeliveryState) -> None:
        super().on_reset_delivery(delivery)
        self._stream.delivered(delivery)

    def next_frame(self, room: int, most: int) -> QuicStreamFrame | None:
        """``get_frame()``, which also says by ``buffer_is_empty`` that nothing is left."""
        frame = self.get_frame(room, most)
        if not len(self._pending) and not self._pending_eof:
            self.buffer_is_empty = True
        return frame

    @property
    def unsent(self) -> int:
        """Bytes that were never sent."""
        return 0 if self._reset_error_code is not None else self._buffer_stop - self.highest_offset

    @property
    def is_open(self) -> bool:
        return self._buffer_fin is None and self._reset_error_code is None and not self.is_finished


class _Receiver(QuicStreamReceiver):
    def __init__(self, stream: EngineStream, stream_id: int, readable: bool) -> None:
        super().__init__(stream_id, readable)
        self._stream = stream

    def on_stop_sending_delivery(self, delivery: QuicDeliveryState) -> None:
        super().on_stop_sending_delivery(delivery)
        self._stream.delivered(delivery)


class EngineStream(QuicStream):
    """Keeps what the application has not used up yet."""

    sender: _Sender
    receiver: _Receiver
    stream_id: int

    def __init__(
        self, owner: StreamOwner, stream_id: int, *, local: int, remote: int, readable: bool, writable: bool
    ) -> None:
        self.is_blocked = False
        self.max_stream_data_local = self.max_stream_data_local_sent = local
        self.max_stream_data_remote = remote
        self.receiver = _Receiver(self, stream_id, readable)
        self.sender = _Sender(self, stream_id, writable)
        self.stream_id = stream_id
        self.owner = owner
        self.told = 0
        """Bytes that the user has been told of, in order from the beginning."""
        self.unused = 0
        """Those of them that were not credited."""
        self.stopped = False
        self.watched = False
        """Somebody wants to know when bytes leave."""
        self.queued = False

    def delivered(self, delivery: QuicDeliveryState) -> None:
        """A packet with something of this stream has arrived or was lost."""
        if delivery is QuicDeliveryState.ACKED:
            if self.sender.is_finished:
                self.owner.settle(self)
        else:
            self.owner.wake(self)

    @property
    def wants(self) -> bool:
        """Whether it has something to send, if windows allow."""
        return (
            not self.sender.buffer_is_empty
            or self.sender.reset_pending
            or self.receiver.stop_pending
            or self.max_stream_data_local != self.max_stream_data_local_sent
        )
