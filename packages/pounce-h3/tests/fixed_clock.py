"""An event loop whose clock stands still while anything can be done, and then jumps to the next thing that is due.

So seconds of waiting cost nothing, and the same seed gives the same course of events.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["FixedClockLoop", "StandstillError", "no_earlier", "run"]

T = TypeVar("T")

LATENESS: Final = 1e-5
"""Seconds."""
LONGEST: Final = 3600.0
"""Seconds of the clock after which a scenario counts as hung."""


class StandstillError(Exception):
    """Nothing is due and nothing is ready: whoever waits would wait for ever."""


class _Jumping(selectors.DefaultSelector):
    """Never waits: moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise StandstillError("nothing is left that could happen")
            self.now += max(timeout, 0)
        return ready


class FixedClockLoop(asyncio.SelectorEventLoop):
    """``loop.time()`` is the clock; it begins at 1000 seconds."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def no_earlier(when: float, loop: asyncio.AbstractEventLoop) -> float:
    """When a timer for ``when`` fires: a little late, like every timer of a system. At the very moment, rounding could
    make it too early by nothing, again and again.
    """
    return max(when, loop.time()) + LATENESS


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a scenario by the fixed clock; whatever its loop would only have logged is raised."""
    unforeseen: list[dict[str, Any]] = []

    async def main() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unforeseen.append(context))
        async with asyncio.timeout(LONGEST):
            return await scenario

    with asyncio.Runner(loop_factory=FixedClockLoop) as runner:
        result = runner.run(main())
    assert not unforeseen, unforeseen
    return result
