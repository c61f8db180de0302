"""A connection of aioquic, which raises its windows by what the application has used up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aioquic import tls
from aioquic.buffer import Buffer
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import (
    END_STATES,
    QuicConnection,
    QuicConnectionId,
    QuicConnectionState,
)

from pounce_h3.engine.aioquic_identity import parsed
from pounce_h3.engine.events import DATA, HANDSHAKE, RESET, STOPPED, Happened
from pounce_h3.engine.silence import SILENT
from pounce_h3.quic import ConnectionEnd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aioquic.quic.stream import QuicStream

    from pounce_h3.engine.library import NewConnection
    from pounce_h3.quic import Address

__all__ = ["AioquicConnection"]

UNIDIRECTIONAL_STREAMS: Final = 8
"""How many the client may have open: three that HTTP/3 wants, and some of kinds that we do not know (RFC 9114, 6.2)."""


class AioquicConnection(QuicConnection):
    """``LibraryConnection`` by aioquic."""

    def __init__(self, new: NewConnection, versions: Sequence[int]) -> None:
        settings = new.settings
        self._new = new
        self.identity = new.certificates.first
        leaf, rest, key = parsed(self.identity)
        first_id = new.ids.make()
        configuration = QuicConfiguration(
            alpn_protocols=["h3"],
            certificate=leaf,
            certificate_chain=rest,
            private_key=key,
            connection_id_length=len(first_id),
            idle_timeout=settings.quic_idle_timeout,
            is_client=False,
            max_data=settings.h3_connection_window,
            max_stream_data=settings.h3_stream_window,
            supported_versions=list(versions),
        )
        super().__init__(
            configuration=configuration,
            original_destination_connection_id=new.original_destination_id,
            retry_source_connection_id=new.retry_source_id,
            session_ticket_fetcher=None if new.sessions is None else new.sessions.take,
            session_ticket_handler=None if new.sessions is None else self._keep_ticket,
        )
        self._logger = self._loss._logger = SILENT
        self.happened: list[Happened] = []
        self.fell: list[int] = []
        self.ended: ConnectionEnd | None = None
        self._ended_by_us = False
        self._host_cids = [
            QuicConnectionId(
                cid=first_id, sequence_number=0, stateless_reset_token=new.ids.token(first_id), was_sent=True
            )
        ]
        self.host_cid = first_id
        self._local_initial_source_connection_id = first_id
        self._local_max_streams_bidi.value = self._local_max_streams_bidi.sent = settings.h3_max_concurrent_streams
        self._local_max_streams_uni.value = self._local_max_streams_uni.sent = UNIDIRECTIONAL_STREAMS
        self._window = settings.h3_connection_window
        self._stream_window = settings.h3_stream_window
        self._used = 0  # credited bytes of all streams
        self._unused: dict[int, int] = {}  # bytes told of and not credited, by stream
        self._watched: dict[int, int] = {}
        self._stopped: set[int] = set()

    # -- driven -------------------------------------------------------------------------------------------------------

    def receive(self, datagrams: Sequence[bytes], address: Address, now: float) -> None:
        for data in datagrams:
            self.receive_datagram(data, address, now)
        self._collect()
        if self._state is QuicConnectionState.FIRSTFLIGHT and self.ended is None:
            self._state = QuicConnectionState.TERMINATED
            self.ended = ConnectionEnd(0, "nothing in the first datagram could be read", False, False)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Any]]:
        if not self._network_paths or self._state in END_STATES:
            return []
        datagrams = super().datagrams_to_send(now)
        for stream_id, offset in list(self._watched.items()):
            stream = self._streams.get(stream_id)
            if stream is None or stream.sender.highest_offset > offset:
                del self._watched[stream_id]
                self.fell.append(stream_id)
        for stream_id in [one for one in self._unused if one not in self._streams]:
            self._used += self._unused.pop(stream_id)
            self._stopped.discard(stream_id)
        return datagrams

    @property
    def timer(self) -> float | None:
        return None if self.over else self.get_timer()

    def expire(self, now: float) -> None:
        if not self.over and self._close_at is not None:
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
        if self.sending(stream_id):
            self.send_stream_data(stream_id, data, end)

    def backlog(self, stream_id: int) -> int:
        stream = self._streams.get(stream_id)
        if stream is None or stream.sender._reset_error_code is not None:
            return 0
        waiting = stream.sender._buffer_stop - stream.sender.highest_offset
        if waiting:
            self._watched[stream_id] = stream.sender.highest_offset
        return waiting

    def open_unidirectional(self) -> int:
        stream_id = self.get_next_available_stream_id(is_unidirectional=True)
        self._get_or_create_stream_for_send(stream_id)
        return stream_id

    def reset(self, stream_id: int, code: int) -> None:
        if self._state not in END_STATES and stream_id in self._streams:
            self.reset_stream(stream_id, code)

    def stop(self, stream_id: int, code: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and stream_id not in self._stopped:
            self.credit(stream_id, self._unused.get(stream_id, 0))
            self._stopped.add(stream_id)
            self._unused.setdefault(stream_id, 0)
            if not stream.receiver.is_finished:
                stream.receiver.stop(code)

    def credit(self, stream_id: int, size: int) -> None:
        unused = self._unused.get(stream_id, 0)
        if stream_id not in self._stopped and unused:
            self._unused[stream_id] = unused - min(size, unused)
            self._used += min(size, unused)

    def sending(self, stream_id: int) -> bool:
        stream = self._streams.get(stream_id)
        if stream is None or self._state in END_STATES:
            return False
        sender = stream.sender
        return sender._buffer_fin is None and sender._reset_error_code is None and not sender.is_finished

    def receiving(self, stream_id: int) -> bool:
        stream = self._streams.get(stream_id)
        return (
            stream is not None
            and stream_id not in self._stopped
            and not stream.receiver.is_finished
            and self._state not in END_STATES
        )

    def update_keys(self) -> None:
        if self._handshake_complete:
            self.request_key_update()

    def end(self, code: int, reason: str, *, application: bool) -> None:
        self._ended_by_us = True
        self.close(code, None if application else 0, reason)

    # -- how aioquic does things --------------------------------------------------------------------------------------

    def _collect(self) -> None:
        while (event := self.next_event()) is not None:
            self._take(event)
        if self.ended is None and self._close_event is not None and not self._ended_by_us:
            self.ended = self._end_of(self._close_event)

    def _end_of(self, event: events.ConnectionTerminated) -> ConnectionEnd:
        if event.reason_phrase == "Idle timeout" and self._state is QuicConnectionState.TERMINATED:
            return ConnectionEnd(0, "nothing arrived for too long", False, False)
        by_peer = self._state is QuicConnectionState.DRAINING
        return ConnectionEnd(event.error_code, event.reason_phrase, event.frame_type is None, by_peer)

    def _take(self, event: events.QuicEvent) -> None:
        if isinstance(event, events.StreamDataReceived):
            stream_id, size = event.stream_id, len(event.data)
            if stream_id in self._stopped:
                self._used += size
            else:
                self._unused[stream_id] = self._unused.get(stream_id, 0) + size
                self.happened.append((DATA, stream_id, event.data, event.end_stream))
        elif isinstance(event, events.StreamReset):
            self._forgive(event.stream_id)
            if event.stream_id not in self._stopped:
                self.happened.append((RESET, event.stream_id, event.error_code))
        elif isinstance(event, events.StopSendingReceived):
            self.happened.append((STOPPED, event.stream_id, event.error_code))
        elif isinstance(event, events.HandshakeCompleted):
            self.happened.append((HANDSHAKE,))

    def _forgive(self, stream_id: int) -> None:
        """Bytes that a reset stream never delivered count as used up."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._used += stream.receiver.highest_offset - stream.receiver._buffer_start

    def _initialize(self, peer_cid: bytes) -> None:
        super()._initialize(peer_cid)
        if not self._new.settings.quic_early_data:
            self.tls._max_early_data = None
        if self._new.certificates.has_choice:
            handle_hello = self.tls._server_handle_hello

            def choose_first(hello: Buffer, *rest: Buffer) -> None:
                self._choose_identity(hello)
                handle_hello(hello, *rest)

            self.tls._server_handle_hello = choose_first  # type: ignore[method-assign]

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
            self.tls.early_data_accepted = False
            return
        super()._update_traffic_key(direction, epoch, cipher_suite, secret)

    def _replenish_connection_ids(self) -> None:
        ids = self._new.ids
        while len(self._host_cids) < min(8, self._remote_active_connection_id_limit):
            made = ids.make()
            self._host_cids.append(
                QuicConnectionId(cid=made, sequence_number=self._host_cid_seq, stateless_reset_token=ids.token(made))
            )
            self._host_cid_seq += 1

    def _handle_retire_connection_id_frame(self, context: Any, frame_type: int, buf: Any) -> None:
        before = [one.cid for one in self._host_cids]
        super()._handle_retire_connection_id_frame(context, frame_type, buf)
        after = {one.cid for one in self._host_cids}
        for gone in before:
            if gone not in after:
                self._new.ids.discard(gone)

    def _write_connection_limits(self, builder: Any, space: Any) -> None:
        limit = self._local_max_data
        limit.value = max(limit.value, self._used + self._window)
        if limit.value - limit.sent < self._window // 2 and limit.sent:
            value, limit.value = limit.value, limit.sent
        else:
            value = limit.value
        used, limit.used = limit.used, 0  # so that aioquic does not raise it
        try:
            super()._write_connection_limits(builder, space)
        finally:
            limit.used = used
            limit.value = max(limit.value, value) if False else limit.value

    def _write_stream_limits(self, builder: Any, space: Any, stream: QuicStream) -> None:
        stream_id = stream.stream_id
        receiver = stream.receiver
        if not stream.max_stream_data_local or receiver.is_finished or stream_id in self._stopped:
            return
        limit = receiver._buffer_start - self._unused.get(stream_id or 0, 0) + self._stream_window
        highest, receiver.highest_offset = receiver.highest_offset, 0
        if limit - stream.max_stream_data_local >= self._stream_window // 2:
            stream.max_stream_data_local = limit
        try:
            super()._write_stream_limits(builder, space, stream)
        finally:
            receiver.highest_offset = highest
