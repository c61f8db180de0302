"""Threads that would hold the exit of the interpreter, such as a handler in ``time.sleep(600)``.

The interpreter joins every thread that is not a daemon before it ends, for as long as that takes. A stopped server must
be gone, so what is still blocked is shown with its stack and left behind.
"""

from __future__ import annotations

import concurrent.futures.thread
import logging
import os
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Final, NoReturn

from pounce_observability.logging_setup import flush_logs

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["blocking_threads", "leave", "report_blocking_threads"]

GRACE: Final = 0.25
"""Seconds in which threads that are about to end may do so."""

_log = logging.getLogger("pounce.server")


def leave(code: int) -> NoReturn:
    """End the process with this exit code, whatever its threads do."""
    if report_blocking_threads():
        flush_logs()
        os._exit(code)
    flush_logs()
    sys.exit(code)


def report_blocking_threads(grace: float = GRACE) -> bool:
    """Log the stack of each thread that would hold the exit, and say whether there was one."""
    blocking = blocking_threads(grace)
    frames = sys._current_frames()
    for thread in blocking:
        _log.warning("the thread %r is still running and is left behind:\n%s", thread.name, _stack(frames, thread))
    return bool(blocking)


def blocking_threads(grace: float = GRACE) -> list[threading.Thread]:
    """The threads that would hold the exit and do not end within ``grace`` seconds."""
    deadline = time.monotonic() + grace
    for thread in _candidates():
        thread.join(max(0.0, deadline - time.monotonic()))
    return _candidates()


def _candidates() -> list[threading.Thread]:
    frames = sys._current_frames()
    spared = (threading.main_thread(), threading.current_thread())
    return [
        thread
        for thread in threading.enumerate()
        if not thread.daemon and thread not in spared and not _is_idle(frames.get(thread.ident or 0))
    ]


def _is_idle(frame: FrameType | None) -> bool:
    """Whether a thread of an executor waits for work: the interpreter wakes it at exit, so it holds nothing."""
    if frame is None:
        return False
    code = frame.f_code
    return code.co_name == "_worker" and code.co_filename == concurrent.futures.thread.__file__


def _stack(frames: dict[int, FrameType], thread: threading.Thread) -> str:
    frame = frames.get(thread.ident or 0)
    return "".join(traceback.format_stack(frame)).rstrip() if frame is not None else "  (it has just ended)"
