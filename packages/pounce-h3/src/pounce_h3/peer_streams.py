"""The streams on which only the client sends: each says first what it is (RFC 9114, 6.2; RFC 9204, 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pounce_h3.control_stream import ControlStream, ControlUser
from pounce_h3.decoder_instructions import DecoderInstructions
from pounce_h3.errors import H3_CLOSED_CRITICAL_STREAM, H3_STREAM_CREATION_ERROR, ConnectionFault
from pounce_h3.varint import maybe_varint

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_h3.quic import Quic

__all__ = ["CONTROL", "QPACK_DECODER", "QPACK_ENCODER", "PeerStreams", "PeerStreamsUser"]

CONTROL: Final = 0x00
PUSH: Final = 0x01
QPACK_ENCODER: Final = 0x02
QPACK_DECODER: Final = 0x03
STREAM_COST: Final = 10
"""Chores that a stream of an unknown type costs its client."""
INSTRUCTION_BYTES: Final = 64
"""Of the encoder's instructions that are one chore."""


class PeerStreamsUser(ControlUser, Protocol):
    """Who is told besides."""

    def fields_instructed(self, data: bytes) -> None:
        """Bytes of the client's encoder of fields. What there is no time for is its own concern."""


class PeerStreams:
    """Sorts them, and reads what is known. Raises ConnectionFault."""

    def __init__(self, user: PeerStreamsUser) -> None:
        self._user = user
        self._kinds: dict[int, int] = {}
        """The critical streams that were opened, by their ids."""
        self._begun: dict[int, bytes] = {}
        """Streams that have not said yet what they are, and what they said."""
        self._control = ControlStream(user)
        self._readers: dict[int, Callable[[bytes], bool]] = {
            CONTROL: self._control.receive_data,
            QPACK_ENCODER: self._instructed,
            QPACK_DECODER: DecoderInstructions().receive_data,
        }

    @property
    def settings(self) -> dict[int, int] | None:
        """What the client has said of itself; None before it has."""
        return self._control.settings

    def receive_data(self, quic: Quic, stream_id: int, data: bytes, ended: bool) -> bool:
        """Bytes of a stream. True when there was no time to look at all of them: call ``read_on()``."""
        if data:
            quic.credit(stream_id, len(data))
        kind = self._kinds.get(stream_id)
        if kind is None:
            data = self._begun.pop(stream_id, b"") + data
            read = maybe_varint(data, 0)
            if read is None:
                if not ended:
                    self._begun[stream_id] = data
                return False  # one that ends before it says what it is, is nothing (RFC 9114, 6.2)
            kind = read[0]
            data = data[read[1] :]
            if not self._open(quic, stream_id, kind, ended):
                return False
        more = bool(data) and self._readers[kind](data)
        if ended:
            self._closed(kind)
        return more

    def read_on(self) -> bool:
        """Go on with the control stream: of no other there is ever more."""
        return self._control.receive_data(b"")

    def reset(self, stream_id: int) -> None:
        """The client gave a stream up."""
        self._begun.pop(stream_id, None)
        kind = self._kinds.get(stream_id)
        if kind is not None:
            self._closed(kind)

    def _open(self, quic: Quic, stream_id: int, kind: int, ended: bool) -> bool:
        """Whether it is one that is read."""
        if kind == PUSH:
            raise ConnectionFault("a push stream from a client", H3_STREAM_CREATION_ERROR)
        if kind not in self._readers:
            self._user.chore(STREAM_COST)
            if not ended:
                quic.stop(stream_id, H3_STREAM_CREATION_ERROR)
            return False
        if kind in self._kinds.values():
            raise ConnectionFault(f"a second stream of type {kind:#x}", H3_STREAM_CREATION_ERROR)
        self._kinds[stream_id] = kind
        return True

    def _closed(self, kind: int) -> None:
        raise ConnectionFault(f"the stream of type {kind:#x} was closed", H3_CLOSED_CRITICAL_STREAM)

    def _instructed(self, data: bytes) -> bool:
        self._user.chore(1 + len(data) // INSTRUCTION_BYTES)
        self._user.fields_instructed(data)
        return False
