"""A connection of qh3, whose core in Rust does everything from packets to streams.

The core raises the client's windows when the bytes are taken out of it, so they are left in it while the application
has too much to use up: the connection's window is what may be out here, a third as much again what may wait in there.
What waits is in the order in which it came: one stream that nobody reads can have the whole window of the connection,
and what came later is seen when some of it has been read; but that the client stopped a stream is seen at once.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from qh3 import tls
from qh3.quic.configuration import QuicConfiguration
from qh3.quic.connection import QuicConnection
from qh3.quic.tls_bridge import QuicTlsBridgeError

from pounce_h3.engine.events import HANDSHAKE, RESET, STOPPED, Happened, add_bytes
from pounce_h3.engine.flight_watch import FlightWatch
from pounce_h3.engine.limits import HANDSHAKE_TIME, MOST_CRYPTO, SENT_DATAGRAM
from pounce_h3.engine.qh3_bridge import Bridge
from pounce_h3.engine.qh3_core import LARGEST_EVENT, new_core
from pounce_h3.engine.qh3_ends import end_of
from pounce_h3.engine.qh3_identity import parsed
from pounce_h3.engine.qh3_outgoing import ENDING, Outgoing
from pounce_h3.engine.qh3_stream import Qh3Stream
from pounce_h3.quic import ConnectionEnd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qh3._hazmat import QuicConnectionCore

    from pounce_h3.certificates import Identity
    from pounce_h3.engine.library import NewConnection
    from pounce_h3.quic import Address

__all__ = ["Qh3Connection"]

_INTERNAL_ERROR: Final = 0x1
_CRYPTO_BUFFER_EXCEEDED: Final = 0xD


class Qh3Connection(QuicConnection):
    """``LibraryConnection`` by qh3."""

    def __init__(self, new: NewConnection, versions: Sequence[int]) -> None:
        settings = new.settings
        self._new = new
        self.identity: Identity = new.certificates.first
        (leaf, rest, key), first_id = parsed(self.identity), new.ids.make()
        third = settings.h3_connection_window // 3
        super().__init__(
            configuration=QuicConfiguration(
                alpn_protocols=["h3"],
                certificate=leaf,
                certificate_chain=rest,
                private_key=key,
                connection_id_length=len(first_id),
                idle_timeout=settings.quic_idle_timeout,
                is_client=False,
                max_data=third,
                max_datagram_size=SENT_DATAGRAM,
                max_stream_data=min(settings.h3_stream_window, third),
                supported_versions=list(versions),
            ),
            original_destination_connection_id=new.original_destination_id,
            retry_source_connection_id=new.retry_source_id,
            session_ticket_fetcher=None if new.sessions is None else new.sessions.take,
            session_ticket_handler=None if new.sessions is None else self._keep_ticket,
        )
        self.host_cid = first_id
        self.happened: list[Happened] = []
        self.fell: list[int] = []
        self.ended: ConnectionEnd | None = None
        self._ended_by_us = False
        self._over = False
        self._most_unused = settings.h3_connection_window - min(third, LARGEST_EVENT)
        self._unused = 0
        self._streams: dict[int, Qh3Stream] = {}
        self._resume = False  # what waits in the core can be taken again
        self._watched: dict[int, int] = {}  # backlogs of which somebody wants to know that they fell
        self._handshake_end: float | None = None
        self._outgoing = Outgoing()
        self._flight = FlightWatch()
        self._now = 0.0

    # -- driven -------------------------------------------------------------------------------------------------------

    def receive(self, datagrams: Sequence[bytes], address: Address, now: float) -> None:
        if self._over:
            return
        self._now = now
        try:
            self.receive_many_datagrams(list(datagrams), address, now)
        except Exception as error:  # noqa: BLE001 - whatever qh3 finds wrong, it is the datagram
            self._fail(error)
        if (core := self._core) is not None and self._flight.flooded(core.bytes_in_flight, core.congestion_window):
            self._fail(OverflowError("too much that is not acknowledged"))
        if self._core is None or not self._core.received_authenticated_packet:
            self._over = True
            self.ended = ConnectionEnd(0, "nothing in the first datagram could be read", False, False)
        elif self._handshake_end is None:
            self._handshake_end = now + HANDSHAKE_TIME

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Any]]:
        if (core := self._core) is None or self._over:
            return []
        datagrams = self._outgoing.take(core, now)
        if datagrams and self._watched:
            self._look_at_backlogs()
        if self._outgoing.events_wait(core):
            self._resume = True
        return datagrams

    def _look_at_backlogs(self) -> None:
        for stream_id, waiting in list(self._watched.items()):
            if self.get_send_buffer_size(stream_id) < waiting:
                del self._watched[stream_id]
                self.fell.append(stream_id)

    @property
    def timer(self) -> float | None:
        if self._core is None or self._over:
            return None
        timer = self._core.get_timer()
        time = None if timer is None else timer[1]
        if self._resume:
            return 0.0
        if not self._handshake_complete and self._handshake_end is not None:
            return self._handshake_end if time is None else min(time, self._handshake_end)
        return time

    def expire(self, now: float) -> None:
        if (core := self._core) is None or self._over:
            return
        if not self._handshake_complete and self._handshake_end is not None and now >= self._handshake_end:
            self._over = True
            self._set_ended(ConnectionEnd(0, "the handshake took too long", False, False))
            return
        try:
            self._now = now
            core.handle_timer(now)
            if self._handshake_complete:
                self._outgoing.timer_handled(core, len(self._streams))
            self._resume = False
            self._drain_core()
        except Exception as error:  # noqa: BLE001 - a fault of qh3 must not end the server
            self._fail(error)

    @property
    def over(self) -> bool:
        return self._over

    @property
    def address(self) -> Address:
        address: Any = self._remote_addr if self._core is None else self._core.active_path[2]
        host, port = address[:2]
        return host, port

    @property
    def cipher_suite(self) -> int | None:
        suite = self.get_cipher()
        return None if suite is None else int(suite)

    # -- asked --------------------------------------------------------------------------------------------------------

    def send(self, stream_id: int, data: bytes, *, end: bool) -> None:
        stream = self._streams.get(stream_id)
        if stream is None or not self.sending(stream_id) or self._core is None:
            return
        try:
            if self._handshake_complete:
                self._core.send_stream(stream_id, data, end)
            else:
                self.send_stream_data(stream_id, data, end)
        except (ValueError, RuntimeError):  # reset by a STOP_SENDING, or all closed, and we have not read of it yet
            end = True
        stream.sending = not end

    def backlog(self, stream_id: int) -> int:
        waiting: int = 0 if self._core is None else self.get_send_buffer_size(stream_id)
        if waiting:
            self._watched[stream_id] = waiting
        return waiting

    def open_unidirectional(self) -> int:
        stream_id: int = self._open_stream(is_unidirectional=True)
        self._streams[stream_id] = Qh3Stream(sending=True, receiving=False)
        return stream_id

    def reset(self, stream_id: int, code: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and not stream.reset and self._core is not None and self._is_open:
            stream.sending, stream.reset = False, True
            with contextlib.suppress(ValueError, RuntimeError):  # everything has arrived
                self._core.reset_stream(stream_id, code)

    def stop(self, stream_id: int, code: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is None or stream.stopped or self._core is None:
            return
        stream.stopped = True
        with contextlib.suppress(ValueError, RuntimeError):  # everything has arrived
            self._core.stop_sending(stream_id, code)
        self._use_up(stream, stream.unused)

    def credit(self, stream_id: int, size: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and not stream.stopped:
            self._use_up(stream, min(size, stream.unused))

    def sending(self, stream_id: int) -> bool:
        return (stream := self._streams.get(stream_id)) is not None and stream.sending and self._is_open

    def receiving(self, stream_id: int) -> bool:
        stream = self._streams.get(stream_id)
        return stream is not None and stream.receiving and not stream.stopped and self._is_open

    @property
    def _is_open(self) -> bool:
        return self.ended is None and not self._ended_by_us and not self._over

    def update_keys(self) -> None:
        # The core gets lost when a second update begins before packets of the first one have come back, and does not
        # tell when that is; so it is one for a connection.
        if self._handshake_complete and self._core is not None and self._is_open and not self._core.send_key_phase:
            with contextlib.suppress(ValueError, RuntimeError):  # the last update is not through yet
                self._core.request_key_update()

    def end(self, code: int, reason: str, *, application: bool) -> None:
        self._ended_by_us = True
        if self._core is None:
            self._over = True
        else:
            self.close(code, None if application else 0, reason)

    # -- taking what the core has -------------------------------------------------------------------------------------

    def _use_up(self, stream: Qh3Stream, size: int) -> None:
        held = self._unused >= self._most_unused
        stream.unused -= size
        self._unused -= size
        if held and self._unused < self._most_unused:
            self._resume = True

    def _forget(self, stream_id: int) -> None:
        """It is done in both directions: whoever used it has no business with it any more."""
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            self._use_up(stream, stream.unused)

    def _drain_core(self) -> None:
        core: Any = self._core
        if not self._outgoing.may_take_events(core, self._now):
            return
        while self._unused < self._most_unused or core.state in ENDING:
            if (native := core.next_event()) is None:
                return
            self._take(native)
        self._take_hidden_stops(core)

    def _take_hidden_stops(self, core: QuicConnectionCore) -> None:
        """Events wait behind bytes that nobody reads. That the client stopped a stream must not: it may be what makes
        the application give those bytes up. The core shows it early, but for the code.
        """
        for stream_id, stream in self._streams.items():
            if stream.sending and not core.can_send_stream(stream_id):
                self._take_stop(stream_id, 0)

    def _take(self, native: tuple[Any, ...]) -> None:
        match native[0]:
            case "stream_data":
                self._take_data(native[1], native[2], native[3])
            case "stream_reset":
                self._take_reset(native[1], native[2])
            case "stop_sending":
                self._take_stop(native[1], native[2])
            case "stream_finished":
                self._created_local_stream_ids.discard(native[1])
                self._forget(native[1])
            case "crypto_data":
                self._take_crypto(native)
            case "connection_id_issued":
                self._new.ids.add(native[1])
            case "connection_id_retired":
                self._new.ids.discard(native[1])
            case "peer_closed" | "protocol_error":
                self._set_ended(end_of(native))
            case "connection_terminated":
                self._over = True
                self._set_ended(end_of(native))

    def _stream_of_client(self, stream_id: int) -> Qh3Stream | None:
        stream = self._streams.get(stream_id)
        if stream is None and not stream_id & 1:
            stream = self._streams[stream_id] = Qh3Stream(sending=not stream_id & 2)
        return stream

    def _take_data(self, stream_id: int, data: bytes, ended: bool) -> None:
        stream = self._stream_of_client(stream_id)
        if stream is None:
            return
        stream.receiving = not ended
        if not stream.stopped:
            stream.unused += len(data)
            self._unused += len(data)
            add_bytes(self.happened, stream_id, data, ended)

    def _take_reset(self, stream_id: int, code: int) -> None:
        stream = self._stream_of_client(stream_id)
        if stream is None:
            return
        stream.receiving = False
        if not stream.stopped:
            self.happened.append((RESET, stream_id, code))

    def _take_stop(self, stream_id: int, code: int) -> None:
        stream = self._stream_of_client(stream_id)
        if stream is not None and stream.sending:
            stream.sending = False
            self.happened.append((STOPPED, stream_id, code))

    def _take_crypto(self, native: tuple[Any, ...]) -> None:
        was_complete = self._handshake_complete
        core: Any = self._core
        bridge: Any = self._tls
        epoch = tls.Epoch(native[1])
        try:
            if native[2] + len(native[3]) > MOST_CRYPTO.get(epoch.name, 0):
                raise QuicTlsBridgeError(_CRYPTO_BUFFER_EXCEEDED, "More TLS than we keep")
            bridge.receive_crypto(epoch, native[3], native[2], version=core.version)
            self._drain_tls()
        except QuicTlsBridgeError as error:
            core.close(error.error_code, int(error.frame_type), error.reason_phrase.encode())
            self._set_ended(ConnectionEnd(error.error_code, error.reason_phrase, False, False))
        if self._handshake_complete and not was_complete:
            self.happened.append((HANDSHAKE,))

    def _set_ended(self, end: ConnectionEnd) -> None:
        if self.ended is None and not self._ended_by_us:
            self.ended = end

    def _fail(self, error: Exception) -> None:
        """qh3 does not say why it stumbled over what arrived: end the connection (RFC 9000, 20.1: INTERNAL_ERROR)."""
        if self._core is not None and self._core.state not in ENDING:
            with contextlib.suppress(Exception):
                self._core.close(_INTERNAL_ERROR, 0, b"")
            self._set_ended(ConnectionEnd(_INTERNAL_ERROR, f"{type(error).__name__}: {error}", False, False))

    # -- how qh3 does things ------------------------------------------------------------------------------------------

    def _create_core(self, remote_addr: Any, initial_dcid: bytes, now: float) -> None:
        assert self._version is not None
        self._core = new_core(
            self._configuration,
            self._version,
            remote_addr,
            self.host_cid,
            initial_dcid,
            retried=self._retry_source_connection_id is not None,
            streams=self._new.settings.h3_max_concurrent_streams,
            now=now,
        )
        self._applied_transport_parameters = None
        self._pre_handshake_state_replayed = False

    def _create_tls(self, remote_source_cid: bytes | None) -> Bridge:
        self._tls = Bridge(
            self._new,
            self.host_cid,
            self._show,
            self._configuration,
            version=self._version,
            local_initial_source_connection_id=self.host_cid,
            # One with bytes is learnt from its packets; a client's may have none (RFC 9000, 5.1), as Chromium's do.
            remote_initial_source_connection_id=remote_source_cid or b"",
            original_destination_connection_id=self._original_destination_connection_id,
            retry_source_connection_id=self._retry_source_connection_id,
            session_ticket_fetcher=self._session_ticket_fetcher,
            session_ticket_handler=self._session_ticket_handler,
            version_change_handler=self._set_version,
        )
        return self._tls

    def _show(self, identity: Identity) -> None:
        self.identity = identity

    def _keep_ticket(self, ticket: tls.SessionTicket) -> None:
        if self._new.sessions is not None:
            self._new.sessions.add(ticket.ticket, ticket)
