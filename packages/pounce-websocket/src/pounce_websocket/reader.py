"""A client's bytes become messages and control frames. Hot path.

A frame that is a whole message and lies in what was just read, the usual one, is read here; so are valid control
frames, all of compressed messages, and fragments that have come whole, of which wsproto judges order and text.
Everything else (frames that come in several reads, whatever is not valid) goes to wsproto, frame by frame. Limits are
applied here, from the head of a frame on, before its payload has come; so is the limit of what one client may have done
in one turn: a large message is made in several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from pounce_websocket.errors import EmptyFragments, MessageTooBig, ProtocolViolation
from pounce_websocket.frames import BINARY, CLOSE, COMPRESSED, PING, PONG, TEXT, parse_close, unmask
from pounce_websocket.making import TURN_BYTES, Making, as_text
from pounce_websocket.pile import Pile
from pounce_websocket.wsproto_engine import WsprotoEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_websocket.deflate import Inflater
    from pounce_websocket.wsproto_engine import Piece

__all__ = ["FrameListener", "FrameReader"]

_TEXT_OPCODE: Final = TEXT & 0x0F
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
_FRAME_BYTES: Final = TURN_BYTES // _FRAMES_PER_TURN
"""Bytes of a message that are made in the time of such a frame."""
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
        "_compressed",
        "_deliver",
        "_empty",
        "_engine",
        "_in_message",
        "_inflater",
        "_last",
        "_left",
        "_listener",
        "_making",
        "_mask",
        "_max_size",
        "_offset",
        "_owed",
        "_pile",
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
        """Bytes of the frame that the engine reads, or that goes to the pile, which have not come yet."""
        self._mask = b""
        """What the next of them are masked with, where they go to the pile."""
        self._last = False
        """That frame is the last of its message."""
        self._in_message = False
        """Some of a message's frames have come, and the last of them has not."""
        self._sent = 0
        """Payload bytes of those frames, as they were sent."""
        self._empty = 0
        """Those of them without a payload, the last not counted."""
        self._text = self._compressed = False
        """What kind of message they are of."""
        # What came of it. A text is kept as UTF-8: one letter beyond the first plane would make four bytes of each.
        self._pile: Pile | None = None
        self._making: Making | None = None
        """A message that is made in turns."""
        self._left = 0
        """Frames that may be read in this turn."""
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
        """Nothing more is read: hold nothing of what came, nor who listens, for they would keep each other until the
        garbage collector comes.
        """
        self.closed = True
        self._rest = b""
        self._making = self._pile = None
        self._inflater = self._engine = None
        self._listener = self._deliver = cast("Any", None)

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
        self._left = _FRAMES_PER_TURN
        if self._making is not None and self._make_on(self._making):
            self._rest, self._offset = data, position
            return True
        if self._owed:
            position, stop = self._take_owed(data, position)
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
                        stop = deliver({"type": "websocket.receive", "text": as_text(payload)}, length)
                    continue
            before = position
            position, stop = self._read_other(data, position, first, length)
            if position == before:
                break
            self._left -= 1
            if self._left <= 0 and position < size and not stop:
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
        if not shortest or first not in self._readable:
            self._owed = end - position
            return self._take_owed(data, position)
        if first & COMPRESSED or (self._compressed and self._in_message):
            return self._read_compressed(data, start, end, first)
        if end > len(data):
            self._owed = end - position
            return self._take_owed(data, position)
        payload = unmask(data[start - 4 : start], data[start:end])
        if first in _PLAIN_MESSAGES and not self._in_message:
            self._sent = 0
            return end, self._deliver_whole(first == TEXT, payload)
        return end, self._take(self._wsproto().receive_frame(first, payload))

    def _read_compressed(self, data: bytes, start: int, end: int, first: int) -> tuple[int, bool]:
        """A frame of a compressed message, whose payload begins at ``start``."""
        if first & 0x0F:
            self._text = first & 0x0F == _TEXT_OPCODE
        mask = data[start - 4 : start]
        if first & _FINAL and first & COMPRESSED and end <= len(data) and end - start <= TURN_BYTES:
            self._sent = 0
            return end, self._decompress(unmask(mask, data[start:end]))
        self._in_message = self._compressed = True
        self._last = first & _FINAL != 0
        self._mask = mask
        self._owed = end - start
        if not self._owed:
            return start, self._last and self._whole_message()
        return self._take_owed(data, start)

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

    def _take_owed(self, data: bytes, position: int) -> tuple[int, bool]:
        """Give the pile, or the engine, what has come of the frame that it gets."""
        end = min(position + self._owed, len(data))
        self._owed -= end - position
        mask = self._mask
        if mask:
            self._put_by(unmask(mask, data[position:end]))
            if self._owed:
                turned = (end - position) % 4
                self._mask = mask[turned:] + mask[:turned]
                return end, False
            self._mask = b""
            return end, self._last and self._whole_message()
        stop = False
        for piece in self._wsproto().receive_data(data[position:end]):
            stop = self._take(piece)
        return end, stop

    def _put_by(self, data: bytes) -> None:
        pile = self._pile
        if pile is None:
            pile = self._pile = Pile()
        pile.add(data)

    def _whole_message(self) -> bool:
        """All of a message has come that came in several pieces. True: stop."""
        self._sent = self._empty = 0
        self._in_message = False
        self._mask = b""
        pile, self._pile = self._pile or Pile(), None
        compressed, self._compressed = self._compressed, False
        if pile.size > _FRAME_BYTES:
            return self._make_on(Making(pile, self._inflater if compressed else None, text=self._text))
        whole = pile.take_all()
        return self._decompress(whole) if compressed else self._deliver_whole(self._text, whole)

    def _decompress(self, payload: bytes) -> bool:
        """A compressed message, all of which has come. True: stop."""
        inflater = self._inflater
        assert inflater is not None
        content = inflater.begin(payload, TURN_BYTES)
        if not inflater.under_way:
            self._left -= len(content) // _FRAME_BYTES
            return self._deliver_whole(self._text, content)
        making = self._making = Making(Pile(), inflater, text=self._text)
        making.add(content)
        self.turn_over = True
        return True

    def _make_on(self, making: Making) -> bool:
        """Go on with a large message. True: stop, because it is not whole yet, or the listener said so."""
        if not making.go_on():
            self._making = making
            self.turn_over = True
            return True
        self._making = None
        self._left -= making.made // _FRAME_BYTES
        content = making.content()
        kind = "text" if self._text else "bytes"
        return self._deliver({"type": "websocket.receive", kind: content}, len(content))

    def _deliver_whole(self, text: bool, payload: bytes) -> bool:
        if text:
            return self._deliver({"type": "websocket.receive", "text": as_text(payload)}, len(payload))
        return self._deliver({"type": "websocket.receive", "bytes": payload}, len(payload))

    def _wsproto(self) -> WsprotoEngine:
        """Made when it is needed: most clients never send a fragment."""
        engine = self._engine
        if engine is None:
            engine = self._engine = WsprotoEngine()
        return engine

    def _take(self, piece: Piece) -> bool:
        """Put a piece to those that came before it; hand the message on when it is whole."""
        content, self._in_message = piece.content, not piece.last
        self._text = isinstance(content, str)
        if piece.last and self._pile is None:
            self._sent = self._empty = 0
            kind = "text" if self._text else "bytes"
            return self._deliver({"type": "websocket.receive", kind: content}, len(content))
        self._put_by(content.encode() if isinstance(content, str) else content)
        return piece.last and self._whole_message()
