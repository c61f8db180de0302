"""Every way of reading stacks tells the same of a thread that stands still, on the interpreters that have it."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pounce_observability.profiling.stack_readers import (
    MOST_FRAMES,
    DumpReader,
    Frame,
    FrameReader,
    best_reader,
    parsed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


class Standing:
    """A thread that waits, some frames deep."""

    def __init__(self, depth: int = 3) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.thread = threading.Thread(target=self.descend, args=(depth,), name="standing")
        self.thread.start()
        assert self.reached.wait(10)

    def descend(self, depth: int) -> None:
        if depth:
            self.descend(depth - 1)
        else:
            self.reached.set()
            self.go_on.wait(10)

    def end(self) -> None:
        self.go_on.set()
        self.thread.join(10)


@pytest.fixture
def standing() -> Iterator[Standing]:
    one = Standing()
    yield one
    one.end()


def readers() -> list[Any]:
    """Those that this interpreter has."""
    found: list[Any] = [DumpReader()]
    if GIL:
        found.append(FrameReader())
    return found


@pytest.mark.parametrize("reader", readers(), ids=lambda reader: reader.how)
def test_tells_the_stack_of_each_thread_but_its_own(reader: Any, standing: Standing) -> None:
    stacks = reader.read()
    assert threading.get_ident() not in stacks
    stack = stacks[standing.thread.ident]
    functions = [frame.function.rpartition(".")[2] for frame in stack]
    place = functions.index("descend")
    assert functions[place : place + 5] == ["descend"] * 4 + ["run"]
    assert stack[place].file.endswith("test_stack_readers.py")
    assert stack[place].line > 0
    reader.close()


def test_the_best_one_tells_whole_stacks_also_through_functions_written_in_c() -> None:
    reached, go_on = threading.Event(), threading.Event()

    def innermost(_: object) -> int:
        reached.set()
        go_on.wait(10)
        return 0

    def outermost() -> None:
        sorted([None], key=innermost)

    thread = threading.Thread(target=outermost)
    thread.start()
    assert reached.wait(10)
    reader = best_reader()
    functions = [frame.function.rpartition(".")[2] for frame in reader.read()[thread.ident or 0]]
    go_on.set()
    thread.join(10)
    assert functions.index("innermost") < functions.index("outermost") < functions.index("run")
    if GIL:
        assert reader.how == "frames"
    reader.close()


@pytest.mark.skipif(not GIL, reason="frames of other threads may not be touched without the GIL")
def test_a_deep_recursion_is_cut_at_its_root() -> None:
    one = Standing(depth=MOST_FRAMES + 50)
    stack = FrameReader().read()[one.thread.ident or 0]
    one.end()
    assert len(stack) == MOST_FRAMES
    assert stack[-1].function == "Standing.descend"


DUMP = """\
Thread 0x00007f1a (most recent call first):
  File "/app/a.py", line 12 in handler
  File "/app/with \\"quotes\\".py", line ??? in <lambda>

Current thread 0x00000abc [name] (most recent call first):
  File "/app/b.py", line 3 in main
  ...
"""


def test_reads_what_faulthandler_writes() -> None:
    assert parsed(DUMP) == {
        0x7F1A: [Frame("handler", "/app/a.py", 12), Frame("<lambda>", '/app/with \\"quotes\\".py', 0)],
        0xABC: [Frame("main", "/app/b.py", 3)],
    }
