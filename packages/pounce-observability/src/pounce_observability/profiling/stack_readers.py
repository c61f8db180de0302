"""What all threads of this process are doing just now, as stacks of frames.

There are three ways, and which one serves is a matter of the interpreter:

- with the GIL, ``sys._current_frames()``: no other thread runs Python code while one walks along frames;
- without it, frames of a thread that runs may not be touched. Where the standard library can read the memory of
  processes (``_remote_debugging``, on which its sampling profiler stands) it reads our own. No thread is stopped for
  it. What is torn because it changed meanwhile is noticed and left out. That of 3.14 ends a stack where Python was
  called by C, such as every task of an event loop: it is tried first, and does not serve;
- else ``faulthandler``, which stops all threads for as long as it writes them down, a few milliseconds.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import re
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["MOST_FRAMES", "DumpReader", "Frame", "FrameReader", "MemoryReader", "StackReader", "best_reader"]

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
    """``"frames"``, ``"memory"`` or ``"dump"``."""
    stops_all: bool
    """The other threads stand still meanwhile."""

    def read(self) -> dict[int, list[Frame]]:
        """The stack of each thread but this, innermost frame first, by ``threading.get_ident()``.

        Raises:
            OSError, RuntimeError, ValueError: it could not be read this time.
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


class MemoryReader:
    """Reads this process's own memory, as the standard library's sampling profiler does that of others."""

    how = "memory"
    stops_all = False

    def __init__(self, unwinder: Callable[..., Any] | None = None) -> None:
        """``unwinder`` is that of the standard library.

        Raises:
            ImportError, OSError, RuntimeError, TypeError, ValueError, AttributeError: it does not work here, or has
                another shape than is known.
        """
        make = unwinder or importlib.import_module("_remote_debugging").RemoteUnwinder
        self._unwinder = make(os.getpid(), all_threads=True)
        self.read()

    @property
    def whole(self) -> bool:
        """Whether it tells stacks down to their roots."""
        return next(map(self._sees_through, (sys._getframe().f_code.co_name,)))

    def _sees_through(self, caller: str) -> bool:
        """Called by a function that is written in C, as ``map`` is: whether what called that can be seen."""
        own = threading.get_native_id()
        for thread in _threads(self._unwinder.get_stack_trace()):
            if thread.thread_id == own:
                return any(frame.funcname.endswith(caller) for frame in thread.frame_info)
        return False

    def read(self) -> dict[int, list[Frame]]:
        """The stack of each thread but this, innermost first."""
        own = threading.get_native_id()
        idents = {thread.native_id: thread.ident for thread in threading.enumerate()}
        found = {}
        for thread in _threads(self._unwinder.get_stack_trace()):
            if thread.thread_id != own:
                stack = [Frame(one.funcname, one.filename, _line(one)) for one in thread.frame_info[:MOST_FRAMES]]
                found[idents.get(thread.thread_id) or thread.thread_id] = stack
        return found

    def close(self) -> None:
        """Nothing to do."""


def _threads(trace: list[Any]) -> list[Any]:
    """3.14 gives threads, 3.15 interpreters and their threads."""
    threads: list[Any] = []
    for one in trace:
        threads.extend(one.threads if hasattr(one, "threads") else [one])
    return threads


def _line(frame: Any) -> int:
    """3.14 gives the line, 3.15 a place or nothing."""
    line = frame.lineno if hasattr(frame, "lineno") else getattr(frame.location, "lineno", 0)
    return int(line or 0)


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
    try:
        reader = MemoryReader()
        if reader.whole:
            return reader
    except (ImportError, OSError, RuntimeError, TypeError, ValueError, AttributeError):
        pass  # the next one works everywhere
    return DumpReader()


def _gil_is_enabled() -> bool:
    return True  # before 3.13 it always is
