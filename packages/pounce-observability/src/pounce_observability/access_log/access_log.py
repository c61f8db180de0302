"""The access log: one line for each request, in the format that was asked for.

A line is made in the thread of its request: that was measured to cost less than to hand what it is made of to another
thread (``benchmarks/RESULTS.md``). A writer thread writes what has gathered.

Who owns what: a worker's `_WorkerLog` belongs to that worker, with the texts that its format remembers; several threads
of a blocking pool may use one at once. Buffers and output are in `log_writer`.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from pounce_asgi import ConfigError, ResponseCompleted, Subscriber
from pounce_observability.logging_setup.access_logger import ACCESS, is_ours

from .atoms import AtomLines, parsed
from .filters import wanted
from .json_lines import JsonLines
from .line_formats import CombinedLines, CommonLines, TextLines
from .log_writer import FLUSH_TIMEOUT, LogWriter
from .outputs import FileOutput, LoggerOutput, output_to
from .settings import FORMAT_NAMES

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterable, Sequence

    from .line_buffer import LineBuffer
    from .outputs import LogOutput
    from .settings import AccessLogSettings

__all__ = ["AccessLog", "opened_access_log", "output_of"]

_error_log = logging.getLogger("pounce.error")


class AccessLog:
    """The log of one process. Everything may be called from any thread."""

    def __init__(self, settings: AccessLogSettings, output: LogOutput, *, quiet_paths: Iterable[bytes] = ()) -> None:
        """``quiet_paths``: not logged, besides those of the settings; as they come over the wire."""
        self._settings = settings
        self._quiet_paths = tuple(quiet_paths)
        name = settings.access_log_format
        self._atoms = parsed(name) if name not in FORMAT_NAMES else None
        self._output = output
        self._writer = LogWriter(output)

    def listeners_for_worker(self, worker_id: int, *, shared: bool = False) -> Sequence[Subscriber[Any]]:  # noqa: ARG002 - as every feature has it
        """What a worker's listeners are made of; ``shared`` if several of its threads serve requests."""
        buffer = self._writer.buffer(shared=shared)
        wants = wanted(self._settings, self._quiet_paths)
        return (Subscriber(_WorkerLog(buffer, self._line(), wants).add, ResponseCompleted, trusted=True),)

    @property
    def dropped(self) -> int:
        """Lines that were not written: the output was blocked or full, or failed."""
        return self._writer.dropped

    @property
    def written(self) -> int:
        """Lines that the output took."""
        return self._writer.written

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    def reopen(self) -> None:
        """Open the file anew, because the old one was moved. Not from within a signal handler."""
        self._writer.reopen()

    def stop(self, timeout: float = FLUSH_TIMEOUT) -> bool:
        """Write what waits and end, after the last worker; False when the output took nothing for so many seconds."""
        ended = self._writer.stop(timeout)
        if ended:  # otherwise it is in use, and another file could get its descriptor
            self._output.close()
        return ended

    def _line(self) -> Callable[[ResponseCompleted], str]:
        if self._atoms is not None:
            return AtomLines(self._atoms).line
        match self._settings.access_log_format:
            case "json":
                return JsonLines().line
            case "common":
                return CommonLines().line
            case "combined":
                return CombinedLines().line
            case _:
                return TextLines().line


class _WorkerLog:
    """Turns the records of one worker into lines."""

    __slots__ = ("_buffer", "_line", "_wants")

    def __init__(
        self,
        buffer: LineBuffer,
        line: Callable[[ResponseCompleted], str],
        wants: Callable[[ResponseCompleted], bool] | None,
    ) -> None:
        self._buffer = buffer
        self._line = line
        self._wants = wants

    def add(self, record: ResponseCompleted) -> None:
        """A request is over."""
        wants = self._wants
        if wants is not None and not wants(record):
            return
        buffer = self._buffer
        if buffer.full():
            return
        try:
            buffer.add(self._line(record))
        except Exception:  # noqa: BLE001 - a mistake of ours must not be the request's
            _error_log.exception("access log: no line could be made of a request")


def opened_access_log(
    settings: AccessLogSettings, stack: contextlib.ExitStack, *, quiet_paths: Iterable[bytes] = ()
) -> AccessLog | None:
    """The access log of a process, writing; None if it is off. Leaving ``stack`` writes what is left and ends it.

    Raises:
        ConfigError: its file cannot be opened.
    """
    output = output_of(settings) if settings.access_log else None
    if output is None:
        return None
    log = AccessLog(settings, output, quiet_paths=quiet_paths)
    log.start()
    stack.callback(log.stop)
    return log


def output_of(settings: AccessLogSettings) -> LogOutput | None:
    """Where the lines go; None when nobody would see them, because the logger is off or there is no stdout.

    Raises:
        ConfigError: the file cannot be opened.
    """
    if settings.access_log_file is not None and settings.access_log_file != "-":
        return _file(settings.access_log_file)
    logger = logging.getLogger(ACCESS)
    if settings.access_log_file == "-":
        return output_to(sys.stdout)
    if not logger.isEnabledFor(logging.INFO):
        return None
    return output_to(sys.stdout) if is_ours(logger) else LoggerOutput(logger)


def _file(path: str) -> LogOutput:
    try:
        return FileOutput(path)
    except OSError as error:
        raise ConfigError(f"access_log_file: {path} cannot be opened: {error.strerror or error}") from error
