"""Whether a client makes us send what congestion control does not hold back, and acknowledges none of it."""

from __future__ import annotations

from typing import Final

__all__ = ["FlightWatch"]

_BEYOND: Final = 256 * 1024
"""Bytes above twice the largest window. Nobody whose path is probed in good faith comes near; an answer to a
PATH_CHALLENGE has 36 bytes, so that some thousands of them are remembered, in two megabytes."""


class FlightWatch:
    """Of one connection.

    Answers to PATH_CHALLENGE frames (RFC 9000, 8.2.2) leave at once and are remembered until they are acknowledged.
    A hundred challenges fit into a packet, so without a bound it costs a client nothing to fill the memory.
    """

    __slots__ = ("_largest",)

    def __init__(self) -> None:
        self._largest = 0

    def flooded(self, in_flight: int, window: int) -> bool:
        """``in_flight`` are bytes that were sent and neither acknowledged nor lost, ``window`` the congestion window.
        What was in flight when a window shrank may be more than that, so the largest one counts.
        """
        if window > self._largest:
            self._largest = window
        return in_flight > 2 * self._largest + _BEYOND
