"""Frames that wsproto looks at: all that are not a whole message. The only file that imports it. Hot path.

It is given the bytes of exactly one frame after the other, and gives the pieces of messages as soon as they come: text
is decoded piece by piece, so that what is not UTF-8 is noticed at its first wrong byte. A fragment that has come whole,
and is valid by itself, skips wsproto's reader of frames: that takes 30 microseconds and more for each, however small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wsproto.extensions import Extension
from wsproto.frame_protocol import (
    CloseReason,
    Frame,
    FrameDecoder,
    FrameProtocol,
    MessageDecoder,
    Opcode,
    ParseFailed,
    RsvBits,
)

from pounce_websocket.errors import ConversationFailed, InvalidPayload, ProtocolViolation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_websocket.deflate import Inflater

__all__ = ["Piece", "WsprotoEngine"]

_NO_BITS: Final = RsvBits(False, False, False)
_FIRST_BIT: Final = RsvBits(True, False, False)
_OPCODES: Final = (Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY)


class Piece(NamedTuple):
    """A piece of a message."""

    content: str | bytes
    last: bool
    """The message is complete with it."""


class WsprotoEngine:
    """Reads the frames of one client. It refuses what is not valid, but knows no limits."""

    __slots__ = ("_deflate", "_frames", "_messages")

    def __init__(self, inflater: Inflater | None) -> None:
        """``inflater`` where compression was agreed on; others use it between the messages that are read here."""
        self._deflate = None if inflater is None else _BoundedDeflate(inflater)
        self._frames = FrameDecoder(client=False, extensions=[] if self._deflate is None else [self._deflate])
        self._messages = MessageDecoder()

    def receive_data(self, data: bytes) -> Iterator[Piece]:
        """The pieces of messages in bytes of one data frame.

        Raises:
            ConversationFailed: the frame is not valid, or may not come now.
        """
        self._frames.receive_bytes(data)
        try:
            # Control frames come here only when they are not valid, and then they raise.
            while (frame := self._frames.process_buffer()) is not None:
                yield self._piece(frame)
        except ParseFailed as error:
            raise self._translate(error) from error

    def receive_frame(self, first: int, payload: bytes) -> Piece:
        """The piece of a message in a data frame that has come whole. ``payload`` is unmasked.

        Of ``first``, its first byte, no more need be looked at than whether a frame of this kind may come now.

        Raises:
            ConversationFailed: it may not, or what it holds is not valid.
        """
        opcode, last = _OPCODES[first & 0x0F], first >= 0x80
        if self._deflate is not None:
            payload = self._deflate.whole_frame(opcode, payload, compressed=first & 0x40 != 0, last=last)
        try:
            return self._piece(Frame(opcode, payload, True, last))
        except ParseFailed as error:
            raise self._translate(error) from error

    def _piece(self, frame: Frame) -> Piece:
        frame = self._messages.process_frame(frame)
        assert not isinstance(frame.payload, tuple)
        return Piece(frame.payload, frame.message_finished)

    def _translate(self, error: ParseFailed) -> ConversationFailed:
        if self._deflate is not None and self._deflate.failure is not None:
            return self._deflate.failure
        if error.code is CloseReason.INVALID_FRAME_PAYLOAD_DATA:
            return InvalidPayload("a text message is not UTF-8")
        return ProtocolViolation(str(error))


class _BoundedDeflate(Extension):
    """permessage-deflate for wsproto, which has one without bounds of its own. It only receives."""

    name = "permessage-deflate"

    def __init__(self, inflater: Inflater) -> None:
        self._inflater = inflater
        self._compressed = False
        """The message under way is compressed; its first frame said so (RFC 7692, 6.2)."""
        self.failure: ConversationFailed | None = None

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool | str:
        return False

    def whole_frame(self, opcode: Opcode, payload: bytes, *, compressed: bool, last: bool) -> bytes:
        """What a frame holds that wsproto did not read. Raises `ConversationFailed`, as its caller does."""
        if opcode is not Opcode.CONTINUATION:
            self._compressed = compressed
        if not self._compressed:
            return payload
        payload = self._inflater.feed(payload)
        return payload + self._inflater.finish() if last else payload

    def frame_inbound_header(
        self,
        proto: FrameDecoder | FrameProtocol,  # noqa: ARG002 - wsproto's interface
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,  # noqa: ARG002
    ) -> CloseReason | RsvBits:
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._compressed = rsv.rsv1
            return _FIRST_BIT
        return _NO_BITS

    def frame_inbound_payload_data(
        self,
        proto: FrameDecoder | FrameProtocol,  # noqa: ARG002
        data: bytes,
    ) -> bytes | CloseReason:
        return self._guarded(data) if self._compressed else data

    def frame_inbound_complete(
        self,
        proto: FrameDecoder | FrameProtocol,  # noqa: ARG002
        fin: bool,
    ) -> bytes | CloseReason | None:
        return self._guarded(None) if fin and self._compressed else None

    def _guarded(self, data: bytes | None) -> bytes | CloseReason:
        """wsproto takes a code instead of an exception, so the exception waits until it is done."""
        try:
            return self._inflater.finish() if data is None else self._inflater.feed(data)
        except ConversationFailed as error:
            self.failure = error
            return CloseReason(error.code)
