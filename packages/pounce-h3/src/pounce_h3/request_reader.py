"""Where the bytes of one request have got to (RFC 9114, 4.1)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from pounce_h3.errors import H3_FRAME_UNEXPECTED, ConnectionFault
from pounce_h3.frame_reader import FrameReader
from pounce_h3.frames import DATA, HEADERS, REQUEST_FRAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RequestReader", "Stage"]


class Stage(enum.Enum):
    """What a request has had."""

    HEAD = "head"
    """Nothing yet."""
    BODY = "body"
    """Its head."""
    TRAILED = "trailed"
    """Its trailers: only frames of unknown types may follow."""


NEXT: Final[Mapping[tuple[Stage, int], Stage]] = {
    (Stage.HEAD, HEADERS): Stage.BODY,
    (Stage.BODY, DATA): Stage.BODY,
    (Stage.BODY, HEADERS): Stage.TRAILED,
}
"""What is not here is H3_FRAME_UNEXPECTED (RFC 9114, 4.1)."""


class RequestReader:
    """A request that has begun and not ended."""

    __slots__ = ("blocked", "credited", "deadline", "ended", "frames", "received", "stage")

    def __init__(self, bound: int, deadline: float) -> None:
        """``bound``: bytes of a block of fields; ``deadline``: when the head must be complete."""
        self.frames = FrameReader(REQUEST_FRAMES, bound)
        self.stage = Stage.HEAD
        self.received = 0
        """Bytes of the stream that have come."""
        self.credited = 0
        """How many of them are no more our concern: given back to the client, or handed on as body."""
        self.deadline = deadline
        self.blocked = False
        """Its fields wait for the dynamic table; what comes behind them waits as well."""
        self.ended = False
        """The client has sent all of it."""

    def step(self, kind: int) -> Stage:
        """A frame of this type has come: the stage before it.

        Raises:
            ConnectionFault: it may not come now.
        """
        before = self.stage
        after = NEXT.get((before, kind))
        if after is None:
            raise ConnectionFault(
                f"a frame of type {kind:#x} in the stage {before.value} of a request", H3_FRAME_UNEXPECTED
            )
        self.stage = after
        return before
