"""What a `TestProxy` does to the bytes of a connection, besides handing them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Direction", "Fault"]

Direction = Literal["both", "to_server", "to_client"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a connection. Everything may be combined; bytes are counted for each direction."""

    direction: Direction = "both"
    """Which bytes it is about."""
    delay: float = 0.0
    """Seconds that every piece is late."""
    split: int | None = None
    """Most bytes in a piece; each is sent by itself."""
    throttle: float | None = None
    """Bytes per second."""
    cut_after: int | None = None
    """After so many bytes both sides are closed, as if there were nothing more to say."""
    reset_after: int | None = None
    """After so many bytes both sides are reset."""
    refuse: bool = False
    """The connection is reset as soon as it is accepted; no server hears of it."""

    def __post_init__(self) -> None:
        for name in ("delay", "cut_after", "reset_after"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} is not negative: {value}")
        for name in ("split", "throttle"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} is more than 0: {value}")

    def concerns(self, direction: Direction) -> bool:
        """Whether bytes in this direction suffer from it."""
        return self.direction in ("both", direction)

    @property
    def end(self) -> int | None:
        """After so many bytes it is over."""
        return min((one for one in (self.cut_after, self.reset_after) if one is not None), default=None)

    @property
    def resets(self) -> bool:
        """The end is a reset."""
        return self.reset_after is not None and self.end == self.reset_after


NONE = Fault()
"""Bytes are handed on as they come."""
