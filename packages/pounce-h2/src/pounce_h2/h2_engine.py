"""The engine on h2; no other file imports it. Hot path.

h2 keeps the states of streams, both kinds of windows and the settings. What h2 would decide too
harshly or too late for a server is decided here:

- a fault of one stream ends that stream; h2 ends the connection for most of them (RFC 9113, 5.4.2);
- after a GOAWAY in either direction the open streams go on (6.8); h2 sends and takes nothing more then;
- frames are taken apart by `pounce_h2.frame_reader`, which refuses one that is too large by its header, before it is
  kept (4.2), and makes no objects of them;
- HPACK is undone by `pounce_h2.field_decoder`;
- what is said about fields is left to `pounce_asgi.multiplexed`: h2 would look at each of them three more times;
- heads come rendered and body is two operations, so they are framed by `pounce_h2.frame_writer`.

Each of them reaches below h2's documented surface; the tables of frames in the tests say whether it still holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from h2.config import H2Configuration
from h2.connection import AllowedStreamIDs, H2Connection
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from h2.stream import H2Stream, StreamClosedBy, StreamInputs, StreamState

from pounce_asgi.multiplexed import MessageFault
from pounce_h2 import frame_reader as frames
from pounce_h2 import frame_writer as writer
from pounce_h2.block_memo import BlockMemo
from pounce_h2.connection_frames import LARGEST, ConnectionFrames, without_priority, word_of
from pounce_h2.ended_streams import EndedStreams
from pounce_h2.errors import (
    FLOW_CONTROL_ERROR,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    STREAM_CLOSED,
    ConnectionFault,
    StreamFault,
)
from pounce_h2.field_decoder import FieldDecoder
from pounce_h2.frame_reader import ACK, END_STREAM, PRIORITY_FLAG, FrameReader
from pounce_h2.settings_frame import encode_known, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_h2.engine import EngineUser

__all__ = ["H2Engine"]

NO_TABLE: Final = b"\x20"
"""A dynamic table of size 0 (RFC 7541, 6.3). Sent once, it holds whatever size the client allows later."""
KNOWN_SETTINGS: Final = frozenset(map(int, SettingCodes))  # h2 would keep each of 65,536 others, too
EARLY_BYTES: Final = 16_384  # of body before the preface of an upgraded client: curl 7 has 32 KiB for a 101 and this
JOINED: Final = 4096  # body below this is copied behind its header; a larger piece is sent beside it

# A member of an enum is looked up anew each time that it is named.
_RECV_HEADERS: Final = StreamInputs.RECV_HEADERS
_RECV_END: Final = StreamInputs.RECV_END_STREAM
_SEND_END: Final = StreamInputs.SEND_END_STREAM
_CLOSED: Final = StreamState.CLOSED
_HALF_CLOSED_LOCAL: Final = StreamState.HALF_CLOSED_LOCAL
_RECEIVING: Final = (StreamState.OPEN, StreamState.HALF_CLOSED_LOCAL)
_BY_END: Final = (StreamClosedBy.RECV_END_STREAM, StreamClosedBy.SEND_END_STREAM)


class H2Engine(ConnectionFrames):
    """The `Engine` of one connection. Owned by the worker's thread."""

    def __init__(self, user: EngineUser, settings: dict[int, int], *, connection_window: int, field_bytes: int) -> None:
        """``settings`` go to the client. ``field_bytes`` bound a block of fields, undone as RFC 9113, 6.5.2 counts."""
        super().__init__(user)
        self.units = self.last_stream_id = 0
        self.push_allowed = True
        self.dead = False
        self._reader = FrameReader(settings[SettingCodes.MAX_FRAME_SIZE], field_bytes)
        self._window = connection_window
        self._limit = settings[SettingCodes.MAX_CONCURRENT_STREAMS]
        self._table_closed = False
        self._withheld = 0  # of the window of the connection, until the client's preface came
        h2 = self._h2 = H2Connection(H2Configuration(client_side=False))
        h2.local_settings = Settings(client=False, initial_values=settings)  # type: ignore[arg-type]
        self._streams = h2.streams
        self._stream_window = settings[SettingCodes.INITIAL_WINDOW_SIZE]
        self._initial_window = 65_535
        self._blocks = BlockMemo(FieldDecoder(field_bytes).decode)
        self._ended = EndedStreams()
        self._handlers: dict[int, Callable[[int, int, bytes, int], None]] = {
            frames.DATA: self._on_data,
            frames.HEADERS: self._on_headers,
            frames.PRIORITY: self._on_priority,
            frames.RST_STREAM: self._on_reset,
            frames.SETTINGS: self._on_settings,
            frames.PUSH_PROMISE: self._on_push,
            frames.PING: self._on_ping,
            frames.GOAWAY: self._on_goaway,
            frames.WINDOW_UPDATE: self._on_window_update,
            frames.PRIORITY_UPDATE: self._on_priority_update,
        }

    # -- what the connection asks ------------------------------------------------------------------------------------

    @property
    def connection_window(self) -> int:
        return self._h2.outbound_flow_control_window

    @property
    def max_frame(self) -> int:
        return self._h2.max_outbound_frame_size

    @property
    def unfinished(self) -> int | None:
        return self._reader.unfinished

    def window(self, stream_id: int) -> int:
        stream = self._streams.get(stream_id)
        if stream is None:
            return 0
        return min(stream.outbound_flow_control_window, self._h2.outbound_flow_control_window)

    def receiving(self, stream_id: int) -> bool:
        stream = self._streams.get(stream_id)
        return stream is not None and stream.state_machine.state in _RECEIVING

    def sending(self, stream_id: int) -> bool:
        stream = self._streams.get(stream_id)
        return stream is not None and stream.state_machine.state is not _HALF_CLOSED_LOCAL

    # -- the beginning -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._h2.initiate_connection()
        self._open_connection_window()

    def start_upgraded(self, payload: bytes) -> None:
        try:
            self._h2.initiate_upgrade_connection(encode_known(payload, KNOWN_SETTINGS))
        except H2Error as error:
            raise ConnectionFault(f"HTTP2-Settings: {error}") from error
        self.last_stream_id = 1
        self._withheld = self._h2.outbound_flow_control_window - EARLY_BYTES
        self._h2.outbound_flow_control_window = EARLY_BYTES
        self._read_settings()
        self._open_connection_window()

    def _open_connection_window(self) -> None:
        """It is 65,535 bytes until told otherwise (RFC 9113, 6.9.2), and h2 took it to be a stream's."""
        manager = self._h2._inbound_flow_control_window_manager
        manager.max_window_size = manager.current_window_size = 65_535
        self._out.append(self._h2.data_to_send())
        if self._window > 65_535:
            increment = self._window - 65_535
            manager.window_opened(increment)
            self._out.append(writer.window_frame(0, increment))

    # -- frames in ---------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> bool:
        reader, handlers, turn_over = self._reader, self._handlers, self.user.turn_over
        try:
            reader.receive_data(data)
            while not self.dead:
                frame = reader.next_frame()
                if frame is None:
                    return False
                kind, flags, stream_id, payload, size = frame
                self.units += 1
                try:
                    handler = handlers.get(kind)
                    if handler is None:
                        self.user.chore(1)  # unknown frames are ignored (RFC 9113, 5.5)
                    else:
                        handler(flags, stream_id, payload, size)
                except StreamFault as fault:
                    self._break_stream(stream_id, fault.code, str(fault))
                except MessageFault as fault:
                    self._break_stream(stream_id, PROTOCOL_ERROR, str(fault))
                if turn_over() and reader.unread:
                    return True
            return False
        except H2Error as error:
            raise ConnectionFault(str(error), int(getattr(error, "error_code", PROTOCOL_ERROR))) from error

    def let_go(self) -> None:
        self.dead = True
        self._handlers = {}
        self._h2._frame_dispatch_table.clear()
        self._blocks = cast("BlockMemo", None)
        self.user = cast("EngineUser", None)

    def _break_stream(self, stream_id: int, code: int, detail: str) -> None:
        self.reset(stream_id, code)
        self.user.stream_reset(stream_id)
        self.user.stream_refused(stream_id, code, detail)

    def _on_headers(self, flags: int, stream_id: int, payload: bytes, _size: int) -> None:
        if flags & PRIORITY_FLAG:
            payload = without_priority(stream_id, payload)
        fields = self._blocks.fields_of(payload)
        ended = bool(flags & END_STREAM)
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._on_trailers(stream, fields, ended)
            return
        if stream_id <= self.last_stream_id and stream_id % 2:
            self._on_closed_headers(stream_id)
            return
        if not stream_id % 2:
            raise ConnectionFault(f"stream {stream_id} is not for a client to open")
        self.last_stream_id = stream_id
        stream = self._streams[stream_id] = H2Stream(
            stream_id, self._h2.config, self._stream_window, self._initial_window
        )
        machine = stream.state_machine
        machine.process_input(_RECV_HEADERS)
        if ended:
            machine.process_input(_RECV_END)
        if len(self._streams) > self._limit and self._requests() > self._limit:
            # Also what a client does that has not seen our settings yet: the request may come again (RFC 9113, 8.7).
            raise StreamFault("more streams than were allowed", REFUSED_STREAM)
        self.user.request_received(stream_id, fields, ended)

    def _requests(self) -> int:
        return sum(stream_id % 2 for stream_id in self._streams)

    def _on_trailers(self, stream: H2Stream, fields: Any, ended: bool) -> None:
        if stream.state_machine.state not in _RECEIVING:
            raise StreamFault("header fields after the end of the request", STREAM_CLOSED)
        if not ended:
            raise StreamFault("trailers that do not end the stream")
        self._end(stream, _RECV_END)
        self.user.trailers_received(stream.stream_id, fields)

    def _on_closed_headers(self, stream_id: int) -> None:
        how = self._ended.how.get(stream_id)
        if how is StreamClosedBy.SEND_RST_STREAM:
            self.user.chore(1)  # they were under way when the stream was reset (RFC 9113, 5.1)
        elif how is None:
            raise ConnectionFault(f"stream {stream_id} was passed over, or is long closed")
        else:
            raise ConnectionFault(f"header fields on stream {stream_id}, which is closed", STREAM_CLOSED)

    def _on_data(self, flags: int, stream_id: int, payload: bytes, size: int) -> None:
        self._h2._inbound_flow_control_window_manager.window_consumed(size)
        stream = self._streams.get(stream_id)
        if stream is None or stream.state_machine.state not in _RECEIVING:
            self._on_late_data(stream_id, stream, size)
            return
        manager = stream._inbound_window_manager
        manager.current_window_size -= size
        if manager.current_window_size < 0:
            self.credit_connection(size)
            raise StreamFault("more body than the window of its stream", FLOW_CONTROL_ERROR)
        ended = bool(flags & END_STREAM)
        if ended:
            self._end(stream, _RECV_END)
        elif not payload:
            self.user.chore(1)
        self.user.body_received(stream_id, payload, size, ended)

    def _on_late_data(self, stream_id: int, stream: H2Stream | None, size: int) -> None:
        """Body for a stream that takes none. Its bytes count for the connection all the same (RFC 9113, 6.9)."""
        self._require_opened(stream_id, "DATA")
        self.credit_connection(size)
        if stream is not None:
            raise StreamFault("body after the end of the request", STREAM_CLOSED)
        how = self._ended.how.get(stream_id)
        if how in _BY_END:
            raise ConnectionFault(f"body on stream {stream_id}, which is closed", STREAM_CLOSED)
        if how is StreamClosedBy.RECV_RST_STREAM:
            self._out.append(writer.reset_frame(stream_id, STREAM_CLOSED))
            raise StreamFault("body on a stream that its client had reset", STREAM_CLOSED)
        self.user.chore(1)

    def _on_window_update(self, _flags: int, stream_id: int, payload: bytes, _size: int) -> None:
        increment = word_of(payload)
        if not stream_id:
            window = self._h2.outbound_flow_control_window = self._h2.outbound_flow_control_window + increment
        else:
            stream = self._streams.get(stream_id)
            if stream is None:
                self._require_opened(stream_id, "WINDOW_UPDATE")
                self.user.chore(1)
                return
            window = stream.outbound_flow_control_window = stream.outbound_flow_control_window + increment
        if not increment or window > LARGEST:
            fault = StreamFault if stream_id else ConnectionFault
            raise fault("a window of 0, or beyond 2**31 - 1", FLOW_CONTROL_ERROR if increment else PROTOCOL_ERROR)
        self.user.chore(1)
        self.user.window_opened(stream_id)

    def _require_opened(self, stream_id: int, what: str) -> None:
        highest = self.last_stream_id if stream_id % 2 else self._h2.highest_outbound_stream_id
        if stream_id > highest:
            raise ConnectionFault(f"{what} on stream {stream_id}, which was never opened")

    def _on_reset(self, _flags: int, stream_id: int, payload: bytes, _size: int) -> None:
        self._require_opened(stream_id, "RST_STREAM")
        if stream_id in self._streams:
            self._forget(stream_id, StreamClosedBy.RECV_RST_STREAM)
            self.user.stream_reset(stream_id)
            self.user.stream_refused(stream_id, int.from_bytes(payload[:4]), "")
        else:
            self.user.chore(1)

    def _on_settings(self, flags: int, _stream_id: int, payload: bytes, _size: int) -> None:
        if flags & ACK:
            self.user.chore(1)
            return
        self.user.chore(10)
        settings = self._h2.remote_settings
        for code, value in read_settings(payload, KNOWN_SETTINGS).items():
            settings.validate_received_setting(code, value)
            settings[code] = value
        self._h2._acknowledge_settings()
        self._out.append(writer.SETTINGS_ACK)
        self._h2.outbound_flow_control_window += self._withheld
        self._withheld = 0
        self._read_settings()
        self.user.settings_changed()

    def _read_settings(self) -> None:
        self.push_allowed = bool(self._h2.remote_settings.enable_push)
        self._initial_window = self._h2.remote_settings.initial_window_size

    # -- frames out --------------------------------------------------------------------------------------------------

    def send_head(self, stream_id: int, block: bytes, *, end: bool) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if not self._table_closed:
            self._table_closed = True
            block = NO_TABLE + block
        self._out.append(writer.head_frames(stream_id, block, self._h2.max_outbound_frame_size, end=end))
        if end:
            self._end(stream, _SEND_END)

    def send_data(self, stream_id: int, data: bytes, *, end: bool) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        size = len(data)
        self._h2.outbound_flow_control_window -= size
        stream.outbound_flow_control_window -= size
        header = writer.body_header(size, stream_id, end=end)
        if size < JOINED:
            self._out.append(header + data)
        else:
            self._out += (header, data)
        if end:
            self._end(stream, _SEND_END)

    def _end(self, stream: H2Stream, which: StreamInputs) -> None:
        machine = stream.state_machine
        machine.process_input(which)
        if machine.state is _CLOSED:
            self._forget(stream.stream_id, machine.stream_closed_by)

    def reset(self, stream_id: int, code: int) -> None:
        if stream_id in self._streams:
            self._forget(stream_id, StreamClosedBy.SEND_RST_STREAM)
            self._out.append(writer.reset_frame(stream_id, code))

    def _forget(self, stream_id: int, how: StreamClosedBy | None) -> None:
        del self._streams[stream_id]
        self._ended.remember(stream_id, how)

    def credit(self, stream_id: int, size: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and stream.state_machine.state in _RECEIVING:
            increment = stream._inbound_window_manager.process_bytes(size)
            if increment:
                self._out.append(writer.window_frame(stream_id, increment))

    def credit_connection(self, size: int) -> None:
        increment = self._h2._inbound_flow_control_window_manager.process_bytes(size)
        if increment:
            self._out.append(writer.window_frame(0, increment))

    def promise(self, stream_id: int, block: bytes) -> int:
        h2 = self._h2
        room = h2.remote_settings.max_concurrent_streams - (len(self._streams) - self._requests())
        if not self.push_allowed or room <= 0 or stream_id not in self._streams or not stream_id % 2:
            return 0
        promised = h2.get_next_available_stream_id()
        stream = h2._begin_new_stream(promised, AllowedStreamIDs.EVEN)
        stream.locally_pushed()
        stream.state_machine.process_input(StreamInputs.SEND_HEADERS)
        if not self._table_closed:
            self._table_closed = True
            block = NO_TABLE + block
        self._out.append(writer.promise_frames(stream_id, promised, block, h2.max_outbound_frame_size))
        return promised
