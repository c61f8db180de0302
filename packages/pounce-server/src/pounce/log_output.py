"""Where lines of the access log go: straight to a file descriptor, or through ``logging`` when a program set that up.

Lines bypass ``logging`` by default because a record of it costs several times what the line does. They bypass the
buffer of ``sys.stdout`` too: its lock, held by a thread that waits for a blocked pipe, would stop every ``print`` of
the application and the exit of the interpreter.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from typing import TYPE_CHECKING, Final, Protocol, TextIO

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Sequence

__all__ = ["DescriptorOutput", "LogOutput", "LoggerOutput", "StreamOutput", "output_to"]

PIECE: Final = 64 * 1024
"""Bytes in one write to a file or terminal."""


class LogOutput(Protocol):
    """Takes finished lines. Called by one thread only."""

    def write(self, lines: Sequence[str]) -> None:
        """Write lines, waiting as long as it takes. Raises OSError or ValueError when the output is broken."""


class DescriptorOutput:
    """Whole lines to a file descriptor, without a buffer."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        # A write to a pipe is not mixed with those of other processes up to this size (POSIX, write()).
        self._piece = select.PIPE_BUF if _is_pipe(fd) else PIECE

    def write(self, lines: Sequence[str]) -> None:
        """As ``LogOutput.write``."""
        for piece in _pieces(lines, self._piece):
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self._fd, rest) :]


class StreamOutput:
    """Lines to a text stream that has no descriptor, such as one that a test put in place of ``sys.stdout``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, lines: Sequence[str]) -> None:
        """As ``LogOutput.write``."""
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()


class LoggerOutput:
    """Each line as a record of a logger, for programs that gave it handlers of their own."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def write(self, lines: Sequence[str]) -> None:
        """As ``LogOutput.write``."""
        for line in lines:
            self._logger.info("%s", line)


def output_to(stream: TextIO | None) -> LogOutput | None:
    """The output for a stream such as ``sys.stdout``; None when there is no stream (a program without a console)."""
    if stream is None:
        return None
    try:
        stream.flush()  # what was printed before stays before
        return DescriptorOutput(stream.fileno())
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return StreamOutput(stream)


def _pieces(lines: Sequence[str], size: int) -> Iterator[bytes]:
    """Lines joined into pieces of at most ``size`` bytes; a longer line is a piece by itself."""
    piece = bytearray()
    for line in lines:
        encoded = line.encode("utf-8", "backslashreplace") + b"\n"
        if piece and len(piece) + len(encoded) > size:
            yield bytes(piece)
            piece.clear()
        piece += encoded
    if piece:
        yield bytes(piece)


def _is_pipe(fd: int) -> bool:
    return sys.platform != "win32" and stat.S_ISFIFO(os.fstat(fd).st_mode)
