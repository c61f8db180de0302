"""Stacks of threads, as they stand still and as they run."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pounce_asgi.blocking_pool import BlockingPool
from pounce_workers.serving.thread_stacks import MOST_FRAMES, Frame, is_idle, parsed, stacks_of

if TYPE_CHECKING:
    from collections.abc import Callable

HANGS_AFTER = 15.0

WRITTEN = """Thread 0x00007f1c47fff6c0 [pounce-sync-1] (most recent call first):
  File "/app/a file.py", line 13 in hot
  File "/lib/threading.py", line ??? in run

Current thread 0x00007f1c4ca206c0 [main] (most recent call first):
  File "<stdin>", line 1 in <module>
  ...

Thread 0x0000000000000001 (most recent call first):
  <no Python frame>
"""


def test_what_faulthandler_writes_is_read() -> None:
    assert parsed(WRITTEN) == {
        0x7F1C47FFF6C0: [Frame("/lib/threading.py", 0, "run"), Frame("/app/a file.py", 13, "hot")],
        0x7F1C4CA206C0: [Frame("<stdin>", 1, "<module>")],
        1: [],
    }


def outer(inner: Callable[[], object]) -> None:
    inner()


def deep(levels: int, inner: Callable[[], object]) -> None:
    if levels:
        deep(levels - 1, inner)
    else:
        inner()


def test_the_stack_of_a_thread_that_waits_is_told_from_the_outermost_frame() -> None:
    release = threading.Event()
    thread = threading.Thread(target=outer, args=(release.wait,))
    thread.start()
    found: list[str] = []
    end = time.monotonic() + HANGS_AFTER
    while found[-1:] != ["wait"]:
        assert time.monotonic() < end, found
        found = [frame.function for frame in stacks_of([thread.ident or 0])[thread.ident or 0]]
    release.set()
    thread.join()
    assert found[-3:] == ["outer", "wait", "wait"]
    assert found.index("run") < found.index("outer")


def test_of_a_deep_stack_the_innermost_frames_are_told() -> None:
    inside, release = threading.Event(), threading.Event()

    def innermost() -> None:
        inside.set()
        release.wait(HANGS_AFTER)

    thread = threading.Thread(target=deep, args=(300, innermost))
    thread.start()
    assert inside.wait(HANGS_AFTER)
    stack = stacks_of([thread.ident or 0])[thread.ident or 0]
    release.set()
    thread.join()
    assert len(stack) == MOST_FRAMES
    assert "innermost" in [frame.function for frame in stack]
    assert stack[0].function == "deep"


def test_threads_that_are_not_there_are_missing() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    # Its number may be given to another: one of the test runner's.
    assert stacks_of([]) == {}
    assert 1 not in stacks_of([1, threading.get_ident()])
    assert threading.get_ident() in stacks_of([1, threading.get_ident()])


@pytest.mark.parametrize("pool", ["concurrent.futures", "ours"])
def test_threads_of_pools_that_wait_for_work_are_idle(pool: str) -> None:
    inside, release, idents = threading.Event(), threading.Event(), []

    def work() -> None:
        idents.append(threading.get_ident())
        inside.set()
        release.wait(HANGS_AFTER)

    executor = ThreadPoolExecutor(1)
    blocking = BlockingPool(1, 1)
    if pool == "ours":
        blocking.submit(work)
    else:
        executor.submit(work)
    assert inside.wait(HANGS_AFTER)
    (ident,) = idents
    assert not is_idle(stacks_of([ident])[ident])
    release.set()
    end = time.monotonic() + HANGS_AFTER
    while not is_idle(stack := stacks_of([ident])[ident]):
        assert time.monotonic() < end, stack
    blocking.release()
    executor.shutdown()


@pytest.mark.parametrize(
    ("places", "idle"),
    [
        (["concurrent/futures/thread.py _worker"], True),
        (["concurrent\\futures\\thread.py _worker"], True),
        (["concurrent/futures/thread.py _worker", "concurrent/futures/thread.py run"], False),  # a call of C
        (["concurrent/futures/thread.py run", "lib/threading.py wait"], False),
        (["anyio/_backends/_asyncio.py run", "lib/queue.py get", "lib/threading.py wait"], True),
        (["anyio/_backends/_asyncio.py run"], False),
        (["anyio/_backends/_asyncio.py run", "lib/threading.py wait"], False),
        (["app.py work", "lib/queue.py get", "lib/threading.py wait"], False),
        (["pounce_asgi/blocking_pool.py _next", "lib/threading.py wait"], True),
        (["lib/threading.py wait"], False),
        ([], False),
    ],
)
def test_a_thread_that_calls_something_is_not_idle(places: list[str], idle: bool) -> None:
    stack = [Frame(file, 1, function) for file, _, function in (place.rpartition(" ") for place in places)]
    assert is_idle(stack) is idle


def test_a_thread_that_runs_can_be_looked_at() -> None:
    """Frames come and go all the while; what is told of them is whole, and nothing breaks."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            deep(20, list)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            for stack in stacks_of([thread.ident or 0 for thread in threads]).values():
                assert all(frame.file and frame.function for frame in stack)
                assert stack[0].function.startswith("_bootstrap")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
