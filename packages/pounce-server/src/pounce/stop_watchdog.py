"""The last resort of a stop: a loop that is blocked cannot hear it.

A handler that computes or sleeps in the event loop's own thread holds up everything, the stop included. Where that is
the main thread, the process would not end either. Who asked for the stop has been promised an end: when the supervisor
gives up the worker, so does the process, and a thread of its own waits for the case that not even that happens.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from typing import Final

from pounce_observability.logging_setup import flush_logs

__all__ = ["StopWatchdog"]

EXIT_BLOCKED: Final = 1
SLACK: Final = 8.0
"""Seconds beyond what a stop may take by its settings, before it counts as not heard: longer than the supervisor gives
a worker, and the kernel a process that is killed."""

_log = logging.getLogger("pounce.server")


class StopWatchdog:
    """Ends the process when the thread that serves does not stop in time. ``done`` calls it off."""

    def __init__(self, *, graceful: float, shutdown: float) -> None:
        """``graceful``: seconds for requests in flight; ``shutdown``: seconds for the application's own shutdown."""
        self._graceful = graceful
        self._shutdown = shutdown
        self._done = threading.Event()
        self._requests = 0

    def stop_requested(self) -> None:
        """A stop was asked for in this thread, the one that serves: the first waits for requests, the second does not.

        May be called from a signal handler.
        """
        self._requests += 1
        limit = self._shutdown + SLACK + (self._graceful if self._requests == 1 else 0.0)
        served_by = threading.get_ident()
        threading.Thread(target=self._watch, args=(limit, served_by), name="pounce-stop-watchdog", daemon=True).start()

    def left_behind(self) -> None:
        """All that serves has ended or was given up, with its stack in the log, and the main thread does not return."""
        if not self._done.is_set():
            self._leave()

    def done(self) -> None:
        """It has stopped."""
        self._done.set()

    def _watch(self, limit: float, served_by: int) -> None:
        if self._done.wait(limit):
            return
        frame = sys._current_frames().get(served_by)
        stack = "".join(traceback.format_stack(frame)).rstrip() if frame is not None else "  (no stack)"
        _log.error("the event loop did not stop within %g seconds and is left behind, blocked here:\n%s", limit, stack)
        self._leave()

    def _leave(self) -> None:
        flush_logs()
        os._exit(EXIT_BLOCKED)
