"""A loop whose time passes by itself, so that no test waits and none hangs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["VirtualTimeLoop", "run_virtually", "turns"]


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that never waits: where another would sleep, its clock is put forward. Waiting for nothing is an error."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1000.0
        self._real_select = self._selector.select  # type: ignore[attr-defined]
        self._selector.select = self._select  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now

    def _select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise AssertionError("everything waits for something that nobody will do")
        if timeout > 0:
            # One step at least as long as the clock's resolution, or the loop would call for it again and again.
            self._now += timeout + 1e-6
        ready: list[Any] = self._real_select(0)
        return ready


def run_virtually(main: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end on a loop with virtual time. Raises what ``main`` raises."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


async def turns(count: int = 10) -> None:
    """Let the loop turn: everything that is ready runs, and what that makes ready."""
    for _ in range(count):
        await asyncio.sleep(0)
