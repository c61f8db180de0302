"""Processor time of another thread: whether it worked while nobody could look."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["thread_time"]


def thread_time(thread_id: int) -> float | None:
    """Seconds of a processor that a thread which is alive has used. Where the system does not tell, None."""
    if _clock_of is None:
        return None
    try:
        return time.clock_gettime(_clock_of(thread_id))
    except OSError:
        return None  # it has just ended


# Not on macOS, nor on Windows.
_clock_of: Callable[[int], int] | None = getattr(time, "pthread_getcpuclockid", None)
