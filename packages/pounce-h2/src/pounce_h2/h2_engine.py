"""The engine on h2, hyperframe and hpack; no other file imports them. Hot path.

h2 keeps the states of streams, both kinds of windows and the settings; hyperframe takes frames apart and hpack undoes
HPACK. What h2 would decide too harshly or too late for a server is decided here:

- a fault of one stream ends that stream; h2 ends the connection for most of them (RFC 9113, 5.4.2);
- after a GOAWAY in either direction the open streams go on (6.8); h2 sends and takes nothing more then;
- a frame that is too large is refused by its header, before it is kept (4.2);
- what is said about fields is left to `pounce_h2.request_fields`: h2 would look at each of them three more times;
- heads come rendered, so they are framed here, and so is body, because that is two operations and not twenty.

Each of them reaches below h2's documented surface; the tables of frames in the tests say whether it still holds.
"""

from __future__ import annotations

import base64
from collections import deque
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from h2.config import H2Configuration
from h2.connection import AllowedStreamIDs, H2Connection
from h2.exceptions import H2Error
from h2.frame_buffer import CONTINUATION_BACKLOG, FrameBuffer
from h2.settings import SettingCodes, Settings
from h2.stream import StreamClosedBy, StreamInputs, StreamState
from hpack import HPACKError, OversizedHeaderListError
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    AltSvcFrame,
    ContinuationFrame,
    DataFrame,
    ExtensionFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from pounce_h2.errors import (
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    STREAM_CLOSED,
    ConnectionFault,
    Flood,
    StreamFault,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2.stream import H2Stream

    from pounce_h2.engine import EngineUser

__all__ = ["H2Engine"]

_HEADER: Final = Struct(">HBBBL")
_WORD: Final = Struct(">L")

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
PRIORITY_UPDATE: Final = 0x10
END_STREAM, ACK, END_HEADERS = 0x1, 0x1, 0x4

NO_RFC7540_PRIORITIES: Final = 0x9
"""SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218, 2.1): the tree of the old RFC is not kept."""
NO_TABLE: Final = b"\x20"
"""A dynamic table of size 0 (RFC 7541, 6.3). Sent once, it holds whatever size the client allows later."""
REMEMBERED: Final = 256
"""Closed streams of which it is known how they ended. A frame that is still under way for an older one is ignored."""
KNOWN_SETTINGS: Final = frozenset(SettingCodes)
"""Others are dropped: h2 would keep each of 65,536 for as long as the connection lives."""
LARGEST_WINDOW: Final = 2**31 - 1

# h2's machine takes these; a member of an enum is looked up anew each time that it is named.
_RECV_HEADERS: Final = StreamInputs.RECV_HEADERS
_RECV_END: Final = StreamInputs.RECV_END_STREAM
_SEND_END: Final = StreamInputs.SEND_END_STREAM
_CLOSED: Final = StreamState.CLOSED
_RECEIVING: Final = (StreamState.OPEN, StreamState.HALF_CLOSED_LOCAL)


def frame_header(size: int, kind: int, flags: int, stream_id: int) -> bytes:
    """The nine bytes before the payload of a frame (RFC 9113, 4.1)."""
    return _HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream_id)


class _Frames(FrameBuffer):
    """The bytes that came, and one frame after the other out of them."""

    def __init__(self) -> None:
        super().__init__(server=True)
        self.first = True
        self.gathered = 0
        """Bytes of a block of fields whose end has not come."""

    def maybe_next(self, most: int, most_fields: int) -> Frame | None:
        """The next frame; a block of fields counts as one. None while it is not complete."""
        buffer = self._data
        while len(buffer) >= 9:
            length = buffer[0] << 16 | buffer[1] << 8 | buffer[2]
            self._judge(buffer[3], buffer[4], length, most)
            if len(buffer) < length + 9:
                return None
            frame, _ = Frame.parse_frame_header(memoryview(bytes(buffer[:9])))
            frame.parse_body(memoryview(bytes(buffer[9 : length + 9])))
            del buffer[: length + 9]
            if isinstance(frame, (HeadersFrame, ContinuationFrame)):
                self.gathered += length
                if self.gathered > most_fields or len(self._headers_buffer) >= CONTINUATION_BACKLOG:
                    raise Flood("a block of header fields has no end")
            whole = self._update_header_buffer(frame)
            if whole is not None:
                self.gathered = 0
                return whole
        return None

    def _judge(self, kind: int, flags: int, length: int, most: int) -> None:
        """What the header of a frame alone can say against it."""
        if self.first:
            if kind != SETTINGS or flags & ACK:
                raise ConnectionFault("the preface is not followed by SETTINGS")
            self.first = False
        if length > most:
            raise ConnectionFault(f"a frame of {length} bytes; at most {most} are taken", FRAME_SIZE_ERROR)
        if kind == SETTINGS and flags & ACK and length:
            raise ConnectionFault("an acknowledgement of settings has a payload", FRAME_SIZE_ERROR)

    @property
    def unfinished(self) -> int | None:
        buffer = self._data
        if self._headers_buffer or self._preamble_len:
            return 0
        if len(buffer) < 9:
            return 0 if buffer else None
        return _WORD.unpack(bytes(buffer[5:9]))[0] & LARGEST_WINDOW if buffer[3] == DATA else 0


class H2Engine:
    """The `Engine` of one connection. Owned by the worker's thread."""

    def __init__(self, user: EngineUser, settings: dict[int, int], *, connection_window: int, field_bytes: int) -> None:
        """``settings`` go to the client. ``field_bytes`` bound a block of fields, undone as RFC 9113, 6.5.2 counts."""
        self.user = user
        self.units = 0
        self.last_stream_id = 0
        self.push_allowed = True
        self.dead = False
        self._out: list[bytes] = []
        self._frames = _Frames()
        self._field_bytes = field_bytes
        self._window = connection_window
        self._limit = settings[SettingCodes.MAX_CONCURRENT_STREAMS]
        self._table_closed = False
        h2 = self._h2 = H2Connection(H2Configuration(client_side=False, validate_inbound_headers=False))
        h2.local_settings = Settings(client=False, initial_values=settings)  # type: ignore[arg-type]
        h2.decoder.max_header_list_size = field_bytes
        self._streams = h2.streams
        self._ended: dict[int, StreamClosedBy | None] = {}
        self._ended_order: deque[int] = deque()
        self._max_inbound = settings[SettingCodes.MAX_FRAME_SIZE]
        self._handlers: dict[type[Frame], Callable[[Any], None]] = {
            HeadersFrame: self._on_headers,
            DataFrame: self._on_data,
            WindowUpdateFrame: self._on_window_update,
            RstStreamFrame: self._on_reset,
            SettingsFrame: self._on_settings,
            PingFrame: self._on_ping,
            GoAwayFrame: self._on_goaway,
            PriorityFrame: self._on_priority,
            ExtensionFrame: self._on_extension,
            AltSvcFrame: self._on_extension,
            PushPromiseFrame: self._on_push,
            ContinuationFrame: self._on_continuation,
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
        return self._frames.unfinished

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
        return stream is not None and stream.state_machine.state is not StreamState.HALF_CLOSED_LOCAL

    # -- the beginning -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._h2.initiate_connection()
        self._open_connection_window()

    def start_upgraded(self, payload: bytes) -> None:
        try:
            self._h2.initiate_upgrade_connection(base64.urlsafe_b64encode(payload))
        except (H2Error, HyperframeError, ValueError) as error:
            self._take_output()
            raise ConnectionFault(f"HTTP2-Settings: {error}") from error
        self.last_stream_id = 1
        self.push_allowed = bool(self._h2.remote_settings.enable_push)
        self._open_connection_window()

    def _open_connection_window(self) -> None:
        """It is 65,535 bytes until told otherwise (RFC 9113, 6.9.2), and h2 took it to be a stream's."""
        manager = self._h2._inbound_flow_control_window_manager
        manager.max_window_size = manager.current_window_size = 65535
        if self._window > 65535:
            self._h2.increment_flow_control_window(self._window - 65535)
        self._take_output()

    def _take_output(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._out.append(data)

    # -- frames in ---------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        frames = self._frames
        try:
            frames.add_data(data)
            while not self.dead:
                frame = frames.maybe_next(self._max_inbound, self._field_bytes)
                if frame is None:
                    break
                self.units += 1
                try:
                    self._handlers[frame.__class__](frame)
                except StreamFault as fault:
                    self._break_stream(frame.stream_id, fault.code)
        except HyperframeError as error:
            code = FRAME_SIZE_ERROR if type(error).__name__ == "InvalidFrameError" else PROTOCOL_ERROR
            raise ConnectionFault(f"a malformed frame: {error}", code) from error
        except H2Error as error:
            raise ConnectionFault(str(error), int(getattr(error, "error_code", PROTOCOL_ERROR))) from error

    def _break_stream(self, stream_id: int, code: int) -> None:
        self.reset(stream_id, code)
        self.user.stream_reset(stream_id)
        self.user.stream_refused()

    def _on_headers(self, frame: HeadersFrame) -> None:
        stream_id = frame.stream_id
        stream = self._streams.get(stream_id)
        fields = self._decode(frame.data)
        ended = "END_STREAM" in frame.flags
        if stream is not None:
            self._on_trailers(stream, fields, ended)
            return
        if stream_id <= self.last_stream_id and stream_id % 2:
            self._on_closed_headers(stream_id)
            return
        if frame.depends_on == stream_id and "PRIORITY" in frame.flags:
            raise ConnectionFault(f"stream {stream_id} depends on itself")
        stream = self._h2._begin_new_stream(stream_id, AllowedStreamIDs.ODD)
        self.last_stream_id = stream_id
        machine = stream.state_machine
        machine.process_input(_RECV_HEADERS)
        if ended:
            machine.process_input(_RECV_END)
        if len(self._streams) > self._limit and self._count_requests() > self._limit:
            # Also what a client does that has not seen our settings yet: the request may come again (RFC 9113, 8.7).
            raise StreamFault("more streams than were allowed", REFUSED_STREAM)
        self.user.request_received(stream_id, fields, ended)

    def _count_requests(self) -> int:
        return sum(1 for stream_id in self._streams if stream_id % 2)

    def _decode(self, block: bytes) -> Any:
        try:
            return self._h2.decoder.decode(block, raw=True)
        except OversizedHeaderListError as error:
            raise Flood(f"a list of header fields of more than {self._field_bytes} bytes") from error
        except HPACKError as error:
            raise ConnectionFault(f"HPACK: {error}", 0x9) from error

    def _on_trailers(self, stream: H2Stream, fields: Any, ended: bool) -> None:
        if stream.state_machine.state not in _RECEIVING:
            raise StreamFault("header fields after the end of the request", STREAM_CLOSED)
        if not ended:
            raise StreamFault("trailers that do not end the stream")
        self._end_received(stream)
        self.user.trailers_received(stream.stream_id, fields)

    def _on_closed_headers(self, stream_id: int) -> None:
        how = self._ended.get(stream_id, None)
        if how is StreamClosedBy.SEND_RST_STREAM:
            self.user.chore(1)  # it was under way when the stream was reset (RFC 9113, 5.1)
        elif how is None:
            raise ConnectionFault(f"stream {stream_id} was passed over or is long closed")
        else:
            raise ConnectionFault(f"header fields on stream {stream_id}, which is closed", STREAM_CLOSED)

    def _on_data(self, frame: DataFrame) -> None:
        size = frame.flow_controlled_length
        h2 = self._h2
        h2._inbound_flow_control_window_manager.window_consumed(size)
        stream_id = frame.stream_id
        stream = self._streams.get(stream_id)
        if stream is None or stream.state_machine.state not in _RECEIVING:
            self._on_late_data(stream_id, stream, size)
            return
        stream._inbound_window_manager.current_window_size -= size
        if stream._inbound_window_manager.current_window_size < 0:
            self.credit_connection(size)
            raise StreamFault("more body than the window of its stream", FLOW_CONTROL_ERROR)
        ended = "END_STREAM" in frame.flags
        if ended:
            self._end_received(stream)
        elif not frame.data:
            self.user.chore(1)
        self.user.body_received(stream_id, frame.data, size, ended)

    def _on_late_data(self, stream_id: int, stream: H2Stream | None, size: int) -> None:
        """Body for a stream that takes none. Its bytes count for the connection all the same (RFC 9113, 6.9)."""
        if stream_id > self.last_stream_id or stream_id % 2 == 0:
            raise ConnectionFault(f"body on stream {stream_id}, which was never opened")
        self.credit_connection(size)
        if stream is not None:
            raise StreamFault("body after the end of the request", STREAM_CLOSED)
        if self._ended.get(stream_id) in (StreamClosedBy.RECV_END_STREAM, StreamClosedBy.SEND_END_STREAM):
            raise ConnectionFault(f"body on stream {stream_id}, which is closed", STREAM_CLOSED)
        self.user.chore(1)

    def _end_received(self, stream: H2Stream) -> None:
        machine = stream.state_machine
        machine.process_input(_RECV_END)
        if machine.state is _CLOSED:
            self._forget(stream.stream_id, machine.stream_closed_by)

    def _on_window_update(self, frame: WindowUpdateFrame) -> None:
        stream_id, increment = frame.stream_id, frame.window_increment
        h2 = self._h2
        if not stream_id:
            h2.outbound_flow_control_window += increment
            if h2.outbound_flow_control_window > LARGEST_WINDOW:
                raise ConnectionFault("the window of the connection overflows", FLOW_CONTROL_ERROR)
        else:
            stream = self._streams.get(stream_id)
            if stream is None:
                self._require_opened(stream_id, "WINDOW_UPDATE")
                self.user.chore(1)
                return
            stream.outbound_flow_control_window += increment
            if stream.outbound_flow_control_window > LARGEST_WINDOW:
                raise StreamFault("the window of a stream overflows", FLOW_CONTROL_ERROR)
        self.user.chore(1)
        self.user.window_opened(stream_id)

    def _require_opened(self, stream_id: int, what: str) -> None:
        highest = self.last_stream_id if stream_id % 2 else self._h2.highest_outbound_stream_id
        if stream_id > highest:
            raise ConnectionFault(f"{what} on stream {stream_id}, which was never opened")

    def _on_reset(self, frame: RstStreamFrame) -> None:
        self._require_opened(frame.stream_id, "RST_STREAM")
        if frame.stream_id in self._streams:
            self._forget(frame.stream_id, StreamClosedBy.RECV_RST_STREAM)
            self.user.stream_reset(frame.stream_id)
            self.user.stream_refused()
        else:
            self.user.chore(1)

    def _on_settings(self, frame: SettingsFrame) -> None:
        self.user.chore(1 if "ACK" in frame.flags else 10)
        frame.settings = {code: value for code, value in frame.settings.items() if code in KNOWN_SETTINGS}
        frames, _ = self._h2._receive_settings_frame(frame)
        self._out.extend(answer.serialize() for answer in frames)
        self.push_allowed = bool(self._h2.remote_settings.enable_push)
        self.user.window_opened(0)

    def _on_ping(self, frame: PingFrame) -> None:
        self.user.chore(1)
        if "ACK" in frame.flags:
            self.user.ping_acknowledged()
        else:
            self._out.append(frame_header(8, PING, ACK, 0) + frame.opaque_data)

    def _on_goaway(self, _frame: GoAwayFrame) -> None:
        self.user.chore(10)
        self.user.goaway_received()

    def _on_priority(self, frame: PriorityFrame) -> None:
        """The tree of RFC 7540 is gone (RFC 9113, 5.3.2); nothing is left but to see that the frame is one."""
        self.user.chore(1)
        if frame.depends_on == frame.stream_id:
            if frame.stream_id not in self._streams:
                raise ConnectionFault(f"stream {frame.stream_id} depends on itself")
            raise StreamFault("a stream depends on itself")

    def _on_extension(self, frame: ExtensionFrame) -> None:
        self.user.chore(1)
        if getattr(frame, "type", None) != PRIORITY_UPDATE:
            return  # RFC 9113, 5.5
        if frame.stream_id:
            raise ConnectionFault("PRIORITY_UPDATE on a stream of its own")
        if len(frame.body) < 4:
            raise ConnectionFault("PRIORITY_UPDATE without a stream", FRAME_SIZE_ERROR)
        stream_id = _WORD.unpack(frame.body[:4])[0] & LARGEST_WINDOW
        if not stream_id:
            raise ConnectionFault("PRIORITY_UPDATE for stream 0")
        self.user.priority_updated(stream_id, bytes(frame.body[4:]))

    def _on_push(self, _frame: PushPromiseFrame) -> None:
        raise ConnectionFault("a client cannot promise streams")

    def _on_continuation(self, _frame: ContinuationFrame) -> None:
        raise ConnectionFault("CONTINUATION without a block of header fields before it")

    # -- frames out --------------------------------------------------------------------------------------------------

    def send_head(self, stream_id: int, block: bytes, *, end: bool) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if not self._table_closed:
            self._table_closed = True
            block = NO_TABLE + block
        most = self._h2.max_outbound_frame_size
        flags = END_STREAM if end else 0
        if len(block) <= most:
            self._out.append(frame_header(len(block), HEADERS, flags | END_HEADERS, stream_id) + block)
        else:
            self._send_in_pieces(HEADERS, flags, stream_id, block, most)
        if end:
            self._end_sent(stream)

    def _send_in_pieces(self, kind: int, flags: int, stream_id: int, block: bytes, most: int) -> None:
        for start in range(0, len(block), most):
            piece = block[start : start + most]
            last = END_HEADERS if start + most >= len(block) else 0
            self._out.append(frame_header(len(piece), kind, flags | last, stream_id) + piece)
            kind, flags = CONTINUATION, 0

    def send_data(self, stream_id: int, data: bytes, *, end: bool) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        size = len(data)
        self._h2.outbound_flow_control_window -= size
        stream.outbound_flow_control_window -= size
        header = frame_header(size, DATA, END_STREAM if end else 0, stream_id)
        if size < 4096:
            self._out.append(header + data)
        else:
            self._out += (header, data)
        if end:
            self._end_sent(stream)

    def _end_sent(self, stream: H2Stream) -> None:
        machine = stream.state_machine
        machine.process_input(_SEND_END)
        if machine.state is _CLOSED:
            self._forget(stream.stream_id, machine.stream_closed_by)

    def reset(self, stream_id: int, code: int) -> None:
        if stream_id in self._streams:
            self._forget(stream_id, StreamClosedBy.SEND_RST_STREAM)
            self._out.append(frame_header(4, RST_STREAM, 0, stream_id) + _WORD.pack(code))

    def _forget(self, stream_id: int, how: StreamClosedBy | None) -> None:
        del self._streams[stream_id]
        self._ended[stream_id] = how
        self._ended_order.append(stream_id)
        if len(self._ended_order) > REMEMBERED:
            self._ended.pop(self._ended_order.popleft(), None)

    def credit(self, stream_id: int, size: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and stream.state_machine.state in _RECEIVING:
            increment = stream._inbound_window_manager.process_bytes(size)
            if increment:
                self._out.append(frame_header(4, WINDOW_UPDATE, 0, stream_id) + _WORD.pack(increment))

    def credit_connection(self, size: int) -> None:
        increment = self._h2._inbound_flow_control_window_manager.process_bytes(size)
        if increment:
            self._out.append(frame_header(4, WINDOW_UPDATE, 0, 0) + _WORD.pack(increment))

    def promise(self, stream_id: int, block: bytes) -> int:
        h2 = self._h2
        if stream_id not in self._streams or not self.push_allowed or stream_id % 2 == 0:
            return 0
        open_now = sum(1 for one in self._streams if one % 2 == 0)
        if open_now >= h2.remote_settings.max_concurrent_streams:
            return 0
        promised = h2.get_next_available_stream_id()
        stream = h2._begin_new_stream(promised, AllowedStreamIDs.EVEN)
        stream.locally_pushed()
        stream.state_machine.process_input(StreamInputs.SEND_HEADERS)
        if not self._table_closed:
            self._table_closed = True
            block = NO_TABLE + block
        payload = _WORD.pack(promised) + block
        self._send_in_pieces(PUSH_PROMISE, 0, stream_id, payload, h2.max_outbound_frame_size)
        return promised

    def ping(self) -> None:
        self._out.append(frame_header(8, PING, 0, 0) + b"pounce\x00\x00")

    def goaway(self, last_stream_id: int, code: int, detail: bytes = b"") -> None:
        payload = _WORD.pack(last_stream_id) + _WORD.pack(code) + detail
        self._out.append(frame_header(len(payload), GOAWAY, 0, 0) + payload)

    def data_to_send(self) -> list[bytes]:
        out, self._out = self._out, []
        return out
