"""How the latest streams ended, which says what a late frame means for one (RFC 9113, 5.1)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from h2.stream import StreamClosedBy

__all__ = ["EndedStreams"]

REMEMBERED: Final = 256
"""Closed streams of which it is known how they ended. A frame that is still under way for an older one is ignored."""


class EndedStreams:
    """The latest of one connection."""

    __slots__ = ("_order", "how")

    def __init__(self) -> None:
        self._order: deque[int] = deque()
        self.how: dict[int, StreamClosedBy | None] = {}
        """By stream."""

    def remember(self, stream_id: int, how: StreamClosedBy | None) -> None:
        """It has ended, in this way."""
        self.how[stream_id] = how
        self._order.append(stream_id)
        if len(self._order) > REMEMBERED:
            self.how.pop(self._order.popleft(), None)
