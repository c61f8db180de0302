"""One turn of a loop, as somebody in another thread watches it."""

from __future__ import annotations

__all__ = ["WatchedTurn"]


class WatchedTurn:
    """When a turn began and ended, by ``time.monotonic()``. 0 is not yet.

    Made by who watches, who only reads it from then on; the loop's thread writes each of the two once. A turn that was
    under way when it was asked for has no beginning: it began at some time before ``asked``.
    """

    __slots__ = ("asked", "began", "ended")

    def __init__(self, asked: float) -> None:
        self.asked = asked
        self.began = 0.0
        self.ended = 0.0
