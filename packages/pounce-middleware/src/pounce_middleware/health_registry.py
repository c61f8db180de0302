"""What an application says about its own readiness: checks with names, each with its own time.

    from pounce_middleware import health_checks

    health_checks.add("database", lambda: pool.is_open)
    health_checks.add("queue", ping_queue, timeout=0.5)  # an async function

A check is well when it returns None or True. False, a text (which says why) and an exception mean that it is not, and
so does one that takes too long. An ordinary function runs in a thread, because it may block; one that still blocks is
not called again. A check may be asked for by anybody who reaches the server: so no check runs twice at once on one
loop, and what it said counts for a second.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Check", "CheckResult", "HealthRegistry", "health_checks"]

Check = Callable[[], "bool | str | None"] | Callable[[], Awaitable["bool | str | None"]]

COUNTS_FOR: Final = 1.0
"""Seconds for which a result is not asked for again."""

logger = logging.getLogger("pounce.error")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check said."""

    ok: bool
    detail: str = ""
    """Why not: what the check says, or the kind of its failure; the rest is in the log, since anybody may read this."""


class HealthRegistry:
    """Checks by name. Any thread may add to it and ask it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # guards the next one, which is replaced and never changed
        self._checks: Mapping[str, _Registered] = {}

    def add(self, name: str, check: Check, timeout: float = 1.0) -> None:
        """Ask this check from now on; one with the same name is replaced. ``timeout`` is in seconds.

        Raises:
            ValueError: the name is empty, or the time is not above 0.
        """
        if not name or not timeout > 0:
            raise ValueError(f"a check needs a name and a time above 0 seconds, not {name!r} and {timeout!r}")
        with self._lock:
            self._checks = {**self._checks, name: _Registered(name, check, timeout, self._clock)}

    def remove(self, name: str) -> None:
        """Ask it no more; nothing happens if there is none."""
        with self._lock:
            self._checks = {known: check for known, check in self._checks.items() if known != name}

    async def results(self) -> dict[str, CheckResult]:
        """What all of them say, asked at the same time."""
        checks = self._checks
        results = await asyncio.gather(*(check.result() for check in checks.values()))
        return dict(zip(checks, results, strict=True))


class _Running(threading.local):
    """The asking that is under way in the thread that looks: each worker asks on its own loop."""

    task: asyncio.Task[CheckResult] | None = None


class _Registered:
    """A check, and what it said last: one tuple, so that threads see both of it or none."""

    __slots__ = ("_begun", "_check", "_clock", "_last", "_lock", "_name", "_running", "_timeout")

    def __init__(self, name: str, check: Any, timeout: float, clock: Callable[[], float]) -> None:
        self._name = name
        self._check = check
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()  # guards the next one
        self._begun: list[float] = []  # when the calls began that are in a thread now: of several workers at once
        self._last: tuple[float, CheckResult] | None = None
        self._running = _Running()

    async def result(self) -> CheckResult:
        last = self._last
        if last is not None and self._clock() - last[0] < COUNTS_FOR:
            return last[1]
        loop, running = asyncio.get_running_loop(), self._running
        task = running.task
        if task is None or task.get_loop() is not loop or task.done():
            task = running.task = loop.create_task(self._ask())
        # Who asks may leave; the others still want to know.
        return await asyncio.shield(task)

    async def _ask(self) -> CheckResult:
        try:
            async with asyncio.timeout(self._timeout):
                result = _read(await self._call())
        except TimeoutError:
            result = CheckResult(False, f"no answer within {self._timeout:g} s")
        except Exception as error:  # noqa: BLE001 - a check that fails in any way is not well
            result = CheckResult(False, type(error).__name__)
            self._log(error)
        self._last = (self._clock(), result)
        return result

    async def _call(self) -> Any:
        if inspect.iscoroutinefunction(self._check):
            return await self._check()
        if self._hangs():
            raise TimeoutError
        answer = await asyncio.get_running_loop().run_in_executor(None, self._call_in_thread)
        return await answer if inspect.isawaitable(answer) else answer

    def _hangs(self) -> bool:
        """Whether a call goes on that has had its time: another would take one more thread."""
        with self._lock:
            return bool(self._begun) and self._clock() - min(self._begun) >= self._timeout

    def _call_in_thread(self) -> Any:
        begun = self._clock()
        with self._lock:
            self._begun.append(begun)
        try:
            return self._check()
        finally:
            with self._lock:
                self._begun.remove(begun)

    def _log(self, error: Exception) -> None:
        if self._last is None or self._last[1].ok:  # once for each time that it begins to fail
            logger.error("The health check %s fails: %s", self._name, error, exc_info=error)


def _read(answer: object) -> CheckResult:
    if answer is None or answer is True:
        return CheckResult(True)
    return CheckResult(False, answer if isinstance(answer, str) else "")


health_checks: Final = HealthRegistry()
"""Where an application adds its checks, unless the server is given another registry."""
