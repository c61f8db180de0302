"""The control stream of a client (RFC 9114, 6.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pounce_h3.errors import (
    H3_FRAME_ERROR,
    H3_FRAME_UNEXPECTED,
    H3_ID_ERROR,
    H3_MISSING_SETTINGS,
    ConnectionFault,
    Flood,
)
from pounce_h3.frame_reader import PASSED, TOO_LARGE, FrameReader
from pounce_h3.frames import (
    CANCEL_PUSH,
    CONTROL_FRAMES,
    GOAWAY,
    MAX_PUSH_ID,
    PRIORITY_UPDATE_PUSH,
    PRIORITY_UPDATE_REQUEST,
    SETTINGS,
)
from pounce_h3.settings_frame import read_settings
from pounce_h3.varint import LARGEST, maybe_varint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ControlStream", "ControlUser"]

FRAME_BYTES: Final = 16_384
"""Of one frame. Settings that anybody knows are a few dozen bytes."""


class ControlUser(Protocol):
    """Who is told what a client says of its connection."""

    def priority_updated(self, stream_id: int, value: bytes) -> None:
        """PRIORITY_UPDATE (RFC 9218, 7.2)."""

    def goaway_received(self) -> None:
        """The client is about to leave."""

    def chore(self, cost: int) -> None:
        """A frame that moves no request forward. Raises when there were too many."""

    def turn_over(self) -> bool:
        """Others are to have their turn."""


class ControlStream:
    """Reads it, and holds the client to its rules. Raises ConnectionFault."""

    def __init__(self, user: ControlUser) -> None:
        self._user = user
        self._reader = FrameReader(CONTROL_FRAMES, FRAME_BYTES)
        self.settings: dict[int, int] | None = None
        """What the client has said of itself."""
        self._last_goaway = LARGEST
        self._max_push_id = -1
        self._handlers: Mapping[int, Callable[[bytes], None]] = {
            SETTINGS: self._on_settings,
            GOAWAY: self._on_goaway,
            MAX_PUSH_ID: self._on_max_push_id,
            CANCEL_PUSH: self._on_cancel_push,
            PRIORITY_UPDATE_REQUEST: self._on_priority_update,
            PRIORITY_UPDATE_PUSH: self._on_cancel_push,
        }

    def receive_data(self, data: bytes) -> bool:
        """Bytes of the stream, perhaps none. True when there was no time to look at all of them: call it again."""
        self._reader.receive_data(data)
        while (frame := self._reader.next_frame()) is not None:
            kind, payload = frame
            if self.settings is None and kind != SETTINGS:
                raise ConnectionFault("the first frame of a control stream is SETTINGS", H3_MISSING_SETTINGS)
            if kind == TOO_LARGE:
                raise Flood(f"a frame of more than {FRAME_BYTES} bytes on the control stream", kind="control_frame")
            self._user.chore(1)
            if kind != PASSED:
                self._handlers[kind](payload)
            if self._reader.kept and self._user.turn_over():
                return True
        return False

    def _on_settings(self, payload: bytes) -> None:
        if self.settings is not None:
            raise ConnectionFault("SETTINGS came twice", H3_FRAME_UNEXPECTED)
        self.settings = read_settings(payload)

    def _on_goaway(self, payload: bytes) -> None:
        push_id = _only_id(payload)
        if push_id > self._last_goaway:
            raise ConnectionFault("the id in GOAWAY has grown", H3_ID_ERROR)
        self._last_goaway = push_id
        self._user.goaway_received()

    def _on_max_push_id(self, payload: bytes) -> None:
        push_id = _only_id(payload)
        if push_id < self._max_push_id:
            raise ConnectionFault("MAX_PUSH_ID has become less", H3_ID_ERROR)
        self._max_push_id = push_id

    def _on_cancel_push(self, payload: bytes) -> None:
        """Of a push, or its priority: nothing was promised, so there is none with any id."""
        if maybe_varint(payload, 0) is None:
            raise ConnectionFault("a frame without its id", H3_FRAME_ERROR)
        raise ConnectionFault("there is no push with this id", H3_ID_ERROR)

    def _on_priority_update(self, payload: bytes) -> None:
        read = maybe_varint(payload, 0)
        if read is None:
            raise ConnectionFault("PRIORITY_UPDATE without an id", H3_FRAME_ERROR)
        if read[0] % 4:
            raise ConnectionFault(f"stream {read[0]} carries no request", H3_ID_ERROR)
        self._user.priority_updated(read[0], payload[read[1] :])


def _only_id(payload: bytes) -> int:
    read = maybe_varint(payload, 0)
    if read is None or read[1] != len(payload):
        raise ConnectionFault("a frame that is not one id", H3_FRAME_ERROR)
    return read[0]
