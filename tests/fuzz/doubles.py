"""Hosts, transports and clients without sockets: those that lie beside the tests of each package."""

from __future__ import annotations

import asyncio
import atexit
import functools
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["Wait", "double", "forget_loop", "run", "turns"]

_PACKAGES = Path(__file__).parents[2] / "packages"


def double(package: str, name: str) -> Any:
    """A module of doubles from the tests of a package."""
    folder = str(_PACKAGES / package / "tests")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


class Wait:
    """An application that reads all of a request and then waits for its client to go."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


async def turns(count: int = 6) -> None:
    """Let the loop turn: everything that is ready runs, and what that makes ready."""
    for _ in range(count):
        await asyncio.sleep(0)


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def forget_loop() -> None:
    """Make a new one: tasks were left in it."""
    _loop.cache_clear()


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario; what the loop would only have logged is raised, and so is a task that it has left behind."""
    unforeseen: list[dict[str, Any]] = []
    loop = _loop()
    loop.set_exception_handler(lambda _, context: unforeseen.append(context))
    try:
        loop.run_until_complete(scenario())
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.set_exception_handler(None)
    assert not left, f"tasks that nobody ends: {left}"
    for context in unforeseen:
        raise context.get("exception") or AssertionError(context["message"])
