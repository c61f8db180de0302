"""Where lines go: straight to a file descriptor, or through ``logging`` when a program set that up.

Lines bypass ``logging`` by default because a record of it costs several times what the line does. They bypass the
buffer of ``sys.stdout`` too: its lock, held by a thread that waits for a blocked pipe, would stop every ``print`` of
the application and the exit of the interpreter.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import stat
import sys
from typing import TYPE_CHECKING, Final, Protocol, TextIO

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Sequence

__all__ = ["DescriptorOutput", "FileOutput", "LinesLost", "LogOutput", "LoggerOutput", "StreamOutput", "output_to"]

PIECE: Final = 64 * 1024
"""Bytes in one write to a file or terminal."""

PERMISSIONS: Final = 0o644
"""Of a new file, before the umask."""


class LinesLost(Exception):  # noqa: N818 - it says what happened
    """An output has failed, which is the cause; some lines were written before."""

    def __init__(self, lost: int) -> None:
        super().__init__(f"{lost} lines were not written")
        self.lost = lost


class LogOutput(Protocol):
    """Takes finished lines. Called by one thread only."""

    def write(self, lines: Sequence[str]) -> None:
        """Write lines, waiting as long as it takes.

        Raises:
            LinesLost: the output has failed, and not all were written.
            OSError, ValueError: the output is broken, and none was.
        """

    def reopen(self) -> None:
        """Open a file anew, because somebody has moved the old one; nothing for what is no file.

        Raises:
            OSError: the file cannot be opened; the old one stays in use.
        """

    def close(self) -> None:
        """Nothing is written any more; what was opened for the lines is closed."""


class DescriptorOutput:
    """Whole lines to a file descriptor, without a buffer."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        # A write to a pipe is not mixed with those of other processes up to this size (POSIX, write()).
        self._piece = select.PIPE_BUF if _is_pipe(fd) else PIECE
        self._cut = False
        """A failure has left part of a line there, so the next one begins with a new line."""

    def write(self, lines: Sequence[str]) -> None:
        """As ``LogOutput.write``."""
        wire = "\n".join([*lines, ""]).encode("utf-8", "backslashreplace")
        if self._cut:
            wire = b"\n" + wire
        done = 0
        try:
            for end in _ends(wire, self._piece):
                while done < end:
                    done += self._write(memoryview(wire)[done:end])
        except OSError as error:
            complete = wire.count(b"\n", 0, done) - self._cut
            if done:
                self._cut = wire[done - 1 : done] != b"\n"
            raise LinesLost(len(lines) - max(complete, 0)) from error
        self._cut = False

    def reopen(self) -> None:
        """Whoever gave the descriptor knows what it is."""

    def close(self) -> None:
        """It belongs to whoever gave it."""

    def _write(self, octets: memoryview) -> int:
        while True:
            try:
                return os.write(self._fd, octets)
            except BlockingIOError:  # whoever shares the pipe has set it so; here is nobody who must not wait
                select.select((), (self._fd,), ())


class FileOutput(DescriptorOutput):
    """Lines appended to a file, which other processes may append to as well.

    Each piece is one write, and with O_APPEND the system puts it behind all that is there (POSIX, write()).
    """

    def __init__(self, path: str) -> None:
        """Open it, and make it if need be.

        Raises:
            OSError: it cannot be opened.
        """
        self._path = os.path.abspath(path)  # noqa: PTH100 - the application may change the folder it works in
        super().__init__(_open(self._path))

    def reopen(self) -> None:
        """As ``LogOutput.reopen``."""
        old, self._fd = self._fd, _open(self._path)
        self._cut = False
        os.close(old)

    def close(self) -> None:
        """As ``LogOutput.close``."""
        with contextlib.suppress(OSError):  # what a file system says late (NFS) comes too late for lines
            os.close(self._fd)


class StreamOutput:
    """Lines to a text stream that has no descriptor, such as one that a test put in place of ``sys.stdout``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, lines: Sequence[str]) -> None:
        """As ``LogOutput.write``."""
        self._stream.write("\n".join([*lines, ""]))
        self._stream.flush()

    def reopen(self) -> None:
        """It is no file."""

    def close(self) -> None:
        """It belongs to whoever made it."""


class LoggerOutput:
    """Each line as a record of a logger, for programs that gave it handlers of their own."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def write(self, lines: Sequence[str]) -> None:
        """As ``LogOutput.write``."""
        for line in lines:
            self._logger.info("%s", line)

    def reopen(self) -> None:
        """Its handlers know of files."""

    def close(self) -> None:
        """It belongs to the program."""


def output_to(stream: TextIO | None) -> LogOutput | None:
    """The output for a stream such as ``sys.stdout``; None when there is no stream (a program without a console)."""
    if stream is None:
        return None
    try:
        stream.flush()  # what was printed before stays before
        return DescriptorOutput(stream.fileno())
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return StreamOutput(stream)


def _open(path: str) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, PERMISSIONS)


def _ends(wire: bytes, size: int) -> Iterator[int]:
    """Where to cut whole lines into pieces of at most ``size`` bytes; a longer line is a piece by itself."""
    start = 0
    while len(wire) - start > size:
        end = wire.rfind(b"\n", start, start + size) + 1
        start = end if end > start else wire.index(b"\n", start + size) + 1
        yield start
    if start < len(wire):
        yield len(wire)


def _is_pipe(fd: int) -> bool:
    return sys.platform != "win32" and stat.S_ISFIFO(os.fstat(fd).st_mode)
