"""Frames that wsproto looks at: those of plain messages in several of them. The only file that imports it. Hot path.

It is given the bytes of exactly one frame after the other, and gives the pieces of messages as soon as they come: text
is decoded piece by piece, so that what is not UTF-8 is noticed at its first wrong byte. A fragment that has come whole,
and is valid by itself, skips wsproto's reader of frames: that takes 30 microseconds and more for each, however small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wsproto.frame_protocol import CloseReason, Frame, FrameDecoder, MessageDecoder, Opcode, ParseFailed

from pounce_websocket.errors import ConversationFailed, InvalidPayload, ProtocolViolation

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Piece", "WsprotoEngine"]

_OPCODES: Final = (Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY)


class Piece(NamedTuple):
    """A piece of a message."""

    content: str | bytes
    last: bool
    """The message is complete with it."""


class WsprotoEngine:
    """Reads the frames of one client. It refuses what is not valid, but knows no limits."""

    __slots__ = ("_frames", "_messages")

    def __init__(self) -> None:
        self._frames = FrameDecoder(client=False, extensions=[])
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
            raise _translate(error) from error

    def receive_frame(self, first: int, payload: bytes) -> Piece:
        """The piece of a message in a data frame that has come whole. ``payload`` is unmasked.

        Of ``first``, its first byte, no more need be looked at than whether a frame of this kind may come now.

        Raises:
            ConversationFailed: it may not, or what it holds is not valid.
        """
        opcode, last = _OPCODES[first & 0x0F], first >= 0x80
        try:
            return self._piece(Frame(opcode, payload, True, last))
        except ParseFailed as error:
            raise _translate(error) from error

    def _piece(self, frame: Frame) -> Piece:
        frame = self._messages.process_frame(frame)
        assert not isinstance(frame.payload, tuple)
        return Piece(frame.payload, frame.message_finished)


def _translate(error: ParseFailed) -> ConversationFailed:
    if error.code is CloseReason.INVALID_FRAME_PAYLOAD_DATA:
        return InvalidPayload("a text message is not UTF-8")
    return ProtocolViolation(str(error))
