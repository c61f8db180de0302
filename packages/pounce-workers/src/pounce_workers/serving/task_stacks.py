"""Where a task waits: the frames of its coroutine, down to the one that nothing of Python continues."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, Final, NamedTuple

from pounce_workers.serving.thread_stacks import MOST_FRAMES, Frame

__all__ = ["MOST_TASKS", "Waiting", "task_stack"]

MOST_TASKS: Final = 8
"""Tasks that wait for each other, one in the other."""

# The frame of each kind of awaitable, and what it waits for itself.
_KINDS: Final = (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await"))
_WRAPPERS: Final = frozenset(
    {"async_generator_asend", "async_generator_athrow", "anext_awaitable", "coroutine_wrapper"}
)
"""Awaitables that keep to themselves what they drive. The garbage collector knows it."""


class Waiting(NamedTuple):
    """Where a task waits."""

    stack: list[Frame]
    """From the outermost frame to the innermost, those of tasks that it waits for included."""
    waits_for: str
    """What wakes it, such as ``Future``; empty when it is about to run."""


def task_stack(task: asyncio.Task[Any]) -> Waiting:
    """Where this task waits. Called in the thread of its loop, and not by itself."""
    stack: list[Frame] = []
    waits_for = ""
    seen: set[int] = set()
    current: asyncio.Future[Any] | None = task
    while isinstance(current, asyncio.Task) and id(current) not in seen and len(seen) < MOST_TASKS:
        seen.add(id(current))
        stack += _frames(current.get_coro())
        current = _waiter(current)
        if current is not None:
            waits_for = _name(current)
    return Waiting(stack[-MOST_FRAMES:], waits_for)


def _frames(awaitable: Any) -> list[Frame]:
    frames: list[Frame] = []
    steps = 0
    while awaitable is not None and steps < 10 * MOST_FRAMES:  # a circle would have no end
        steps += 1
        for frame_name, next_name in _KINDS:
            if hasattr(awaitable, next_name):
                frame = getattr(awaitable, frame_name)
                if frame is not None:
                    code = frame.f_code
                    frames.append(Frame(code.co_filename, frame.f_lineno or 0, code.co_name))
                awaitable = getattr(awaitable, next_name)
                break
        else:
            awaitable = _driven(awaitable)
    return frames


def _driven(awaitable: Any) -> Any:
    if type(awaitable).__name__ not in _WRAPPERS:
        return None
    return next(filter(_continues, gc.get_referents(awaitable)), None)


def _continues(inside: Any) -> bool:
    return type(inside).__name__ in _WRAPPERS or any(hasattr(inside, name) for _, name in _KINDS)


def _waiter(task: asyncio.Task[Any]) -> asyncio.Future[Any] | None:
    """What is awaited at the innermost; of several at once the first that is not done."""
    waiter = getattr(task, "_fut_waiter", None)
    children = getattr(waiter, "_children", None)  # of asyncio.gather()
    if children:
        return next((one for one in children if not one.done()), waiter)
    return waiter


def _name(future: asyncio.Future[Any]) -> str:
    if isinstance(future, asyncio.Task):
        return f"task {future.get_name()}"
    return type(future).__name__.lstrip("_")
