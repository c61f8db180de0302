"""Asking loops that turn, that are held up, that have ended, and the one whose thread asks."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Self, cast

import pytest

from pounce_workers.serving.loop_questions import ask_loops
from pounce_workers.serving.served_loop import ServedLoop

if TYPE_CHECKING:
    from pounce_workers.serving.loop_server import LoopServer

HANGS_AFTER = 15.0
NO_SERVER = cast("LoopServer", None)


class LoopThread:
    """A loop that turns in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    @property
    def served(self) -> ServedLoop:
        return ServedLoop("worker", self._thread.ident or 0, self.loop, NO_SERVER, 0.0)


def thread_of(_: ServedLoop) -> int:
    return threading.get_ident()


def test_each_loop_looks_in_its_own_thread() -> None:
    with LoopThread() as one, LoopThread() as two:
        replies = ask_loops([one.served, two.served], thread_of, HANGS_AFTER)
    assert [reply.seen for reply in replies] == [one.served.thread_id, two.served.thread_id]
    assert all(reply.lag is not None and reply.lag >= 0 for reply in replies)


def test_a_loop_that_is_held_up_holds_up_no_other() -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        release.wait(HANGS_AFTER)

    looked: list[ServedLoop] = []

    def look(served: ServedLoop) -> int:
        looked.append(served)
        return 7

    with LoopThread() as one, LoopThread() as two:
        one.loop.call_soon_threadsafe(hold)
        assert held.wait(HANGS_AFTER)
        began = time.monotonic()
        first, second = ask_loops([one.served, two.served], look, 0.1)
        assert time.monotonic() - began < HANGS_AFTER / 2
        release.set()
    assert (first.seen, first.lag) == (None, None)
    assert second.seen == 7
    assert looked == [two.served]  # nobody waits for the other any more, and it need not look


def test_a_loop_that_has_begun_to_look_is_waited_for() -> None:
    def look(_: ServedLoop) -> str:
        time.sleep(0.2)
        return "seen"

    with LoopThread() as one:
        (reply,) = ask_loops([one.served], look, 0.1)
    assert reply.seen == "seen"


def test_a_loop_that_has_ended_does_not_answer() -> None:
    with LoopThread() as one:
        pass
    (reply,) = ask_loops([one.served], thread_of, HANGS_AFTER)
    assert (reply.seen, reply.lag) == (None, None)


def test_what_goes_wrong_is_for_whoever_asks() -> None:
    def look(_: ServedLoop) -> Any:
        raise LookupError("gone")

    with LoopThread() as one, pytest.raises(LookupError, match="gone"):
        ask_loops([one.served], look, HANGS_AFTER)


def test_the_loops_own_thread_may_ask() -> None:
    async def main() -> int | None:
        served = ServedLoop("worker", threading.get_ident(), asyncio.get_running_loop(), NO_SERVER, 0.0)
        return ask_loops([served], thread_of, 0.1)[0].seen

    assert asyncio.run(main()) == threading.get_ident()
