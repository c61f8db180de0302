"""Which threads only wait for work: to a profile of where time goes they are noise.

A thread that waits for a database or a lock does not count as idle: its time is what one looks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .stack_readers import Frame

__all__ = ["ROOTS", "is_idle"]

_WAITS: Final = frozenset(
    {
        ("selectors.py", "select"),
        ("selector.py", "select"),
        ("timed_selector.py", "select"),
        ("readiness.py", "poll"),
        ("kqueue_readiness.py", "poll"),
        ("one_shot.py", "wait"),
        ("parking.py", "turn"),
        ("descriptor_wait.py", "wait_readable"),
        ("connection.py", "wait"),  # of multiprocessing: several pipes at once
        ("connection.py", "_recv"),
        ("connection.py", "_poll"),
        ("socket.py", "accept"),
        ("thread.py", "_worker"),  # of concurrent.futures, within a queue that is written in C
        ("thread_crews.py", "serve_here"),  # main threads of servers
        ("life.py", "_next"),
        ("runners.py", "run"),
        ("base_events.py", "run_forever"),
        ("__init__.py", "run"),  # of uvloop
    }
)
"""Files and functions in which a thread stands that waits for the system or for a job."""

_QUEUES: Final = frozenset(
    {
        ("threading.py", "wait"),
        ("threading.py", "wait_for"),
        ("threading.py", "_wait_for_tstate_lock"),
        ("queue.py", "get"),
    }
)
"""Ways of waiting for another thread. Whether that is idleness, what called them tells."""

ROOTS: Final = 8
"""Frames from the root of a thread to the loop in which it waits for its next job, at most; a handler of requests that
waits for another thread stands far above that."""


def is_idle(stack: Sequence[Frame]) -> bool:
    """Whether the thread with this stack, innermost frame first, waits for something to do."""
    index = 0
    while index < len(stack) and _place(stack[index]) in _QUEUES:
        index += 1
    if index == len(stack):
        return bool(stack)
    if _place(stack[index]) in _WAITS:
        return True
    return index > 0 and len(stack) - index <= ROOTS


def _place(frame: Frame) -> tuple[str, str]:
    return frame.file.replace("\\", "/").rpartition("/")[2], frame.function.rpartition(".")[2]
