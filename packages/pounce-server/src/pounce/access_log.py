"""The access log: one line for each request, in the Common Log Format with the duration added.

    127.0.0.1 - - [21/Nov/2026:13:09:33 +0000] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms

A request only puts its record into the buffer of its worker. A writer thread turns what has gathered into text and
writes it in one piece, so a blocked or full output never blocks a request: the buffer is bounded, what does not fit is
dropped, counted, and reported once the output moves again.

Who owns what: a ``RecordBuffer`` is appended to by one worker and emptied by the writer; both are single operations of
a deque, which is thread-safe with and without the GIL. Everything else belongs to the writer thread.
"""

from __future__ import annotations

import functools
import logging
import re
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from .logging_setup import access_output

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Sequence

    from pounce_asgi import ResponseCompleted

    from .config import ServerConfig
    from .log_output import LogOutput

__all__ = ["AccessLog", "RecordBuffer", "SharedRecordBuffer", "format_line", "opened_access_log"]

CAPACITY: Final = 32_768
"""Records that a worker may have waiting: a third of a second at 100,000 requests a second, about 16 MiB."""

INTERVAL: Final = 0.05
"""Seconds over which lines are gathered: at most 20 wake-ups a second, and a person does not see the delay."""

LOG_FLUSH_TIMEOUT: Final = 2.0
"""Seconds without a line written at the end; an output that is blocked for longer loses what is left, not the exit. The
lines of a full buffer may take longer, on a busy machine above all."""

LOG_FLUSH_LIMIT: Final = 10.0
"""Seconds in all for the last lines, of an output that takes some now and then."""

BATCH: Final = 1024
"""Records formatted and written in one piece, so that a full buffer does not double its memory as text."""

_server_log = logging.getLogger("pounce.server")

# What could forge a second line, hide text in a terminal or end the quotes. A method is a token and a path is visible
# ASCII over HTTP/1.1, but not every wire is so strict.
_UNSAFE: Final = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


class RecordBuffer:
    """The waiting records of one worker."""

    __slots__ = ("_capacity", "_records", "_wake", "dropped")

    def __init__(self, wake: Callable[[], object], capacity: int = CAPACITY) -> None:
        self._records: deque[ResponseCompleted] = deque()
        self._wake = wake
        self._capacity = capacity
        self.dropped = 0
        """Records that found the buffer full. Written by the worker's thread only."""

    def add(self, record: ResponseCompleted) -> None:
        """Keep a record: what a worker calls with each one. Never waits, never raises."""
        records = self._records
        records.append(record)
        # Asked after the append: the writer sleeps only once it has seen the buffer empty, so whatever is appended
        # after that finds itself alone and wakes it.
        waiting = len(records)
        if waiting == 1:
            self._wake()
        elif waiting > self._capacity:
            self._drop_newest()

    def take(self, limit: int = BATCH) -> list[ResponseCompleted]:
        """Remove and return the oldest records. Called by the writer only."""
        taken: list[ResponseCompleted] = []
        while len(taken) < limit:
            try:
                taken.append(self._records.popleft())
            except IndexError:
                break
        return taken

    def _drop_newest(self) -> None:
        try:
            self._records.pop()
        except IndexError:  # the writer emptied the buffer this very moment
            return
        self.dropped += 1


class SharedRecordBuffer(RecordBuffer):
    """The waiting records of a worker with several threads."""

    __slots__ = ()

    def add(self, record: ResponseCompleted) -> None:
        """Keep a record. Which thread found the buffer empty cannot be told from its length, so each one wakes."""
        self._records.append(record)
        self._wake()
        if len(self._records) > self._capacity:
            self._drop_newest()


class AccessLog:
    """Buffers, the writer thread and its output."""

    def __init__(self, output: LogOutput, *, capacity: int = CAPACITY, interval: float = INTERVAL) -> None:
        self._output = output
        self._capacity = capacity
        self._interval = interval
        self._lock = threading.Lock()  # guards the next one
        self._buffers: tuple[RecordBuffer, ...] = ()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._reported = 0
        self._lost = 0
        self._written = 0
        """Pieces that the output took: whoever waits for the end looks whether it still takes some."""
        # A daemon: a blocked output must not hold the exit.
        self._thread = threading.Thread(target=self._run, name="pounce-access-log", daemon=True)

    def buffer(self, *, shared: bool = False) -> RecordBuffer:
        """A buffer for one more worker; ``shared`` if several of its threads add to it. From any thread.

        That of a worker that has ended stays, empty: workers are replaced seldom.
        """
        buffer = (SharedRecordBuffer if shared else RecordBuffer)(self._wake.set, self._capacity)
        with self._lock:
            self._buffers += (buffer,)
        return buffer

    @property
    def dropped(self) -> int:
        """Lines that were not written: no room in a buffer, or the output failed."""
        return self._lost + sum(buffer.dropped for buffer in self._buffers)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, timeout: float, limit: float = LOG_FLUSH_LIMIT) -> bool:
        """Write what waits and end; False when the output took nothing for ``timeout`` seconds, or took too little for
        ``limit`` in all.

        Called after the last worker has ended, so nothing is added any more.
        """
        self._stopping.set()
        self._wake.set()
        end = time.monotonic() + limit
        written = -1
        while self._thread.is_alive() and self._written != written and time.monotonic() < end:
            written = self._written
            self._thread.join(timeout)
        if not self._thread.is_alive():
            return True
        _server_log.warning("access log: the output is blocked, so the last lines are lost")
        return False

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._stopping.wait(self._interval)
            self._wake.clear()
            self._drain()
        self._drain()

    def _drain(self) -> None:
        # In turn, so that one busy worker cannot make the buffers of the others overflow.
        while gathered := [records for buffer in self._buffers if (records := buffer.take())]:
            for records in gathered:
                self._write(records)
        self._report()

    def _write(self, records: Sequence[ResponseCompleted]) -> None:
        try:
            self._output.write([format_line(record) for record in records])
            self._written += 1
        except Exception as error:  # noqa: BLE001 - a broken output, of whatever kind, must not end the log
            if not self._lost:
                _server_log.error("access log: lines cannot be written and are dropped: %s", error)
            self._lost += len(records)

    def _report(self) -> None:
        dropped = self.dropped
        if dropped > self._reported:
            _server_log.warning(
                "access log: %d lines dropped, because the output did not take them", dropped - self._reported
            )
            self._reported = dropped


def opened_access_log(config: ServerConfig, stack: contextlib.ExitStack) -> AccessLog | None:
    """The access log of a server, writing; None if it is off. Leaving ``stack`` writes what is left and ends it."""
    output = access_output() if config.access.access_log else None
    if output is None:
        return None
    log = AccessLog(output)
    log.start()
    stack.callback(log.stop, LOG_FLUSH_TIMEOUT)
    return log


def format_line(record: ResponseCompleted) -> str:
    """The line for a record, without its end."""
    target = record.raw_path + b"?" + record.query_string if record.query_string else record.raw_path
    request = _safe(f"{record.method} {target.decode('latin-1')}")
    client = _safe(record.client[0]) if record.client is not None else "-"
    aborted = " aborted" if record.aborted else ""
    return (
        f'{client} - - [{_clf_time(int(record.wall))}] "{request} HTTP/{record.http_version}" {record.status} '
        f"{record.body_bytes_sent} {record.duration * 1000:.3f}ms{aborted}"
    )


def _safe(text: str) -> str:
    return _UNSAFE.sub(_escaped, text) if _UNSAFE.search(text) else text


def _escaped(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"


_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@functools.lru_cache(maxsize=4)
def _clf_time(wall: int) -> str:
    """A second as the Common Log Format writes it, in local time. Month names do not follow the locale."""
    local = time.localtime(wall)
    minutes = local.tm_gmtoff // 60
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    clock = f"{local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d}"
    return f"{local.tm_mday:02d}/{_MONTHS[local.tm_mon - 1]}/{local.tm_year}:{clock} {offset}"
