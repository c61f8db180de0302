"""What threads are doing now, as frames, from another thread.

Where the GIL is on, a thread's frames stand still while another looks at one of them. Where it is off they do not, and
looking at the frames of a thread that runs is documented as unsafe; only ``faulthandler.dump_traceback()`` stops all
threads for as long as it reads. It writes text to a file, which is read here.
"""

from __future__ import annotations

import faulthandler
import re
import sys
import tempfile
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

__all__ = ["MOST_FRAMES", "Frame", "is_idle", "stacks_of"]

MOST_FRAMES: Final = 100
"""The innermost frames that are kept of one stack; what `faulthandler` writes of one, too."""

_THREAD: Final = re.compile(r"^(?:Current thread|Thread) 0x([0-9a-f]+) ")
_FRAME: Final = re.compile(r'^  File "(.*)", line (\d+|\?\?\?) in (.*)$')


_IDLE: Final = (
    (("futures/thread.py", "_worker"),),  # its queue is C; a call has frames of its own
    (("_asyncio.py", "run"), ("queue.py", "get")),  # anyio
    (("blocking_pool.py", "_next"),),
)
"""Where threads of pools wait for work: the innermost frames but those of locks."""


class Frame(NamedTuple):
    """One line of a stack."""

    file: str
    line: int
    """0 where it is not known."""
    function: str


def stacks_of(thread_ids: Iterable[int]) -> dict[int, list[Frame]]:
    """The stacks of these threads (``threading.get_ident()``), each from the outermost frame to the innermost. Those
    that have ended, or could not be looked at, are missing.
    """
    wanted = frozenset(thread_ids)
    if not wanted:
        return {}
    if getattr(sys, "_is_gil_enabled", _always)():
        frames = sys._current_frames()
        return {one: _walked(frames[one]) for one in wanted if one in frames}
    # It tells of 100 threads, the youngest first.
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        text = file.read().decode("ascii", "replace")
    return {thread: stack for thread, stack in parsed(text).items() if thread in wanted}


def is_idle(stack: Sequence[Frame]) -> bool:
    """Whether a thread of a pool waits for work: one of ``concurrent.futures``, anyio, or for blocking applications."""
    inner = len(stack)
    while inner and stack[inner - 1].file.endswith("threading.py"):
        inner -= 1
    places = [(frame.file.replace("\\", "/"), frame.function) for frame in stack[:inner]]
    return any(
        len(places) >= len(idle)
        and all(
            file.endswith(ending) and function == name
            for (file, function), (ending, name) in zip(places[-len(idle) :], idle, strict=True)
        )
        for idle in _IDLE
    )


def _walked(frame: FrameType | None) -> list[Frame]:
    stack: list[Frame] = []
    while frame is not None and len(stack) < MOST_FRAMES:
        code = frame.f_code
        stack.append(Frame(code.co_filename, frame.f_lineno or 0, code.co_name))
        frame = frame.f_back
    stack.reverse()
    return stack


def parsed(text: str) -> dict[int, list[Frame]]:
    """The stacks in what `faulthandler` has written, by thread."""
    found: dict[int, list[Frame]] = {}
    stack: list[Frame] = []
    for line in text.splitlines():
        if thread := _THREAD.match(line):
            stack = found[int(thread[1], 16)] = []
        elif frame := _FRAME.match(line):
            stack.append(Frame(frame[1], int(frame[2]) if frame[2].isdigit() else 0, frame[3]))
    for each in found.values():
        each.reverse()
    return found


def _always() -> bool:
    return True
