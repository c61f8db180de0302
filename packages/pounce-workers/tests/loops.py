"""Event loops for tests: every kind that a transport may have to run on, and one whose time passes by itself."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING, Any

from pounce_workers import ServingLoop
from pounce_workers.net.readiness import SelectReadiness
from pounce_workers.net.selector import ServingSelector

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

HANGS_AFTER = 10.0
"""Seconds; nothing here takes long, so only a hang is cut off by it."""


def _serving_on_select() -> asyncio.AbstractEventLoop:
    return ServingLoop(ServingSelector(SelectReadiness()))


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


OURS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "serving": ServingLoop,
    "serving-select": _serving_on_select,
}
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {**OURS, "asyncio": asyncio.SelectorEventLoop}
if importlib.util.find_spec("uvloop") is not None:
    LOOPS["uvloop"] = _uvloop


def run_on(make_loop: Callable[[], asyncio.AbstractEventLoop], main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run to the end on a fresh loop; whatever the loop would only have logged is raised."""
    loop = make_loop()
    unforeseen: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: unforeseen.append(context))
    try:
        result = loop.run_until_complete(asyncio.wait_for(main(), HANGS_AFTER))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
    assert not unforeseen, unforeseen
    return result


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that never waits: where another would sleep, its clock is put forward. Waiting for nothing is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._real_select = self._selector.select  # type: ignore[attr-defined]
        self._selector.select = self._select  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now

    def _select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise AssertionError("everything waits for something that nobody will do")
        if timeout > 0:
            # One step at least as long as the clock's resolution, or the loop would call for it again and again.
            self.now += timeout + 1e-6
        return self._real_select(0)  # type: ignore[no-any-return]


def run_virtually(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run to the end on a loop with virtual time. Raises what ``main`` raises."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


async def turns(count: int = 10) -> None:
    """Let the loop turn: everything that is ready runs, and what that makes ready."""
    for _ in range(count):
        await asyncio.sleep(0)
