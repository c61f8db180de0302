"""Datagrams of a connection of aioquic whose handshake is done: one packet with a short header in each.

aioquic has one builder for all kinds of packets, which asks of each frame whether it fits, and sends an ACK when its
time has come. Here a packet is put together as a list of frames, and an ACK goes with whatever else is sent. What is
rare goes aioquic's own way: handshakes, closing, changes of paths and of connection ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aioquic.quic.packet import QuicPacketType
from aioquic.quic.packet_builder import QuicSentPacket
from aioquic.tls import Epoch

from pounce_h3.engine.aioquic_streams import AioquicStreams
from pounce_h3.engine.variable_integers import encoded

if TYPE_CHECKING:
    from aioquic.quic.recovery import QuicPacketSpace

    from pounce_h3.engine.aioquic_stream import EngineStream

__all__ = ["AioquicSending"]

_TAG: Final = 16
"""Bytes by which encryption makes a packet longer."""
_LEAST: Final = 24
"""Bytes of room in a packet below which no further frame is begun."""
_SHORT: Final = 0x41
"""A short header with a packet number of two bytes (RFC 9000, 17.3.1)."""
_PING: Final = b"\x01"
_MOST_RANGES: Final = 32
_MOST_SENT: Final = 1024
"""Packets that are remembered until they are acknowledged before those are forgotten that need not be."""


class AioquicSending(AioquicStreams):
    """Puts packets together."""

    _ids_unsent = False
    """Connection ids that were not sent, or whose packet was lost."""
    _forget_at = _MOST_SENT

    @property
    def _is_plain(self) -> bool:
        """Nothing that is rare is to be sent."""
        if not self._handshake_confirmed:
            return False
        path = self._network_paths[0]
        return (
            not self._close_pending
            and path.is_validated
            and not path.remote_challenges
            and len(self._network_paths) == 1
            and not self._handshake_done_pending
            and not self._ids_unsent
            and not self._retire_connection_ids
            and not self._streams_blocked_pending
            and self._crypto_sender.buffer_is_empty
        )

    def _plain_datagrams(self, now: float) -> list[tuple[bytes, Any]]:
        space = self._space
        path = self._network_paths[0]
        loss, pacer = self._loss, self._loss._pacer
        datagrams = []
        self._pacing_at = None
        while True:
            ack = space.ack_at is not None and space.ack_at <= now
            if not (self._streams_queue or self._probe_pending or self._windows_rose()):
                if not ack:
                    break
            elif not ack:
                self._pacing_at = pacer.next_send_time(now=now)
                if self._pacing_at is not None:
                    break
            packet, frames = self._packet(space, now)
            if not frames:
                break
            data = self._protected(packet, b"".join(frames))
            packet.sent_time = now
            packet.sent_bytes = len(data)
            loss.on_packet_sent(packet=packet, space=space)
            if packet.is_ack_eliciting:
                pacer.update_after_send(now=now)
                if not self._ack_eliciting_sent_since_receipt:  # RFC 9000, 10.1
                    self._close_at = now + self._idle_timeout()
                    self._ack_eliciting_sent_since_receipt = True
            datagrams.append((data, path.addr))
        return datagrams

    def _forget_acks(self, space: QuicPacketSpace) -> None:
        """Packets with nothing but an ACK need not arrive, and nothing bounds them: a client that acknowledges none
        would fill the memory. All others are bounded by the congestion window.
        """
        sent = space.sent_packets
        if len(sent) >= self._forget_at:
            for number in [number for number, packet in sent.items() if not packet.in_flight]:
                del sent[number]
            self._forget_at = max(_MOST_SENT, 2 * len(sent))

    def _protected(self, packet: QuicSentPacket, payload: bytes) -> bytes:
        crypto = self._crypto
        number = packet.packet_number
        first = _SHORT | (self._spin_bit << 5) | (crypto.key_phase << 2)
        header = bytes((first,)) + self._peer_cid.cid + (number & 0xFFFF).to_bytes(2, "big")
        if len(payload) < 2:  # header protection wants four bytes from the packet number on (RFC 9001, 5.4.2)
            payload += b"\0"
        self._packet_number = number + 1
        return crypto.encrypt_packet(header, payload, number)

    def _packet(self, space: QuicPacketSpace, now: float) -> tuple[QuicSentPacket, list[bytes]]:
        """The next packet; without frames if there is nothing to send, or no room to send it."""
        packet = QuicSentPacket(Epoch.ONE_RTT, False, False, False, self._packet_number, QuicPacketType.ONE_RTT)
        room = self._max_datagram_size - 3 - len(self._peer_cid.cid) - _TAG
        flight = self._loss.congestion_window - self._loss.bytes_in_flight
        if flight < self._max_datagram_size:
            # A probe may go beyond the window (RFC 9002, 7.5), and an ACK does not count.
            room_in_flight = room if self._probe_pending else flight - 3 - len(self._peer_cid.cid) - _TAG
        else:
            room_in_flight = room
        frames: list[bytes] = []
        if room_in_flight >= _LEAST:
            self._add_frames(packet, frames, min(room, room_in_flight) - (self._ack_room(space)))
        if frames:
            packet.in_flight = packet.is_ack_eliciting = True
        if space.ack_at is not None and (frames or space.ack_at <= now):
            frames.insert(0, self._ack(packet, space, now))
        return packet, frames

    def _add_frames(self, packet: QuicSentPacket, frames: list[bytes], room: int) -> None:
        room = self._add_windows(packet, frames, room)
        if self._probe_pending:
            self._probe_pending = False
            frames.append(_PING)
            room -= 1
        queue = self._streams_queue
        number, served = 0, []
        while number < len(queue) and room >= _LEAST:
            stream = queue[number]
            sent, left = self._add_stream(packet, frames, stream, room)
            if not left:
                stream.queued = False
                del queue[number]
            elif sent:
                served.append(queue.pop(number))  # the others first
            else:
                number += 1
            room -= sent
        queue.extend(served)

    def _add_stream(
        self, packet: QuicSentPacket, frames: list[bytes], stream: EngineStream, room: int
    ) -> tuple[int, bool]:
        """Bytes of the packet that were used, and whether the stream has more to send."""
        before = room
        handlers = packet.delivery_handlers
        sender, receiver = stream.sender, stream.receiver
        if stream.max_stream_data_local != stream.max_stream_data_local_sent:
            frame = b"\x11" + encoded(stream.stream_id) + encoded(stream.max_stream_data_local)
            stream.max_stream_data_local_sent = stream.max_stream_data_local
            frames.append(frame)
            handlers.append((self._on_max_stream_data_delivery, (stream,)))
            room -= len(frame)
        if receiver.stop_pending:
            stop = receiver.get_stop_frame()
            frame = b"\x05" + encoded(stream.stream_id) + encoded(stop.error_code)
            frames.append(frame)
            handlers.append((receiver.on_stop_sending_delivery, ()))
            room -= len(frame)
        if sender.reset_pending:
            reset = sender.get_reset_frame()
            frame = b"\x04" + encoded(stream.stream_id) + encoded(reset.error_code) + encoded(reset.final_size)
            frames.append(frame)
            handlers.append((sender.on_reset_delivery, ()))
            room -= len(frame)
        elif not sender.buffer_is_empty:
            room -= self._add_bytes(packet, frames, stream, room)
        return before - room, stream.wants and stream not in self._held

    def _add_bytes(self, packet: QuicSentPacket, frames: list[bytes], stream: EngineStream, room: int) -> int:
        sender = stream.sender
        most = min(
            sender.highest_offset + self._remote_max_data - self._remote_max_data_used, stream.max_stream_data_remote
        )
        offset = sender.next_offset
        head = encoded(stream.stream_id)
        if offset:
            head += encoded(offset)
        before = sender.highest_offset
        overhead = 3 + len(head)
        frame = None if stream.is_blocked else sender.next_frame(room - overhead, most)
        if frame is None:
            if not sender.buffer_is_empty and (stream.is_blocked or offset >= most):
                self._held[stream] = None
            return 0
        data, stop = frame.data, frame.offset + len(frame.data)
        kind = 0x0A | (4 if offset else 0) | frame.fin
        frames.append(bytes((kind,)) + head + (len(data) | 0x4000).to_bytes(2, "big") + data)
        packet.delivery_handlers.append((sender.on_data_delivery, (frame.offset, stop, frame.fin)))
        if sender.highest_offset > before:
            self._remote_max_data_used += sender.highest_offset - before
            if stream.watched:
                stream.watched = False
                self.fell.append(stream.stream_id)
        return overhead + len(data)

    # -- windows and acknowledgements ---------------------------------------------------------------------------------

    def _windows_rose(self) -> bool:
        data, bidi, uni = self._local_max_data, self._local_max_streams_bidi, self._local_max_streams_uni
        return (
            data.value != data.sent
            or bidi.sent - bidi.used < bidi.value - bidi.sent
            or uni.sent - uni.used < uni.value - uni.sent
        )

    def _add_windows(self, packet: QuicSentPacket, frames: list[bytes], room: int) -> int:
        """MAX_DATA, and MAX_STREAMS once the client has fewer streams left than it would get."""
        if not self._windows_rose():
            return room
        for limit in (self._local_max_data, self._local_max_streams_bidi, self._local_max_streams_uni):
            if limit.value != limit.sent and (
                limit is self._local_max_data or limit.sent - limit.used < limit.value - limit.sent
            ):
                frame = encoded(limit.frame_type) + encoded(limit.value)
                limit.sent = limit.value
                frames.append(frame)
                packet.delivery_handlers.append((self._on_connection_limit_delivery, (limit,)))
                room -= len(frame)
        return room

    def _ack_room(self, space: QuicPacketSpace) -> int:
        return 0 if space.ack_at is None else 20 + 8 * min(len(space.ack_queue), _MOST_RANGES)

    def _ack(self, packet: QuicSentPacket, space: QuicPacketSpace, now: float) -> bytes:
        """An ACK frame (RFC 9000, 19.3) for the newest ranges."""
        ranges = space.ack_queue
        newest = ranges[-1]
        delay = int((now - (space.largest_received_time or now)) * 1_000_000) >> self._local_ack_delay_exponent
        count = min(len(ranges), _MOST_RANGES)
        parts = [b"\x02", encoded(newest.stop - 1), encoded(max(delay, 0)), encoded(count - 1)]
        parts.append(encoded(newest.stop - 1 - newest.start))
        smallest = newest.start
        for index in range(2, count + 1):
            each = ranges[-index]
            parts += (encoded(smallest - each.stop - 1), encoded(each.stop - 1 - each.start))
            smallest = each.start
        loss = self._loss
        if count > 1 and packet.packet_number % 8 == 0 and loss.bytes_in_flight < loss.congestion_window:
            # So that this ACK is acknowledged and old ranges can go.
            packet.is_ack_eliciting = packet.in_flight = True
            parts.append(_PING)
        packet.delivery_handlers.append((self._on_ack_delivery, (space, space.largest_received_packet)))
        space.ack_at = None
        return b"".join(parts)
