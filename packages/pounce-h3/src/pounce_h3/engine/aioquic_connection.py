"""A connection of aioquic, as ``QuicEngine`` wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aioquic import tls
from aioquic._buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import END_STATES, QuicConnectionId, QuicConnectionState
from aioquic.quic.packet import QuicErrorCode, pull_quic_transport_parameters, push_quic_transport_parameters

from pounce_h3.engine.aioquic_identity import parsed
from pounce_h3.engine.aioquic_receiving import AioquicReceiving
from pounce_h3.engine.events import HANDSHAKE
from pounce_h3.engine.flight_watch import FlightWatch
from pounce_h3.engine.limits import (
    CLOSE_REPEATS,
    HANDSHAKE_TIME,
    LARGEST_DATAGRAM,
    PARAMETERS_SIZE,
    SENT_DATAGRAM,
    UNIDIRECTIONAL_STREAMS,
)
from pounce_h3.engine.silence import SILENT
from pounce_h3.quic import ConnectionEnd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aioquic.quic import events

    from pounce_h3.certificates import Identity
    from pounce_h3.engine.library import NewConnection
    from pounce_h3.quic import Address

__all__ = ["AioquicConnection"]

_MOST_IDS: Final = 4
"""Connection ids that the client has at once, if it wants so many: one that it uses, one for a change of path, and one
more for each."""


class AioquicConnection(AioquicReceiving):
    """``LibraryConnection`` by aioquic."""

    def __init__(self, new: NewConnection, versions: Sequence[int]) -> None:
        settings = new.settings
        self._new = new
        self.identity: Identity = new.certificates.first
        leaf, rest, key = parsed(self.identity)
        first_id = new.ids.make()
        super().__init__(
            configuration=QuicConfiguration(
                alpn_protocols=["h3"],
                certificate=leaf,
                certificate_chain=rest,
                congestion_control_algorithm="cubic",  # recovers sooner than "reno": benchmarks/RESULTS.md
                private_key=key,
                connection_id_length=len(first_id),
                idle_timeout=settings.quic_idle_timeout,
                is_client=False,
                max_data=settings.h3_connection_window,
                max_datagram_size=SENT_DATAGRAM,
                max_stream_data=settings.h3_stream_window,
                supported_versions=list(versions),
            ),
            original_destination_connection_id=new.original_destination_id,
            retry_source_connection_id=new.retry_source_id,
            session_ticket_fetcher=None if new.sessions is None else new.sessions.take,
            session_ticket_handler=None if new.sessions is None else self._keep_ticket,
        )
        self._logger: Any = SILENT
        self._loss._logger = self._logger
        self.ended: ConnectionEnd | None = None
        self._ended_by_us = False
        self._closing: list[tuple[bytes, Any]] = []
        self._heard_while_closing = 0
        self._flight = FlightWatch()
        self._host_cids = [QuicConnectionId(first_id, 0, new.ids.token(first_id), was_sent=True)]
        self.host_cid = self._local_initial_source_connection_id = first_id
        self._begin_streams(
            settings.h3_connection_window,
            settings.h3_stream_window,
            settings.h3_max_concurrent_streams,
            UNIDIRECTIONAL_STREAMS,
        )

    # -- driven -------------------------------------------------------------------------------------------------------

    def receive(self, datagrams: Sequence[bytes], address: Address, now: float) -> None:
        if self._state is QuicConnectionState.CLOSING:
            self._heard_while_closing += len(datagrams)
            return
        for data in datagrams:
            self._receive(data, address, now)
        if self._flight.flooded(self._loss.bytes_in_flight, self._loss.congestion_window):
            self.close(QuicErrorCode.INTERNAL_ERROR, 0, "too much that is not acknowledged")
        self._collect()
        if self._state is QuicConnectionState.FIRSTFLIGHT and self.ended is None:
            self._state = QuicConnectionState.TERMINATED
            self.ended = ConnectionEnd(0, "nothing in the first datagram could be read", False, False)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Any]]:
        if not self._network_paths:
            return []
        if self._state in END_STATES:
            return self._closing_again()
        if self._is_plain:
            plain = self._plain_datagrams(now)
            self._forget_acks(self._space)
            return plain
        closing = self._close_pending
        before = {stream.stream_id: stream.sender.highest_offset for stream in self._streams_queue if stream.watched}
        datagrams = super().datagrams_to_send(now)
        for stream_id, highest in before.items():
            stream = self._streams.get(stream_id)
            if stream is not None and stream.sender.highest_offset > highest:
                stream.watched = False
                self.fell.append(stream_id)
        self._ids_unsent = not all(one.was_sent for one in self._host_cids)
        for space in self._spaces.values():
            self._forget_acks(space)
        if closing:
            datagrams = self._closing = self._to_proven(datagrams)
        return datagrams

    def _to_proven(self, datagrams: list[tuple[bytes, Any]]) -> list[tuple[bytes, Any]]:
        """aioquic says goodbye to where the client has only seemed to go to, however little came from there (RFC 9000,
        8.1). Then it is said to where the client was.
        """
        spent = [path.addr for path in self._network_paths if not path.can_send(0)]
        if not spent:
            return datagrams
        proven = [path.addr for path in self._network_paths if path.is_validated]
        return [
            (data, proven[0] if address in spent else address)
            for data, address in datagrams
            if proven or address not in spent
        ]

    def _closing_again(self) -> list[tuple[bytes, Any]]:
        """What was said at the end, for a client that has not heard it and still speaks; ever more seldom, and not for
        ever (RFC 9000, 10.2.1).
        """
        heard = self._heard_while_closing
        if self._state is not QuicConnectionState.CLOSING or heard not in CLOSE_REPEATS:
            return []
        self._heard_while_closing += 1
        for path in self._network_paths:
            size = sum([len(data) for data, address in self._closing if address == path.addr])
            if size and not path.can_send(size):
                return []
            path.bytes_sent += size
        return self._closing

    @property
    def timer(self) -> float | None:
        if self._state is QuicConnectionState.TERMINATED:
            return None
        if self._state in END_STATES or not self._is_plain:
            return self.get_timer()
        space, loss = self._space, self._loss
        if space.loss_time is not None:
            self._loss_at = space.loss_time
        elif space.ack_eliciting_in_flight:
            timeout = loss.get_probe_timeout() * (1 << min(loss._pto_count, 16))
            self._loss_at = loss._time_of_last_sent_ack_eliciting_packet + timeout
        else:
            self._loss_at = None
        time = self._close_at
        for each in (space.ack_at, self._loss_at, self._pacing_at):
            if each is not None and (time is None or each < time):
                time = each
        return time

    def expire(self, now: float) -> None:
        if self._close_at is not None and not self.over:
            self.handle_timer(now)
            self._collect()

    @property
    def over(self) -> bool:
        return self._state is QuicConnectionState.TERMINATED

    @property
    def address(self) -> Address:
        address: Address = self._network_paths[0].addr
        return address

    @property
    def cipher_suite(self) -> int | None:
        schedule = self.tls.key_schedule if self._network_paths else None
        return None if schedule is None else int(schedule.cipher_suite)

    # -- asked --------------------------------------------------------------------------------------------------------

    def send(self, stream_id: int, data: bytes, *, end: bool) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and stream.sender.is_open and self._state not in END_STATES:
            stream.sender.write(data, end)
            self.wake(stream)

    def backlog(self, stream_id: int) -> int:
        stream = self._streams.get(stream_id)
        if stream is None:
            return 0
        waiting = stream.sender.unsent
        if waiting:
            stream.watched = True
        return waiting

    def open_unidirectional(self) -> int:
        return self._open_unidirectional()

    def reset(self, stream_id: int, code: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and self._state not in END_STATES and stream_id & 3 != 2:
            stream.sender.reset(code)
            self._held.pop(stream, None)
            self.wake(stream)

    def stop(self, stream_id: int, code: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is None or stream.stopped or stream_id & 3 == 3:
            return
        stream.stopped = True
        self._use_up(stream, stream.unused)
        if not stream.receiver.is_finished:
            stream.receiver.stop(code)
            self.wake(stream)

    def credit(self, stream_id: int, size: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and not stream.stopped:
            self._use_up(stream, min(size, stream.unused))

    def sending(self, stream_id: int) -> bool:
        stream = self._streams.get(stream_id)
        return stream is not None and stream.sender.is_open and self._state not in END_STATES

    def receiving(self, stream_id: int) -> bool:
        stream = self._streams.get(stream_id)
        if stream is None or stream.stopped or self._state in END_STATES:
            return False
        return not stream.receiver.is_finished

    def update_keys(self) -> None:
        if self._handshake_complete:
            self.request_key_update()

    def end(self, code: int, reason: str, *, application: bool) -> None:
        self._ended_by_us = True
        if self._network_paths:
            self.close(code, None if application else 0, reason)
        else:
            self._state = QuicConnectionState.TERMINATED

    # -- how aioquic does things --------------------------------------------------------------------------------------

    def _collect(self) -> None:
        self._events.clear()  # what counts has been taken where it happened
        if self.ended is None and self._close_event is not None and not self._ended_by_us:
            self.ended = self._end_of(self._close_event)

    def _end_of(self, event: events.ConnectionTerminated) -> ConnectionEnd:
        if event.reason_phrase == "Idle timeout" and self._state is QuicConnectionState.TERMINATED:
            return ConnectionEnd(0, "nothing arrived for too long", False, False)
        by_peer = self._state is QuicConnectionState.DRAINING
        return ConnectionEnd(event.error_code, event.reason_phrase, event.frame_type is None, by_peer)

    def _idle_timeout(self) -> float:
        timeout = super()._idle_timeout()
        return timeout if self._handshake_complete else min(timeout, HANDSHAKE_TIME)

    def _confirm_handshake(self) -> None:
        super()._confirm_handshake()
        self.happened.append((HANDSHAKE,))

    def _serialize_transport_parameters(self) -> bytes:
        parameters = pull_quic_transport_parameters(Buffer(data=super()._serialize_transport_parameters()))
        parameters.max_udp_payload_size = LARGEST_DATAGRAM
        buffer = Buffer(capacity=PARAMETERS_SIZE)
        push_quic_transport_parameters(buffer, parameters)
        return buffer.data

    def _initialize(self, peer_cid: bytes) -> None:
        super()._initialize(peer_cid)
        if not self._new.settings.quic_early_data:
            self.tls._max_early_data = None
        if self._new.certificates.has_choice:
            handle_hello = self.tls._server_handle_hello

            def choose_first(hello: Buffer, *rest: Buffer) -> None:
                self._choose_identity(hello)
                handle_hello(hello, *rest)

            setattr(self.tls, "_server_handle_hello", choose_first)  # noqa: B010 - a method is replaced

    def _choose_identity(self, hello: Buffer) -> None:
        name = tls.pull_client_hello(Buffer(data=hello.data_slice(0, hello.capacity))).server_name
        if name is not None:
            self.identity = self._new.certificates.choose(name)
            self.tls.certificate, self.tls.certificate_chain, self.tls.certificate_private_key = parsed(self.identity)

    def _keep_ticket(self, ticket: tls.SessionTicket) -> None:
        if self._new.sessions is not None:
            self._new.sessions.add(ticket.ticket, ticket)

    def _update_traffic_key(
        self, direction: tls.Direction, epoch: tls.Epoch, cipher_suite: tls.CipherSuite, secret: bytes
    ) -> None:
        if epoch is tls.Epoch.ZERO_RTT and not self._new.settings.quic_early_data:
            self.tls.early_data_accepted = False  # a client that sends it all the same: its ticket did not allow it
            return
        super()._update_traffic_key(direction, epoch, cipher_suite, secret)

    def _replenish_connection_ids(self) -> None:
        ids = self._new.ids
        while len(self._host_cids) < min(_MOST_IDS, self._remote_active_connection_id_limit):
            made = ids.make()
            self._host_cids.append(QuicConnectionId(made, self._host_cid_seq, ids.token(made)))
            self._host_cid_seq += 1
            self._ids_unsent = True

    def _on_new_connection_id_delivery(self, delivery: Any, connection_id: QuicConnectionId) -> None:
        super()._on_new_connection_id_delivery(delivery, connection_id)
        self._ids_unsent |= not connection_id.was_sent

    def _handle_retire_connection_id_frame(self, context: Any, frame_type: int, buf: Any) -> None:
        before = [one.cid for one in self._host_cids]
        super()._handle_retire_connection_id_frame(context, frame_type, buf)
        after = {one.cid for one in self._host_cids}
        for gone in before:
            if gone not in after:
                self._new.ids.discard(gone)
