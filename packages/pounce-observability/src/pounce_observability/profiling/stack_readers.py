"""What all threads of this process are doing just now, as stacks of frames.

There are two ways, and which one serves is a matter of the interpreter:

- with the GIL, ``sys._current_frames()``: no other thread runs Python code while one walks along frames;
- without it, frames of a thread that runs may not be touched. ``faulthandler`` stops all threads for as long as it
  writes down what they do: about a millisecond on a machine with processors to spare, more where threads have to wait
  for one before they can stop.

(The reader of memory in the standard library stops nobody. But that of 3.14 ends a stack where Python was called by C,
as it is for every task of an event loop, and it is private.)
"""

from __future__ import annotations

import faulthandler
import re
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["MOST_FRAMES", "DumpReader", "Frame", "FrameReader", "StackReader", "best_reader"]

MOST_FRAMES: Final = 200
"""Innermost frames of a stack that are kept: enough for a deep framework, and a bound for a deep recursion."""


class Frame(NamedTuple):
    """One line of a stack."""

    function: str
    """Its qualified name where that can be had, else its name."""
    file: str
    line: int
    """The line that runs; 0 where it is not known."""


class StackReader(Protocol):
    """One way. Used by one thread."""

    how: str
    """``"frames"`` or ``"dump"``."""
    stops_all: bool
    """The other threads stand still meanwhile."""

    def read(self) -> dict[int, list[Frame]]:
        """The stack of each thread but this, innermost frame first, by ``threading.get_ident()``.

        Raises:
            OSError: it could not be read this time.
        """

    def close(self) -> None:
        """No more is read."""


class FrameReader:
    """For interpreters with the GIL."""

    how = "frames"
    stops_all = False

    def read(self) -> dict[int, list[Frame]]:
        """The stack of each thread but this, innermost first."""
        own = threading.get_ident()
        return {ident: _walked(frame) for ident, frame in sys._current_frames().items() if ident != own}

    def close(self) -> None:
        """Nothing to do."""


def _walked(frame: FrameType | None) -> list[Frame]:
    stack: list[Frame] = []
    while frame is not None and len(stack) < MOST_FRAMES:
        code = frame.f_code
        stack.append(Frame(code.co_qualname, code.co_filename, frame.f_lineno or 0))
        frame = frame.f_back
    return stack


_THREAD: Final = re.compile(r"(?:Current thread|Thread) 0x([0-9a-f]+) ")
_FRAME: Final = re.compile(r'  File "(.*)", line (\d+|\?\?\?) in (.*)')


class DumpReader:
    """For any interpreter. Stops the others while it writes; of many threads only the youngest 100 are told."""

    how = "dump"
    stops_all = True

    def __init__(self) -> None:
        """Raises OSError: there is nowhere to write to."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - see close()

    def read(self) -> dict[int, list[Frame]]:
        """The stack of each thread but this, innermost first."""
        self._file.seek(0)
        self._file.truncate()
        faulthandler.dump_traceback(self._file, all_threads=True)
        self._file.seek(0)
        found = parsed(self._file.read().decode("ascii", "replace"))
        found.pop(threading.get_ident(), None)
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def parsed(text: str) -> dict[int, list[Frame]]:
    """What `faulthandler` wrote."""
    found: dict[int, list[Frame]] = {}
    stack: list[Frame] = []
    for line in text.splitlines():
        if thread := _THREAD.match(line):
            stack = found[int(thread[1], 16)] = []
        elif frame := _FRAME.fullmatch(line):
            stack.append(Frame(frame[3], frame[1], int(frame[2]) if frame[2].isdigit() else 0))
    return found


def best_reader() -> StackReader:
    """The one for this interpreter."""
    if getattr(sys, "_is_gil_enabled", _gil_is_enabled)():
        return FrameReader()
    return DumpReader()


def _gil_is_enabled() -> bool:
    return True  # before 3.13 it always is
