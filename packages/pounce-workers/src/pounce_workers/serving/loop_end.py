"""The end of a worker's event loop: bounded, whatever the application left in it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any, Final

__all__ = ["CANCEL_GRACE", "close_loop"]

logger = logging.getLogger("pounce.worker")

CANCEL_GRACE: Final = 0.25
"""Seconds for what was cancelled to clean up, three times at most: after the graceful time the exit is promised within
one second, the application's own shutdown not counted."""

ENDINGS: Final = 10
"""Times that SystemExit or KeyboardInterrupt may come up again while a worker ends because of one: tasks that wait for
the one that raised it raise it too."""


def close_loop(loop: asyncio.AbstractEventLoop, main: asyncio.Task[None]) -> None:
    """End a loop within bounds: a task that does not heed its cancellation must not hold the exit."""
    try:
        if not main.done():
            # An application ended the process (SystemExit, KeyboardInterrupt). Before its other tasks are cancelled,
            # of which the lifespan's is one, serve() takes its own way out, on which the lifespan is shut down.
            main.cancel()
            _finish(loop, main)
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            _, resisting = loop.run_until_complete(asyncio.wait(tasks, timeout=CANCEL_GRACE))
            for task in resisting:
                _leave_behind(task)
        loop.run_until_complete(_within(loop.shutdown_asyncgens(), CANCEL_GRACE))
    finally:
        loop.close()


def _leave_behind(task: asyncio.Task[Any]) -> None:
    """Name a task that goes on after it was cancelled. Once is enough: asyncio is not to report its end as well."""
    logger.warning("A task does not heed its cancellation and is left behind: %r", task)
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # as asyncio does with its own


def _finish(loop: asyncio.AbstractEventLoop, main: asyncio.Task[None]) -> None:
    """Run until ``main`` has ended, whatever else ends the loop meanwhile."""
    for _ in range(ENDINGS):
        with contextlib.suppress(SystemExit, KeyboardInterrupt):
            loop.run_until_complete(asyncio.wait((main,)))
            break
    if main.done() and not main.cancelled():
        main.exception()  # it has been logged, and must not hide why we are here


async def _within(awaitable: Any, seconds: float) -> None:
    try:
        await asyncio.wait_for(awaitable, seconds)
    except TimeoutError:
        logger.warning("Asynchronous generators of the application did not close in time")
