"""The thread that writes: it gathers what the workers' buffers hold, and writes it in one piece.

A request only puts its line into the buffer of its worker, so a blocked or full output never blocks a request: the
buffer is bounded, what does not fit is dropped, counted, and said.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from .line_buffer import CAPACITY, LineBuffer, SharedLineBuffer
from .outputs import LinesLost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .outputs import LogOutput

__all__ = ["FLUSH_LIMIT", "FLUSH_TIMEOUT", "LogWriter"]

INTERVAL: Final = 0.05
"""Seconds over which lines are gathered: at most 20 wake-ups a second, and a person does not see the delay."""

FLUSH_TIMEOUT: Final = 2.0
"""Seconds without a line written at the end; an output that is blocked for longer loses what is left, not the exit. The
lines of a full buffer may take longer, on a busy machine above all."""

FLUSH_LIMIT: Final = 10.0
"""Seconds in all for the last lines, of an output that takes some now and then."""

SAID_AGAIN: Final = 60.0
"""Seconds between two messages about an output that fails again and again."""

_server_log = logging.getLogger("pounce.server")


class LogWriter:
    """Buffers, the writer thread and its output. What is not said to be another's belongs to the writer thread."""

    def __init__(self, output: LogOutput, *, capacity: int = CAPACITY, interval: float = INTERVAL) -> None:
        self._output = output
        self._capacity = capacity
        self._interval = interval
        self._lock = threading.Lock()  # guards the next two
        self._buffers: tuple[LineBuffer, ...] = ()
        self._dropped_by_ended = 0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._reopening = threading.Event()
        self._reported = 0
        self._lost = 0
        self._pieces = 0
        """Pieces that the output took: whoever waits for the end looks whether it still takes some."""
        self._failing_since: float | None = None
        self._said = float("-inf")
        self.written = 0
        """Lines that the output took. Anybody may read it."""
        # A daemon: a blocked output must not hold the exit.
        self._thread = threading.Thread(target=self._run, name="pounce-access-log", daemon=True)

    def buffer(self, *, shared: bool = False) -> LineBuffer:
        """A buffer for one more worker; ``shared`` if several of its threads add to it. In the worker's thread, with
        whose end it is forgotten.
        """
        buffer = (SharedLineBuffer if shared else LineBuffer)(self._wake.set, self._capacity)
        with self._lock:
            ended = [one for one in self._buffers if one.ended]
            self._dropped_by_ended += sum(one.dropped for one in ended)
            self._buffers = (*(one for one in self._buffers if one not in ended), buffer)
        return buffer

    @property
    def dropped(self) -> int:
        """Lines that were not written: no room in a buffer, or the output failed. Anybody may ask."""
        with self._lock:
            return self._lost + self._dropped_by_ended + sum(buffer.dropped for buffer in self._buffers)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def reopen(self) -> None:
        """Have a file opened anew before the next line is written. From any thread, but not from a signal handler,
        which may have interrupted one that holds the lock of an event.
        """
        self._reopening.set()
        self._wake.set()

    def stop(self, timeout: float = FLUSH_TIMEOUT, limit: float = FLUSH_LIMIT) -> bool:
        """Write what waits and end; False when the output took nothing for ``timeout`` seconds, or took too little for
        ``limit`` in all.

        Called after the last worker has ended, so nothing is added any more.
        """
        self._stopping.set()
        self._wake.set()
        end = time.monotonic() + limit
        pieces = -1
        while self._thread.is_alive() and self._pieces != pieces and time.monotonic() < end:
            pieces = self._pieces
            self._thread.join(timeout)
        if not self._thread.is_alive():
            return True
        _server_log.warning("access log: the output is blocked, so the last lines are lost")
        return False

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            if not self._reopening.is_set():
                self._stopping.wait(self._interval)
            self._wake.clear()
            self._drain()
        self._drain()

    def _drain(self) -> None:
        if self._reopening.is_set():
            self._reopening.clear()
            self._reopen()
        # In turn, so that one busy worker cannot make the buffers of the others overflow.
        while gathered := [lines for buffer in self._buffers if (lines := buffer.take())]:
            for lines in gathered:
                self._write(lines)
        self._report()

    def _reopen(self) -> None:
        try:
            self._output.reopen()
        except OSError as error:
            _server_log.error("access log: the file cannot be opened anew, so the old one stays in use: %s", error)

    def _write(self, lines: Sequence[str]) -> None:
        lost = len(lines)
        try:
            self._output.write(lines)
        except LinesLost as error:
            lost = error.lost
            self._failed(error.__cause__)
        except Exception as error:  # noqa: BLE001 - a broken output, of whatever kind, must not end the log
            self._failed(error)
        else:
            lost = 0
            self._pieces += 1
            self._failing_since = None
        self._lost += lost
        self.written += len(lines) - lost

    def _failed(self, error: BaseException | None) -> None:
        """Say so, when it begins, and at most once a minute if it comes and goes."""
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
            if now - self._said > SAID_AGAIN:
                self._said = now
                _server_log.error("access log: lines cannot be written and are dropped: %s", error)

    def _report(self) -> None:
        """Say how many were dropped, once the output takes lines again."""
        dropped = self.dropped
        if dropped > self._reported and (self._failing_since is None or self._stopping.is_set()):
            _server_log.warning(
                "access log: %d lines dropped, because the output did not take them", dropped - self._reported
            )
            self._reported = dropped
