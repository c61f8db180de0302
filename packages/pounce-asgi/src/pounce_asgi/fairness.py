"""How much one connection may do before others have their turn.

A client decides how much work it sends at once, and thousands of small requests, chunks or frames fit into one read.
So a wire does as much of it as fits into `TURN_SECONDS` and leaves the rest behind everybody who has something new.
What cannot be divided, such as a handshake or one head, takes its time; datagrams of HTTP/3 know no turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context

__all__ = ["PIECE_COST", "SENDING_TURN", "TURN_SECONDS", "call_behind"]

TURN_SECONDS: Final = 0.00025
"""Seconds after which a connection that has more to do makes way: several small requests, and little beside what the
network takes."""

SENDING_TURN: Final = 1_048_576
"""Bytes of one answer that an application may send in a row. To make way costs more here than
elsewhere, because the application has to be called again: answers of usual sizes never do."""
PIECE_COST: Final = 8192
"""A piece counts for so many bytes more, which can be copied in the time of a system call."""


def call_behind(loop: asyncio.AbstractEventLoop, callback: Callable[[], object], context: Context) -> None:
    """Call it when all who have something new have had their turn.

    A worker's own loop knows that order (``call_behind``); any other calls it in its next turn.
    """
    getattr(loop, "call_behind", loop.call_soon)(callback, context=context)
