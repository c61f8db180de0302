"""Asking loops: each looks at something in its own thread, and one that is held up is waited for within bounds."""

from __future__ import annotations

import concurrent.futures
import contextlib
import contextvars
import threading
import time
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pounce_workers.serving.served_loop import ServedLoop

__all__ = ["Reply", "ask_loops"]

Seen = TypeVar("Seen")

LOOKING: Final = 5.0
"""Seconds for a loop that has begun to look; a millisecond is usual."""


class Reply(NamedTuple, Generic[Seen]):
    """What became of a question to one loop."""

    served: ServedLoop
    seen: Seen | None
    """None where it did not answer in time, or has ended."""
    lag: float | None
    """Seconds from the question to its turn in the loop; None as above."""


class _Question(Generic[Seen]):
    """One question to one loop. ``turn`` is written by the loop's thread before the future is done."""

    def __init__(self, served: ServedLoop, look: Callable[[ServedLoop], Seen]) -> None:
        self.served = served
        self._look = look
        self.asked = time.monotonic()
        self.turn = self.asked
        self.future: concurrent.futures.Future[Seen] = concurrent.futures.Future()

    def ask(self) -> None:
        if self.served.thread_id == threading.get_ident():
            self.answer()
            return
        try:
            # In a context of its own: free-threaded builds would run it in that of whoever asks.
            self.served.loop.call_soon_threadsafe(self.answer, context=contextvars.Context())
        except RuntimeError:  # the loop is closed
            self.future.cancel()

    def answer(self) -> None:
        """In the loop's thread, as a callback of its own."""
        self.turn = time.monotonic()
        if not self.future.set_running_or_notify_cancel():
            return  # nobody waits any more
        try:
            self.future.set_result(self._look(self.served))
        except Exception as error:  # noqa: BLE001 - it is whoever asked who is told
            self.future.set_exception(error)

    def reply(self, deadline: float) -> Reply[Seen]:
        """Wait for it until then; once it has begun to look, a while longer."""
        for seconds in (max(deadline - time.monotonic(), 0), LOOKING):
            with contextlib.suppress(concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
                return Reply(self.served, self.future.result(seconds), self.turn - self.asked)
            if self.future.cancel():
                break
        return Reply(self.served, None, None)


def ask_loops(loops: Iterable[ServedLoop], look: Callable[[ServedLoop], Seen], timeout: float) -> list[Reply[Seen]]:
    """Have all of these loops look, each in its own thread, and wait for so many seconds in all; blocks.

    What `look` raises is raised here.
    """
    questions = [_Question(served, look) for served in loops]
    for question in questions:
        question.ask()
    deadline = time.monotonic() + timeout
    return [question.reply(deadline) for question in questions]
