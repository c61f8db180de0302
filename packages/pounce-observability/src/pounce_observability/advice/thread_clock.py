"""Processor time of another thread: whether it worked while nobody could look."""

from __future__ import annotations

import sys
import threading
import time
from typing import Final

__all__ = ["thread_time"]

_CLOCK_OF_THREAD: Final = 6
"""How the number of a thread's clock ends (Linux, posix-timers: CPUCLOCK_SCHED, CPUCLOCK_PERTHREAD)."""


def thread_time(thread_id: int) -> float | None:
    """Seconds of a processor that a thread of Python's has used; None where it has ended or the system does not tell.

    By the kernel's number of the thread, which the kernel looks up. `time.pthread_getcpuclockid` would look into the
    memory of a thread that may have ended by then, and crash.
    """
    if sys.platform != "linux":
        return None
    native = next((one.native_id for one in threading.enumerate() if one.ident == thread_id), None)
    if native is None:
        return None
    try:
        return time.clock_gettime((~native << 3) | _CLOCK_OF_THREAD)
    except OSError:
        return None  # it has just ended
