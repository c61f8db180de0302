"""Frames that are read by wsproto: all that are not small and whole. The only file that imports it.

It is given the bytes of exactly one frame after the other, and gives the pieces of messages as soon as they come: text
is decoded piece by piece, so that what is not UTF-8 is noticed at its first wrong byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, ParseFailed, RsvBits

from pounce_websocket.errors import ConversationFailed, InvalidPayload, ProtocolViolation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_websocket.deflate import Inflater

__all__ = ["Piece", "WsprotoEngine"]

_NO_BITS: Final = RsvBits(False, False, False)
_FIRST_BIT: Final = RsvBits(True, False, False)


class Piece(NamedTuple):
    """A piece of a message."""

    content: str | bytes
    last: bool
    """The message is complete with it."""


class WsprotoEngine:
    """Reads the frames of one client. It refuses what is not valid, but knows no limits."""

    __slots__ = ("_deflate", "_protocol")

    def __init__(self, inflater: Inflater | None) -> None:
        """``inflater`` where compression was agreed on; others use it between the messages that are read here."""
        self._deflate = None if inflater is None else _BoundedDeflate(inflater)
        self._protocol = FrameProtocol(client=False, extensions=[] if self._deflate is None else [self._deflate])

    def receive_data(self, data: bytes) -> Iterator[Piece]:
        """The pieces of messages in bytes of one data frame.

        Raises:
            ConversationFailed: the frame is not valid, or may not come now.
        """
        self._protocol.receive_bytes(data)
        try:
            for frame in self._protocol.received_frames():
                # Control frames come here only when they are not valid, and then they raise.
                assert not isinstance(frame.payload, tuple)
                yield Piece(frame.payload, frame.frame_finished and frame.message_finished)
        except ParseFailed as error:
            raise self._translate(error) from error

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
