"""Datagrams for a connection of aioquic whose handshake is done: one packet with a short header in each.

aioquic reads all kinds of packets in one place. What comes again and again, ACK and STREAM frames in packets from
where the client was before, is read here; all else goes aioquic's own way.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from aioquic._buffer import Buffer, BufferReadError
from aioquic._crypto import CryptoError
from aioquic.quic.connection import QuicConnectionError, QuicConnectionState, QuicReceiveContext
from aioquic.quic.packet import NON_ACK_ELICITING_FRAME_TYPES, QuicErrorCode, QuicStreamFrame, pull_ack_frame
from aioquic.quic.recovery import MAX_ACK_RANGES
from aioquic.quic.stream import StreamFinishedError
from aioquic.tls import Epoch

from pounce_h3.engine.aioquic_sending import AioquicSending
from pounce_h3.engine.limits import MOST_CRYPTO

if TYPE_CHECKING:
    from aioquic.quic.recovery import QuicPacketSpace

__all__ = ["AioquicReceiving"]

_LONG_HEADER: Final = 0x80
_RESERVED: Final = 0x18
_SPIN: Final = 0x20
_MOST: Final = 2**62 - 1

_ACK_DELAY: Final = 0.008
"""Seconds in which a single packet is acknowledged; an answer that is sent in that time has the ACK with it. Below the
25 ms that we tell the client."""
_ACK_DELAY_OF_MANY: Final = 0.001
"""For two packets and more. What arrives within it has one ACK, where RFC 9000, 13.2.2 would have one for each two: a
client that sends that fast has enough of them."""


class AioquicReceiving(AioquicSending):
    """Takes packets apart."""

    _unacknowledged = 0

    def _receive(self, data: bytes, address: Any, now: float) -> None:
        end_of_id = len(self.host_cid) + 1
        if (
            self._handshake_confirmed
            and self._state is QuicConnectionState.CONNECTED
            and len(data) > end_of_id + 19
            and not data[0] & _LONG_HEADER
            and data[1:end_of_id] == self.host_cid
            and self._network_paths[0].addr == address
            and self._network_paths[0].is_validated
            and not self._close_pending
        ):
            self._receive_short(data, end_of_id, now)
        elif data:
            self.receive_datagram(data, address, now)

    def _receive_short(self, data: bytes, end_of_id: int, now: float) -> None:
        space = self._space
        try:
            header, payload, number = self._crypto.decrypt_packet(data, end_of_id, space.expected_packet_number)
        except CryptoError:
            return
        if number in space.received_packets:
            return
        if header[0] & _RESERVED:
            self.close(QuicErrorCode.PROTOCOL_VIOLATION, 0, "Reserved bits must be zero")
            return
        if number >= space.expected_packet_number:
            space.expected_packet_number = number + 1
        if self.tls.early_data_accepted and self._cryptos[Epoch.ZERO_RTT].recv.is_valid():
            self._cryptos[Epoch.ZERO_RTT].recv.teardown()
        if number > self._spin_highest_pn:
            self._spin_bit = bool(header[0] & _SPIN)
            self._spin_highest_pn = number
        try:
            eliciting = self._read_frames(payload, now)
        except QuicConnectionError as error:
            self.close(error.error_code, error.frame_type, error.reason_phrase)
        if self._close_pending or self._state is not QuicConnectionState.CONNECTED:
            return
        self._close_at = now + self._idle_timeout()
        self._ack_eliciting_sent_since_receipt = False
        self._record(space, number, eliciting, now)

    def _read_frames(self, payload: bytes, now: float) -> bool:
        """Returns whether an acknowledgement is wanted."""
        buf = Buffer(data=payload)
        if buf.eof():
            raise QuicConnectionError(QuicErrorCode.PROTOCOL_VIOLATION, 0, "Packet contains no frames")
        eliciting = False
        frame_type = 0
        try:
            while not buf.eof():
                frame_type = buf.pull_uint_var()
                if 8 <= frame_type <= 15:
                    eliciting = True
                    self._read_stream(frame_type, buf)
                elif frame_type == 2:
                    self._read_ack(buf, now)
                else:
                    eliciting |= self._read_other(frame_type, buf, now)
        except BufferReadError as error:
            code = QuicErrorCode.FRAME_ENCODING_ERROR
            raise QuicConnectionError(code, frame_type, "Failed to parse frame") from error
        return eliciting

    def _read_stream(self, frame_type: int, buf: Buffer) -> None:
        stream_id = buf.pull_uint_var()
        offset = buf.pull_uint_var() if frame_type & 4 else 0
        length = buf.pull_uint_var() if frame_type & 2 else buf.capacity - buf.tell()
        if offset + length > _MOST:
            raise QuicConnectionError(QuicErrorCode.FRAME_ENCODING_ERROR, frame_type, "Beyond 2^62 - 1")
        frame = QuicStreamFrame(data=buf.pull_bytes(length), fin=bool(frame_type & 1), offset=offset)
        with contextlib.suppress(StreamFinishedError):
            self._stream_bytes(frame_type, stream_id, frame)

    def _read_ack(self, buf: Buffer, now: float) -> None:
        try:
            ranges, delay = pull_ack_frame(buf)
        except ValueError as error:
            raise QuicConnectionError(QuicErrorCode.FRAME_ENCODING_ERROR, 2, str(error)) from error
        self._loss.on_ack_received(
            ack_rangeset=ranges,
            ack_delay=(delay << self._remote_ack_delay_exponent) / 1_000_000,
            now=now,
            space=self._space,
        )

    def _read_other(self, frame_type: int, buf: Buffer, now: float) -> bool:
        handler, epochs = self._QuicConnection__frame_handlers.get(frame_type, (None, ()))  # type: ignore[attr-defined]
        if handler is None:
            raise QuicConnectionError(QuicErrorCode.FRAME_ENCODING_ERROR, frame_type, "Unknown frame type")
        if Epoch.ONE_RTT not in epochs:
            raise QuicConnectionError(QuicErrorCode.PROTOCOL_VIOLATION, frame_type, "Unexpected frame type")
        context = QuicReceiveContext(Epoch.ONE_RTT, self.host_cid, self._network_paths[0], None, now, self._version)
        with contextlib.suppress(StreamFinishedError):
            handler(context, frame_type, buf)
        return frame_type not in NON_ACK_ELICITING_FRAME_TYPES

    def _handle_stream_frame(self, context: Any, frame_type: int, buf: Any) -> None:  # noqa: ARG002 - aioquic's
        self._read_stream(frame_type, buf)

    def _handle_crypto_frame(self, context: QuicReceiveContext, frame_type: int, buf: Buffer) -> None:
        """Looks before anything is kept: aioquic has memory for all that is missing before a piece, up to 512 KiB.
        Offsets count from the beginning, so that a message that never ends is bounded too (RFC 9000, 7.5).
        """
        position = buf.tell()
        end = buf.pull_uint_var() + buf.pull_uint_var()
        buf.seek(position)
        if end > MOST_CRYPTO[context.epoch.name]:
            code = QuicErrorCode.CRYPTO_BUFFER_EXCEEDED
            raise QuicConnectionError(code, frame_type, "More TLS than we keep")
        super()._handle_crypto_frame(context, frame_type, buf)

    def _record(self, space: QuicPacketSpace, number: int, eliciting: bool, now: float) -> None:
        in_order = number == space.largest_received_packet + 1
        if number > space.largest_received_packet:
            space.largest_received_packet = number
            space.largest_received_time = now
        space.ack_queue.add(number)
        space.received_packets.add(number)
        if len(space.ack_queue) > MAX_ACK_RANGES:
            space.ack_queue.shift()
        if not eliciting:
            return
        if not in_order:  # RFC 9000, 13.2.1: so that the client sees a loss early
            space.ack_at = now
        elif space.ack_at is None:
            space.ack_at = now + _ACK_DELAY
            self._unacknowledged = 1
        else:
            self._unacknowledged += 1
            if self._unacknowledged == 2:
                space.ack_at = min(space.ack_at, now + _ACK_DELAY_OF_MANY)
