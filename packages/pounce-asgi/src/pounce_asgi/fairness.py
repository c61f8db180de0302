"""How much one connection may do before others have their turn.

A client decides how much work it sends at once, and thousands of small requests, chunks or frames fit into one read.
So a wire does as much of it as fits into `TURN_SECONDS` and leaves the rest behind everybody who has something new.
A worker reads as many datagrams in a row as fit into `QUIC_TURN_SECONDS`, and a connection of HTTP/3 that has more to
do hears of the rest later; both make way earlier when others wait who are quick, where the loop knows that. What cannot
be divided, such as a handshake or one head, takes its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context

__all__ = ["MOST_PIECES", "PIECE_COST", "QUIC_TURN_SECONDS", "SENDING_TURN", "TURN_SECONDS", "call_behind"]

TURN_SECONDS: Final = 0.00025
"""Seconds after which a connection that has more to do makes way: several small requests, and little beside what the
network takes."""
QUIC_TURN_SECONDS: Final = 4 * TURN_SECONDS
"""The same over QUIC, where a datagram may hold ten requests, and packets are encrypted and sent for many of them at
once: with shorter turns a request costs a fifth more. They are shorter only while others wait who are quick."""

SENDING_TURN: Final = 1_048_576
"""Bytes of one answer that an application may send in a row. To make way costs more here than
elsewhere, because the application has to be called again: answers of usual sizes never do."""
PIECE_COST: Final = 8192
"""A piece counts for so many bytes more, which can be copied in the time of a system call."""
MOST_PIECES: Final = SENDING_TURN // PIECE_COST
"""Frames of a multiplexed connection that may be sent in a row, however small they are."""


def call_behind(loop: asyncio.AbstractEventLoop, callback: Callable[[], object], context: Context) -> None:
    """Call it when all who have something new have had their turn.

    A worker's own loop knows that order (``call_behind``); any other calls it in its next turn.
    """
    getattr(loop, "call_behind", loop.call_soon)(callback, context=context)
