"""Samples the stacks of all threads of this process, for some seconds: the answer to the question ``profile``.

It samples in the thread that asks, which a server gives for it. Looking never takes more than a tenth of the time: of a
processor's, or where it stops all threads, of everybody's. Where it would, it looks less often, and says how often.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from .idle_frames import ROOTS, is_idle
from .stack_counts import StackCounts
from .stack_readers import best_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from .stack_readers import StackReader

__all__ = ["LONGEST", "ProfileRequest", "ThreadProfiler"]

LONGEST: Final = 60.0
"""Seconds of one profile: enough to catch what is seldom, and not for ever."""
SHORTEST_INTERVAL: Final = 0.001
LONGEST_INTERVAL: Final = 1.0
ENOUGH: Final = 10
"""Samples after which a thread that was always at the same place, near its root, is taken for one that waits."""
RESTING: Final = 0.01
"""Share of a processor that a thread may use which does nothing but wait, and look around now and then."""
REST: Final = 9.0
"""A look that took so long is followed by a pause of at least so many times as much."""


class ProfileRequest:
    """What is asked for.

    Raises:
        ValueError: it cannot be had; the message says why.
    """

    __slots__ = ("id", "idle", "interval", "seconds")

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.id = str(arguments.get("id", ""))[:64]
        self.seconds = _number(arguments, "seconds", 10.0, 0.01, LONGEST)
        self.interval = _number(arguments, "interval", 0.01, SHORTEST_INTERVAL, LONGEST_INTERVAL)
        self.idle = arguments.get("idle", False) is True


def _number(arguments: dict[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ValueError(f"{name} must be a number of seconds from {least:g} to {most:g}, not {value!r:.40}")
    return float(value)


class ThreadProfiler:
    """One for each process. Every method may be called from any thread."""

    def __init__(
        self,
        *,
        worker_of: Callable[[int, str], str | None] | None = None,
        new_reader: Callable[[], StackReader] = best_reader,
    ) -> None:
        """``worker_of`` is given a thread's number and name, and tells whose it is; None where it knows nothing."""
        self._worker_of = worker_of
        self._new_reader = new_reader
        self._lock = threading.Lock()  # guards the next one
        self._current: tuple[str, threading.Event] | None = None
        """The profile that is made now, and what ends it early."""

    @property
    def answers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """What it answers, by the names of the questions."""
        return {"profile": self.answer, "profile_stop": self.stop}

    def stop(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Answer ``profile_stop``: who asked for the profile with this ``id`` is gone."""
        with self._lock:
            current = self._current
        stopped = current is not None and current[0] == str(arguments.get("id", ""))[:64]
        if stopped and current is not None:
            current[1].set()
        return {"stopped": stopped}

    def answer(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Answer ``profile``: blocks for as long as is asked for, one minute at most.

        What it tells: ``seconds`` and ``samples`` that it took, ``interval`` between them, ``missed`` for those that
        failed, ``idle`` for stacks of threads that only waited for work, and what `StackCounts.as_json` tells. Or
        ``error`` alone, with ``busy`` where another profile is being made.
        """
        try:
            request = ProfileRequest(arguments)
        except ValueError as error:
            return {"error": str(error)}
        ended = threading.Event()
        with self._lock:
            if self._current is not None:
                return {"error": "another profile of this server is being made: wait for its end", "busy": True}
            self._current = (request.id, ended)
        try:
            return self._sample(request, ended)
        finally:
            with self._lock:
                self._current = None

    def _sample(self, request: ProfileRequest, ended: threading.Event) -> dict[str, Any]:
        counts = StackCounts()
        samples = missed = idle = 0
        used = self._used()
        reader = self._new_reader()
        cost = time.perf_counter if reader.stops_all else time.thread_time
        began = look_at = time.perf_counter()
        end = began + request.seconds
        try:
            while True:
                looked = cost()
                try:
                    stacks = reader.read()
                except OSError:
                    missed += 1
                else:
                    samples += 1
                    idle += self._count(counts, stacks, keep_idle=request.idle)
                now = time.perf_counter()
                look_at = max(look_at + request.interval, now + REST * (cost() - looked))
                if ended.wait(max(min(look_at, end) - now, 0)) or time.perf_counter() >= end:
                    break
        finally:
            reader.close()
        seconds = time.perf_counter() - began
        if not request.idle:
            idle += counts.drop_unmoved(self._rested(used, seconds), frames=ROOTS, samples=ENOUGH)
        return {
            "pid": os.getpid(),
            "how": reader.how,
            "seconds": seconds,
            "interval": seconds / max(samples, 1),
            "samples": samples,
            "missed": missed,
            "idle": idle,
            **counts.as_json(),
        }

    def _used(self) -> dict[str, float]:
        """Processor time of each thread so far, in seconds, where the system tells: on Linux."""
        used: dict[str, float] = {}
        for thread in threading.enumerate():
            with contextlib.suppress(OSError, ValueError, IndexError):
                told = pathlib.Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text("ascii")
                name = self._name(thread.ident or 0, thread.name)
                used[name] = used.get(name, 0.0) + int(told.split()[0]) / 1e9
        return used

    def _rested(self, before: dict[str, float], seconds: float) -> list[str]:
        """The threads that used nearly nothing since then, so that one that stood in one place did not work there."""
        now = self._used()
        return [name for name, used in before.items() if name in now and now[name] - used < RESTING * seconds]

    def _name(self, ident: int, name: str) -> str:
        worker = self._worker_of(ident, name) if self._worker_of is not None else None
        return worker or name

    def _count(self, counts: StackCounts, stacks: dict[int, Any], *, keep_idle: bool) -> int:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        idle = 0
        for ident, stack in stacks.items():
            if not stack:
                continue
            if not keep_idle and is_idle(stack):
                idle += 1
                continue
            counts.add(self._name(ident, names.get(ident) or f"thread {ident}"), stack)
        return idle
