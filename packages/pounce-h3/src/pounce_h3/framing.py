"""Requests and responses as frames on the streams of one QUIC connection (RFC 9114). Hot path.

What comes is told to the `FramingUser` in the order in which it came on its stream; what goes out is handed to the
engine at once. Nothing is known here of what fields mean, nor of times.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from pounce_asgi.multiplexed import MessageFault
from pounce_h3.errors import (
    H3_CLOSED_CRITICAL_STREAM,
    H3_FRAME_ERROR,
    H3_MESSAGE_ERROR,
    H3_REQUEST_CANCELLED,
    H3_REQUEST_INCOMPLETE,
    H3_REQUEST_REJECTED,
    ConnectionFault,
    StreamFault,
)
from pounce_h3.frame_reader import PASSED
from pounce_h3.frames import DATA, HEADERS, data_header
from pounce_h3.peer_streams import CONTROL, QPACK_DECODER, QPACK_ENCODER, PeerStreams, PeerStreamsUser
from pounce_h3.qpack import QpackDecoder, QpackError, SectionTooLarge
from pounce_h3.request_reader import RequestReader, Stage
from pounce_h3.settings_frame import BLOCKED_STREAMS, TABLE_CAPACITY
from pounce_h3.varint import LARGEST, encode_varint, maybe_varint

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pounce_asgi import HeaderPair
    from pounce_h3.ahead import Ahead
    from pounce_h3.quic import Quic

__all__ = ["Framing", "FramingUser"]

EMPTY_BLOCK: Final = b"\x00\x00"
"""Trailers that say nothing. They are right (RFC 9204, 4.5), and ls-qpack takes none."""
_HEADERS_FIRST: Final = b"\x01"
"""A frame of fields, whose type is in one octet."""


class FramingUser(Protocol):
    """Who is told. A method that raises `StreamFault` or `MessageFault` ends its stream, `ConnectionFault` all."""

    def request_received(self, stream_id: int, fields: Sequence[HeaderPair], ended: bool) -> None:
        """A request begins; ``ended``: nothing follows its fields."""

    def head_too_large(self, stream_id: int) -> None:
        """A request begins whose fields were not read, being too many."""

    def trailers_received(self, stream_id: int, fields: Sequence[HeaderPair]) -> None:
        """The fields behind a body, which is complete."""

    def trailers_too_large(self, stream_id: int) -> None:
        """The same, but they were not read."""

    def body_received(self, stream_id: int, data: bytes, ended: bool) -> None:
        """A piece of a body, perhaps an empty one. Its bytes are still to be credited."""

    def stream_lost(self, stream_id: int) -> None:
        """A stream was given up by its client, or broken."""

    def stream_refused(self, stream_id: int, code: int, detail: str) -> None:
        """A stream was ended for what its client did: by the client where there is no ``detail``."""

    def chore(self, cost: int) -> None:
        """A frame came that moves no request forward."""

    def turn_over(self) -> bool:
        """Others are to have their turn."""


class Framing:
    """One connection's. Owned by the worker's thread."""

    quic: Quic

    def __init__(
        self, user: FramingUser, peer_user: PeerStreamsUser, ahead: Ahead, *, field_bytes: int, fields: int, most: int
    ) -> None:
        """``field_bytes``, ``fields``: of one block; ``most``: requests at once."""
        self.user = user
        self.peer = PeerStreams(peer_user)
        self.unanswered: Collection[int] = ()
        """Requests whose answers are not complete."""
        self.readers: dict[int, RequestReader] = {}
        """Requests that have begun and not ended."""
        self.last_stream_id = -4
        """The highest stream that the client opened."""
        self.first_rejected = LARGEST
        """Requests from this id on are not looked at."""
        self.now = 0.0
        self.head_deadline = 0.0
        """For requests that begin now."""
        self._ahead = ahead
        self._decoder = QpackDecoder(TABLE_CAPACITY, BLOCKED_STREAMS, lines=fields)
        self.halted: deque[int] = deque()
        """Streams of which more has come than there was time to read: call ``read_on()``."""
        self._field_bytes = field_bytes
        self._most = most
        self._control_id = -1
        self._instructions_id = -1

    # -- the beginning, and what is said of the connection -----------------------------------------------------------

    def start(self, settings: bytes) -> None:
        """Open our streams (RFC 9114, 6.2.1; RFC 9204, 4.2)."""
        quic = self.quic
        self._control_id = quic.open_unidirectional()
        quic.send(self._control_id, encode_varint(CONTROL) + settings, end=False)
        quic.send(quic.open_unidirectional(), encode_varint(QPACK_ENCODER), end=False)
        self._instructions_id = quic.open_unidirectional()
        quic.send(self._instructions_id, encode_varint(QPACK_DECODER) + self._decoder.take_decoder_stream(), end=False)

    def send_control(self, frame: bytes) -> None:
        """Say something of the connection."""
        if self._control_id >= 0:
            self.quic.send(self._control_id, frame, end=False)

    def send_instructions(self) -> None:
        """Tell the client's encoder what was read of its table."""
        if self._instructions_id >= 0:
            data = self._decoder.take_decoder_stream()
            if data:
                self.quic.send(self._instructions_id, data, end=False)

    def fields_instructed(self, data: bytes) -> None:
        """The client's encoder adds to its table: requests that have waited for it go on."""
        try:
            unblocked = self._decoder.receive_encoder_stream(data)
        except QpackError as error:
            raise ConnectionFault(str(error), error.code) from error
        self.halted.extend(unblocked)
        self.read_on()

    # -- turns -------------------------------------------------------------------------------------------------------

    def read_on(self) -> None:
        """Go on with streams for which there was no time."""
        halted = self.halted
        while halted:
            stream_id = halted.popleft()
            if not stream_id & 2:
                self._go_on(stream_id)
            elif self.peer.read_on():
                halted.append(stream_id)
            if self.user.turn_over():
                return

    def _go_on(self, stream_id: int) -> None:
        reader = self.readers.get(stream_id)
        fields = None
        if reader is not None and reader.blocked:
            try:
                fields = self._decoder.resume(stream_id)
            except QpackError as error:
                raise ConnectionFault(str(error), error.code) from error
            reader.blocked = fields is None
        if reader is not None and not reader.blocked:
            self._guarded(stream_id, reader, fields)

    # -- requests in -------------------------------------------------------------------------------------------------

    def receive_data(self, stream_id: int, data: bytes, ended: bool) -> None:
        """Bytes of a stream."""
        if stream_id & 2:
            if self.peer.receive_data(self.quic, stream_id, data, ended):
                self.halted.append(stream_id)
            return
        reader = self.readers.get(stream_id)
        if reader is None:
            if stream_id > self.last_stream_id:
                self.last_stream_id = stream_id
            most = self._most
            if stream_id >= self.first_rejected or len(self.readers) >= most or len(self.unanswered) >= most:
                self.quic.credit(stream_id, len(data))
                self._give_up(stream_id, H3_REQUEST_REJECTED, ended=ended)
                return
            if ended and data[:1] == _HEADERS_FIRST and self._took_whole(stream_id, data):
                return
            reader = self.readers[stream_id] = RequestReader(self._field_bytes, self.head_deadline)
        reader.ended = ended
        reader.received += len(data)
        reader.frames.receive_data(data)
        self._guarded(stream_id, reader, None)

    def _took_whole(self, stream_id: int, data: bytes) -> bool:
        """Whether that was a request without a body that came in one piece, as most of them do."""
        length = maybe_varint(data, 1)
        if length is None or length[0] + length[1] != len(data) or length[0] > self._field_bytes:
            return False
        try:
            fields = self._decode(stream_id, data[length[1] :])
        except SectionTooLarge:
            return False
        self.quic.credit(stream_id, len(data))
        if fields is None:
            reader = self.readers[stream_id] = RequestReader(self._field_bytes, self.head_deadline)
            reader.step(HEADERS)
            reader.blocked = reader.ended = True
            return True
        try:
            self.user.request_received(stream_id, fields, True)
        except MessageFault as fault:
            self.break_stream(stream_id, H3_MESSAGE_ERROR, str(fault))
        return True

    def _decode(self, stream_id: int, block: bytes) -> Sequence[HeaderPair] | None:
        """The fields of a block; None while it waits for the table. Raises SectionTooLarge."""
        if block == EMPTY_BLOCK:
            return ()
        try:
            return self._decoder.fields(stream_id, block)
        except QpackError as error:
            raise ConnectionFault(str(error), error.code) from error

    def _guarded(self, stream_id: int, reader: RequestReader, fields: Sequence[HeaderPair] | None) -> None:
        """Go on with a stream. ``fields``: of the frame that had to wait."""
        try:
            if fields is not None:
                self._fields_read(stream_id, reader, fields)
            if self.readers.get(stream_id) is reader:
                self._read(stream_id, reader)
        except StreamFault as fault:
            self.break_stream(stream_id, fault.code, str(fault))
        except MessageFault as fault:
            self.break_stream(stream_id, H3_MESSAGE_ERROR, str(fault))

    def _read(self, stream_id: int, reader: RequestReader) -> None:
        frames = reader.frames
        while not reader.blocked:
            frame = frames.next_frame()
            if frame is None:
                break
            kind, payload = frame
            self._credit(stream_id, reader, frames.kept, body=len(payload) if kind == DATA else 0)
            if kind == DATA:
                reader.step(DATA)
                told = reader.ended and not frames.unfinished
                if told:
                    del self.readers[stream_id]
                elif not payload:
                    self.user.chore(1)
                self.user.body_received(stream_id, payload, told)
            elif kind == HEADERS:
                self._on_headers(stream_id, reader, payload)
            elif kind == PASSED:
                self.user.chore(1)
            else:
                self._on_too_large(stream_id, reader)
            if self.readers.get(stream_id) is not reader:
                return
            if frames.kept and self.user.turn_over():
                self.halted.append(stream_id)
                return
        if not reader.blocked:
            self._credit(stream_id, reader, 0)  # the beginning of a frame of fields is kept within another bound
            if reader.ended:
                self._end(stream_id, reader)

    def _on_headers(self, stream_id: int, reader: RequestReader, block: bytes) -> None:
        reader.step(HEADERS)
        try:
            fields = self._decode(stream_id, block)
        except SectionTooLarge:
            self._too_large(stream_id, reader)
            return
        if fields is None:
            reader.blocked = True
        else:
            self._fields_read(stream_id, reader, fields)

    def _fields_read(self, stream_id: int, reader: RequestReader, fields: Sequence[HeaderPair]) -> None:
        if reader.stage is Stage.TRAILED:
            self.user.trailers_received(stream_id, fields)
            return
        whole = reader.ended and not reader.frames.unfinished
        if whole:
            del self.readers[stream_id]
        self.user.request_received(stream_id, fields, whole)

    def _on_too_large(self, stream_id: int, reader: RequestReader) -> None:
        reader.step(HEADERS)
        self._too_large(stream_id, reader)

    def _too_large(self, stream_id: int, reader: RequestReader) -> None:
        self._decoder.cancel(stream_id)
        if reader.stage is Stage.TRAILED:
            self.user.trailers_too_large(stream_id)
        else:
            self.user.head_too_large(stream_id)

    def _end(self, stream_id: int, reader: RequestReader) -> None:
        """The client has sent all of a stream, and nothing has told of its end."""
        del self.readers[stream_id]
        if reader.frames.unfinished:
            raise ConnectionFault("a stream ended within a frame", H3_FRAME_ERROR)
        if reader.stage is Stage.HEAD:
            raise StreamFault("a stream without a request", H3_REQUEST_INCOMPLETE)
        if reader.stage is Stage.BODY:
            self.user.body_received(stream_id, b"", True)

    def _credit(self, stream_id: int, reader: RequestReader, kept: int, *, body: int = 0) -> None:
        """Let the client send as much anew as has come, but for what is still to be looked at and what is body, for
        which whoever takes it will say so.
        """
        size = reader.received - kept - reader.credited
        if size > 0:
            reader.credited += size
            if size > body:
                self.quic.credit(stream_id, size - body)

    # -- ends --------------------------------------------------------------------------------------------------------

    def break_stream(self, stream_id: int, code: int, detail: str) -> None:
        """A stream cannot go on for what its client did (RFC 9114, 8)."""
        self.reset(stream_id, code)
        self.user.stream_lost(stream_id)
        self.user.stream_refused(stream_id, code, detail)

    def _given_up(self, stream_id: int, code: int) -> None:
        """The client does not want a stream any more, and said so with this code."""
        self.reset(stream_id, H3_REQUEST_CANCELLED)
        self.user.stream_lost(stream_id)
        self.user.stream_refused(stream_id, code, "")

    def client_reset(self, stream_id: int, code: int) -> None:
        """The client gave up sending."""
        if stream_id & 2:
            self.peer.reset(stream_id)
            return
        self.last_stream_id = max(self.last_stream_id, stream_id)
        if stream_id in self.readers:
            self._given_up(stream_id, code)

    def client_stopped(self, stream_id: int, code: int) -> None:
        """The client wants nothing more of a stream; the engine has reset our side."""
        if stream_id & 1:
            raise ConnectionFault("a stream of ours that must stay open was stopped", H3_CLOSED_CRITICAL_STREAM)
        self.last_stream_id = max(self.last_stream_id, stream_id)
        self._given_up(stream_id, code)

    def reset(self, stream_id: int, code: int) -> None:
        """End both sides of a stream."""
        self._give_up(stream_id, code, ended=stream_id not in self.readers)
        self.forget(stream_id)

    def forget(self, stream_id: int) -> None:
        """Nothing more of a request is looked at."""
        reader = self.readers.pop(stream_id, None)
        if reader is not None and (reader.stage is Stage.HEAD or reader.blocked):
            self._decoder.cancel(stream_id)

    def _give_up(self, stream_id: int, code: int, *, ended: bool) -> None:
        self._ahead.forget(stream_id)
        self.quic.reset(stream_id, code)
        if not ended:
            self.quic.stop(stream_id, code)

    def stop(self, stream_id: int, code: int) -> None:
        """The rest of a request is not wanted; its answer stands."""
        if stream_id in self.readers:
            self.quic.stop(stream_id, code)
            self.forget(stream_id)

    def late_heads(self, now: float) -> list[int]:
        """Requests whose heads should be here by now."""
        return [
            stream_id
            for stream_id, reader in self.readers.items()
            if now >= reader.deadline and (reader.stage is Stage.HEAD or reader.blocked)
        ]

    # -- responses out -----------------------------------------------------------------------------------------------

    def send_head(self, stream_id: int, block: bytes, *, end: bool) -> None:
        """Send a frame of fields."""
        self._send(stream_id, block, end=end)

    def send_data(self, stream_id: int, data: bytes, *, end: bool) -> None:
        """Send a frame of body."""
        self._send(stream_id, data_header(len(data)) + data if data else b"", end=end)

    def send_whole(self, stream_id: int, block: bytes, body: bytes) -> None:
        """Send a whole response at once."""
        self._send(stream_id, block + data_header(len(body)) + body, end=True)

    def _send(self, stream_id: int, data: bytes, *, end: bool) -> None:
        self._ahead.add(stream_id, len(data), self.now)
        self.quic.send(stream_id, data, end=end)

    def receiving(self, stream_id: int) -> bool:
        """Whether more of a request may come."""
        return stream_id in self.readers
