"""A client's bytes become messages and control frames. Hot path.

A frame that is a whole message and lies in what was just read, the usual one, is read here; so are valid control
frames, and fragments that have come whole, of which wsproto judges order and text. Everything else (frames that come in
several reads, whatever is not valid) goes to wsproto, frame by frame. Limits are applied here, from the head of a frame
on, before its payload has come; so is the limit of what one client may have done in one turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from pounce_websocket.errors import EmptyFragments, InvalidPayload, MessageTooBig, ProtocolViolation
from pounce_websocket.frames import BINARY, CLOSE, COMPRESSED, PING, PONG, TEXT, parse_close, unmask
from pounce_websocket.wsproto_engine import WsprotoEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_websocket.deflate import Inflater
    from pounce_websocket.wsproto_engine import Piece

__all__ = ["FrameListener", "FrameReader"]

_CONTROL_FRAMES: Final = (CLOSE, PING, PONG)
_PLAIN_MESSAGES: Final = (TEXT, BINARY)
_WHOLE_MESSAGES: Final = (TEXT, BINARY, TEXT | COMPRESSED, BINARY | COMPRESSED)
_FINAL: Final = 0x80
"""The frame is the last of its message."""
_DATA_FRAMES: Final = frozenset(opcode | final for opcode in (0, 1, 2) for final in (0, _FINAL))
_COMPRESSED_FRAMES: Final = frozenset(opcode | final | COMPRESSED for opcode in (1, 2) for final in (0, _FINAL))
_SMALL: Final = 126
"""Lengths below this are written in 7 bits."""
_FRAMES_PER_TURN: Final = 32
"""Frames other than small whole messages, for which the listener's stop is there: a read may hold 14,000 of them, and
all of the other clients wait meanwhile. So many take some 0.2 ms."""
_WAITS_FROM: Final = 256
"""Compressed bytes of a message from which it is made only for somebody who waits for it: it can be a thousand times as
large. What is smaller fits into the queue of the listener whatever it becomes."""
_EMPTY_FRAGMENTS: Final = 1000
"""Of one message. Who writes in fragments flushes an empty one now and then; content of the largest message in such
numbers is no honest use, and nothing else would end it."""


class FrameListener(Protocol):
    """Who is told of what came."""

    @property
    def message_received(self) -> Callable[[dict[str, Any], int], bool]:
        """Takes a whole message as ASGI has it, and its length. True: stop, and keep what came after it."""

    def wants_message(self) -> bool:
        """Whether a compressed message, which may become a thousand times as large, is to be made now. If not, the
        reader stops before it, as if the listener had said so.
        """

    def ping_received(self, payload: bytes) -> None:
        """A ping, to be answered."""

    def close_received(self, code: int, reason: str) -> None:
        """The client's goodbye; nothing is read after it."""


class FrameReader:
    """Reads the frames of one client. Owned by the worker's thread."""

    __slots__ = (
        "_binary",
        "_collected",
        "_deliver",
        "_empty",
        "_engine",
        "_in_message",
        "_inflater",
        "_listener",
        "_making",
        "_max_size",
        "_offset",
        "_owed",
        "_readable",
        "_rest",
        "_sent",
        "_small",
        "_text",
        "closed",
        "turn_over",
    )

    def __init__(self, listener: FrameListener, max_size: int, inflater: Inflater | None) -> None:
        """``max_size``: bytes of the largest message. ``inflater`` where compression was agreed on."""
        self._listener = listener
        self._deliver = listener.message_received
        self._max_size = max_size
        self._small = min(_SMALL, max_size + 1)
        self._inflater = inflater
        self._readable = _DATA_FRAMES if inflater is None else _DATA_FRAMES | _COMPRESSED_FRAMES
        """First bytes of the frames that are valid, if they come at their place."""
        self._engine: WsprotoEngine | None = None
        self._owed = 0
        """Bytes of the frame that the engine reads, or that is collected, which have not come yet."""
        self._collected: bytearray | None = None
        """What has come of a compressed message in one frame, which is decompressed when it is whole."""
        self._in_message = False
        """Some of a message's frames have come, and the last of them has not."""
        self._sent = 0
        """Payload bytes of those frames, as they were sent."""
        self._empty = 0
        """Those of them without a payload, the last not counted."""
        # What came of it. A text is kept as UTF-8: one letter beyond the first plane would make four bytes of each.
        self._text: bytearray | None = None
        self._binary: bytearray | None = None
        self._making = 0
        """The first byte of a message that is decompressed in turns; 0 for none."""
        self._rest = b""
        """What came and was not read yet, from ``_offset`` on: less than a frame, or what is held back."""
        self._offset = 0
        self.closed = False
        """The client has said goodbye, or broken a rule: nothing more is read."""
        self.turn_over = False
        """``receive_data()`` stopped because it did enough for one turn, and not because the listener said so."""

    def keep(self, data: bytes) -> None:
        """Put aside what comes while the listener says stop."""
        self._rest = self._rest[self._offset :] + data
        self._offset = 0

    def let_go(self) -> None:
        """Nothing more is read: hold nothing of what came. A reader and who listens to it keep each other, and
        megabytes would wait with them for the garbage collector.
        """
        self.closed = True
        self._rest = b""
        self._making = 0
        self._collected = self._text = self._binary = None
        self._inflater = self._engine = None

    def receive_data(self, data: bytes) -> bool:
        """Read on; after the client's goodbye nothing is read.

        True: the listener said stop; call it again when it may go on, with ``b""`` if nothing came. Or there is too
        much for one turn, which ``turn_over`` tells: call it again when others have had theirs.

        Raises:
            ConversationFailed: the client broke a rule. Nothing may be read after that.
        """
        if self.closed:
            return False
        position = 0
        if self._rest:
            if data:
                data = self._rest[self._offset :] + data
            else:
                data, position = self._rest, self._offset
            self._rest = b""
        stop = self.turn_over = False
        if self._making and self._make_on():
            self._rest, self._offset = data, position
            self.turn_over = self._making != 0
            return True
        left = _FRAMES_PER_TURN
        if self._owed:
            position, stop = self._feed_engine(data, position)
        size = len(data)
        deliver = self._deliver
        small = self._small
        from_bytes = int.from_bytes
        while size - position > 1 and not stop:
            first = data[position]
            length = data[position + 1] - 128  # the mask bit, which must be set
            if 0 <= length < small and first in _PLAIN_MESSAGES and not self._in_message:
                start = position + 6
                end = start + length
                if end <= size:
                    position = end
                    # As unmask() does it.
                    words = (length + 3) >> 2
                    mask = from_bytes(data[start - 4 : start] * words, "little")
                    number = from_bytes(data[start:end], "little") ^ mask
                    payload = number.to_bytes(words << 2, "little")[:length]
                    if first == BINARY:
                        stop = deliver({"type": "websocket.receive", "bytes": payload}, length)
                    else:
                        stop = deliver({"type": "websocket.receive", "text": _decode(payload)}, length)
                    continue
            before = position
            position, stop = self._read_other(data, position, first, length)
            if position == before:
                break
            left -= 1
            if left == 0 and position < size and not stop:
                stop = self.turn_over = True
        if stop:
            self._rest, self._offset = data, position  # read on from there, not copied each time
        elif position < size:
            self._rest, self._offset = data[position:], 0
        return stop

    def _read_other(self, data: bytes, position: int, first: int, length: int) -> tuple[int, bool]:
        """Read one frame, or as much of it as there is. Where nothing can be read yet, the position stays."""
        if length < 0:
            raise ProtocolViolation("a frame of a client is not masked")
        if first in _CONTROL_FRAMES and length < _SMALL:
            return self._read_control(data, position, first, length), False
        start = position + 6
        if length == 126:
            start += 2
        elif length == 127:
            start += 8
        if start > len(data):
            return position, False
        shortest = True
        if length >= _SMALL:
            length = int.from_bytes(data[position + 2 : start - 4], "big")
            shortest = length >= _SMALL if start - position == 8 else 65536 <= length < 1 << 63
        opcode = first & 0x0F
        if opcode < 3:
            # Not left to wsproto: a frame that comes in pieces would be inflated before its place is looked at.
            if (opcode == 0) is not self._in_message:
                raise ProtocolViolation("a message begins within another" if opcode else "a fragment of no message")
            if shortest:
                if self._has_to_wait(first, length):
                    return position, True
                self._count(first, length)
        end = start + length
        if shortest and first in self._readable and end <= len(data):
            payload = unmask(data[start - 4 : start], data[start:end])
            if first in _WHOLE_MESSAGES and not self._in_message:
                self._sent = 0
                return end, self._read_whole(first, payload)
            return end, self._take(self._wsproto().receive_frame(first, payload))
        self._owed = end - position
        if shortest and first in self._readable and first & COMPRESSED and first & _FINAL:
            self._collected = bytearray()
        return self._feed_engine(data, position)

    def _has_to_wait(self, first: int, length: int) -> bool:
        """Whether a message that is complete with this frame is not to be decompressed yet."""
        if first < _FINAL or self._inflater is None or not (first & COMPRESSED or self._in_message):
            return False
        return self._sent + length >= _WAITS_FROM and not self._listener.wants_message()

    def _count(self, first: int, length: int) -> None:
        """Hold a message to its limits; one more of its frames begins."""
        self._sent += length
        if self._sent > self._max_size:
            raise MessageTooBig(f"a message is larger than {self._max_size} bytes")
        if length == 0 and first < _FINAL:
            self._empty += 1
            if self._empty > _EMPTY_FRAGMENTS:
                raise EmptyFragments(f"a message has more than {_EMPTY_FRAGMENTS} empty fragments")

    def _read_control(self, data: bytes, position: int, first: int, length: int) -> int:
        end = position + 6 + length
        if end > len(data):
            return position
        payload = unmask(data[position + 2 : position + 6], data[position + 6 : end])
        if first == PING:
            self._listener.ping_received(payload)
        elif first == CLOSE:
            code, reason = parse_close(payload)
            self.closed = True
            self._listener.close_received(code, reason)
            return len(data)  # nothing of the rest means anything
        return end

    def _read_whole(self, first: int, payload: bytes) -> bool:
        """A message in one frame."""
        if first & COMPRESSED and self._inflater is not None:
            made = self._inflater.begin(payload)
            if made is None:
                self._making = first
                self.turn_over = True
                return True
            payload = made
        return self._deliver_whole(first, payload)

    def _read_collected(self, frame: bytearray) -> bool:
        """A compressed message in one frame that came in pieces."""
        self._collected = None
        length = frame[1] - 128
        start = 6 if length < _SMALL else 8 if length == _SMALL else 14
        self._sent = 0
        return self._read_whole(frame[0], unmask(bytes(frame[start - 4 : start]), bytes(frame[start:])))

    def _make_on(self) -> bool:
        """Go on with a message that becomes large. True: stop, because it is not whole yet, or the listener said so."""
        assert self._inflater is not None
        payload = self._inflater.more()
        if payload is None:
            return True
        first, self._making = self._making, 0
        return self._deliver_whole(first, payload)

    def _deliver_whole(self, first: int, payload: bytes) -> bool:
        if first & 0x0F == BINARY & 0x0F:
            return self._deliver({"type": "websocket.receive", "bytes": payload}, len(payload))
        return self._deliver({"type": "websocket.receive", "text": _decode(payload)}, len(payload))

    def _feed_engine(self, data: bytes, position: int) -> tuple[int, bool]:
        """Give the engine what has come of the frame that it reads."""
        end = min(position + self._owed, len(data))
        self._owed -= end - position
        collected = self._collected
        if collected is not None:
            collected += data[position:end]
            return end, not self._owed and self._read_collected(collected)
        stop = False
        for piece in self._wsproto().receive_data(data[position:end]):
            stop = self._take(piece)
        return end, stop

    def _wsproto(self) -> WsprotoEngine:
        """Made when it is needed: most clients never send a fragment."""
        engine = self._engine
        if engine is None:
            engine = self._engine = WsprotoEngine(self._inflater)
        return engine

    def _take(self, piece: Piece) -> bool:
        """Put a piece to those that came before it; hand the message on when it is whole."""
        content = piece.content
        self._in_message = not piece.last
        if isinstance(content, str):
            if piece.last and self._text is None:
                return self._hand_on({"type": "websocket.receive", "text": content}, len(content))
            if self._text is None:
                self._text = bytearray()
            self._text += content.encode()
        else:
            if self._binary is None:
                self._binary = bytearray()
            self._binary += content
        if not piece.last:
            return False
        if self._text is not None:
            text, self._text = self._text.decode(), None
            return self._hand_on({"type": "websocket.receive", "text": text}, len(text))
        whole, self._binary = bytes(self._binary or b""), None
        return self._hand_on({"type": "websocket.receive", "bytes": whole}, len(whole))

    def _hand_on(self, message: dict[str, Any], size: int) -> bool:
        self._sent = self._empty = 0
        return self._deliver(message, size)


def _decode(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise InvalidPayload("a text message is not UTF-8") from None
