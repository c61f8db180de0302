"""The streams of a connection of aioquic: windows that follow the application, and a queue of those with work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aioquic.quic.connection import QuicConnection, QuicConnectionError
from aioquic.quic.packet import QuicErrorCode
from aioquic.quic.packet_builder import QuicDeliveryState
from aioquic.quic.stream import FinalSizeError, StreamFinishedError
from aioquic.tls import Epoch

from pounce_h3.engine.aioquic_stream import EngineStream
from pounce_h3.engine.events import RESET, STOPPED, Happened, add_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aioquic.quic.connection import Limit, QuicConnectionState
    from aioquic.quic.crypto import CryptoPair
    from aioquic.quic.recovery import QuicPacketSpace
    from aioquic.quic.stream import QuicStream, QuicStreamSender

__all__ = ["AioquicStreams"]

_MOST_GAPS: Final = 256
"""Pieces of a stream that may wait for what is missing between them. A client whose packets are lost has a few; one
that sends every second byte would let us search through a hundred thousand for each packet."""


class AioquicStreams(QuicConnection):
    """aioquic raises its windows when bytes arrive, and looks through all streams for each packet. Here windows are
    raised by what was credited, and ``_streams_queue`` has only those that have something to send.
    """

    _streams: dict[int, EngineStream]  # type: ignore[assignment]
    _streams_queue: list[EngineStream]  # type: ignore[assignment]

    # aioquic's own, which they say again where aioquic is not installed and its types cannot be read.
    _state: QuicConnectionState
    _local_next_stream_id_uni: int
    _probe_pending: bool
    _ack_eliciting_sent_since_receipt: bool
    _spin_highest_pn: int

    _space: QuicPacketSpace
    """Packets with short headers. Here and below: kept beside aioquic's tables, whose keys are slow to hash."""
    _crypto: CryptoPair
    _crypto_sender: QuicStreamSender

    def _confirm_handshake(self) -> None:
        super()._confirm_handshake()
        self._space = self._spaces[Epoch.ONE_RTT]
        self._crypto = self._cryptos[Epoch.ONE_RTT]
        self._crypto_sender = self._crypto_streams[Epoch.ONE_RTT].sender

    def _begin_streams(self, connection_window: int, stream_window: int, most_bidi: int, most_uni: int) -> None:
        self.happened: list[Happened] = []
        self.fell: list[int] = []
        self._window = connection_window
        self._stream_window = stream_window
        self._local_max_streams_bidi.value = self._local_max_streams_bidi.sent = most_bidi
        self._local_max_streams_uni.value = self._local_max_streams_uni.sent = most_uni
        self._used = 0
        """Bytes of all streams that were used up."""
        self._held: dict[EngineStream, None] = {}
        """Streams whose bytes wait for one of the client's windows."""

    # -- StreamOwner --------------------------------------------------------------------------------------------------

    def wake(self, stream: EngineStream) -> None:
        if not stream.queued and stream.stream_id in self._streams:
            stream.queued = True
            self._streams_queue.append(stream)

    def settle(self, stream: EngineStream) -> None:
        if not stream.is_finished or self._streams.pop(stream.stream_id, None) is None:
            return
        if stream.queued:
            self._streams_queue.remove(stream)
        self._held.pop(stream, None)
        self._use_up(stream, stream.unused)
        if not stream.stream_id & 1:  # the client may open another one for it
            self._stream_limit(stream.stream_id).value += 1

    # -- what the application has used up -----------------------------------------------------------------------------

    def _use_up(self, stream: EngineStream, size: int) -> None:
        stream.unused -= size
        self._forgive(size)
        receiver = stream.receiver
        if receiver.is_finished or stream.stopped or receiver._final_size is not None:
            return  # it needs no window any more
        window = stream.told - stream.unused + self._stream_window
        if (window - stream.max_stream_data_local) * 2 >= self._stream_window:
            stream.max_stream_data_local = window
            self.wake(stream)

    def _forgive(self, size: int) -> None:
        """So many bytes count no more against the window of the connection."""
        self._used += size
        window = self._used + self._window
        if (window - self._local_max_data.value) * 2 >= self._window:
            self._local_max_data.value = window

    def _write_connection_limits(self, builder: Any, space: Any) -> None:
        used, self._local_max_data.used = self._local_max_data.used, 0  # or aioquic doubles it
        try:
            super()._write_connection_limits(builder, space)
        finally:
            self._local_max_data.used = used

    def _write_stream_limits(self, builder: Any, space: Any, stream: QuicStream) -> None:
        highest, stream.receiver.highest_offset = stream.receiver.highest_offset, 0  # likewise
        try:
            super()._write_stream_limits(builder, space, stream)
        finally:
            stream.receiver.highest_offset = highest

    def _on_max_stream_data_delivery(self, delivery: QuicDeliveryState, stream: QuicStream) -> None:
        super()._on_max_stream_data_delivery(delivery, stream)
        if delivery is not QuicDeliveryState.ACKED and isinstance(stream, EngineStream):
            if stream.receiver.is_finished or stream.stopped:
                stream.max_stream_data_local_sent = stream.max_stream_data_local
            else:
                self.wake(stream)

    # -- frames of streams --------------------------------------------------------------------------------------------

    def _stream_bytes(self, frame_type: int, stream_id: int, frame: Any) -> None:
        """A STREAM frame (RFC 9000, 19.8)."""
        if stream_id & 3 == 3 or (stream_id & 3 == 1 and stream_id not in self._streams):
            self._assert_stream_can_receive(frame_type, stream_id)
        stream = self._streams.get(stream_id) or self._get_or_create_stream(frame_type, stream_id)
        receiver = stream.receiver
        end = frame.offset + len(frame.data)
        if end > receiver.highest_offset:
            self._count(frame_type, stream, end)
        try:
            event = receiver.handle_frame(frame)
        except FinalSizeError as error:
            raise QuicConnectionError(QuicErrorCode.FINAL_SIZE_ERROR, frame_type, str(error)) from error
        if event is not None:
            self._hand_on(stream, event.data, event.end_stream)
        elif len(receiver._ranges) > _MOST_GAPS:
            raise QuicConnectionError(QuicErrorCode.INTERNAL_ERROR, frame_type, "a stream in too many pieces")

    def _count(self, frame_type: int, stream: EngineStream, end: int) -> None:
        if end > stream.max_stream_data_local:
            raise QuicConnectionError(QuicErrorCode.FLOW_CONTROL_ERROR, frame_type, "Over stream data limit")
        limit = self._local_max_data
        limit.used += end - stream.receiver.highest_offset
        if limit.used > limit.value:
            raise QuicConnectionError(QuicErrorCode.FLOW_CONTROL_ERROR, frame_type, "Over connection data limit")

    def _hand_on(self, stream: EngineStream, data: bytes, ended: bool) -> None:
        size = len(data)
        stream.told += size
        if stream.stopped:
            self._forgive(size)
        else:
            stream.unused += size
            add_bytes(self.happened, stream.stream_id, data, ended)
        if ended:
            self.settle(stream)

    def _handle_reset_stream_frame(self, context: Any, frame_type: int, buf: Any) -> None:
        position = buf.tell()
        stream_id = buf.pull_uint_var()
        buf.seek(position)
        super()._handle_reset_stream_frame(context, frame_type, buf)
        event: Any = self._events.pop() if self._events else None
        stream = self._streams.get(stream_id)
        if event is None or stream is None:
            return
        self._forgive(stream.receiver.highest_offset - stream.told)  # what never came in order
        if not stream.stopped:
            self.happened.append((RESET, stream_id, event.error_code))
        self.settle(stream)

    def _handle_stop_sending_frame(self, context: Any, frame_type: int, buf: Any) -> None:
        super()._handle_stop_sending_frame(context, frame_type, buf)
        event: Any = self._events.pop()
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            self.happened.append((STOPPED, event.stream_id, event.error_code))
            self.wake(stream)

    def _handle_max_data_frame(self, context: Any, frame_type: int, buf: Any) -> None:
        super()._handle_max_data_frame(context, frame_type, buf)
        self._release(tuple(self._held))

    def _handle_max_stream_data_frame(self, context: Any, frame_type: int, buf: Any) -> None:
        super()._handle_max_stream_data_frame(context, frame_type, buf)
        self._release([stream for stream in self._held if stream.max_stream_data_remote > stream.sender.highest_offset])

    def _release(self, streams: Iterable[EngineStream]) -> None:
        for stream in streams:
            del self._held[stream]
            self.wake(stream)

    def _unblock_streams(self, is_unidirectional: bool) -> None:
        super()._unblock_streams(is_unidirectional)
        self._release(tuple(self._held))

    # -- making them --------------------------------------------------------------------------------------------------

    def _get_or_create_stream(self, frame_type: int, stream_id: int) -> EngineStream:
        stream = self._streams.get(stream_id)
        if stream is not None:
            return stream
        if stream_id & 1:
            if self._stream_is_discarded(stream_id):
                raise StreamFinishedError
            raise QuicConnectionError(QuicErrorCode.STREAM_STATE_ERROR, frame_type, "Wrong stream initiator")
        limit = self._stream_limit(stream_id)
        number = stream_id // 4
        if number < limit.used:
            raise StreamFinishedError
        self._open_for_client(frame_type, stream_id, limit)
        return self._streams[stream_id]

    def _open_for_client(self, frame_type: int, stream_id: int, limit: Limit) -> None:
        """Also those with lower numbers (RFC 9000, 2.1)."""
        if stream_id // 4 >= limit.value:
            raise QuicConnectionError(QuicErrorCode.STREAM_LIMIT_ERROR, frame_type, "Too many streams open")
        both = not stream_id & 2
        remote = self._remote_max_stream_data_bidi_local if both else 0
        for number in range(limit.used, stream_id // 4 + 1):
            each = number * 4 + stream_id % 4
            self._streams[each] = EngineStream(
                self, each, local=self._stream_window, remote=remote, readable=True, writable=both
            )
        limit.used = stream_id // 4 + 1

    def _open_unidirectional(self) -> int:
        stream_id = self._local_next_stream_id_uni
        stream = EngineStream(
            self, stream_id, local=0, remote=self._remote_max_stream_data_uni, readable=False, writable=True
        )
        self._streams[stream_id] = stream
        self._local_next_stream_id_uni = stream_id + 4
        if stream_id // 4 >= self._remote_max_streams_uni:
            stream.is_blocked = True
            self._streams_blocked_uni.append(stream)
            self._streams_blocked_pending = True
        return stream_id
