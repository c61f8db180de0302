"""A handler that computes in Python. How much is told by the environment, so that all servers compute the same."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from benchmarks.apps import hello

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["STEPS", "calibrate", "compute", "steps_of"]

STEPS: Final = "POUNCE_BENCHMARK_STEPS"
"""The variable that says how many steps a request computes."""
DEFAULT: Final = 20_000
MILLISECOND: Final = 0.001

_steps: Final = int(os.environ.get(STEPS, DEFAULT))


def steps_of(count: int) -> int:
    """Compute in Python, without waiting and without anything that threads would share."""
    total = 0
    for step in range(count):
        total += step & 7
    return total


def calibrate() -> int:
    """How many steps take a millisecond here: the best of several tries, which nobody disturbed."""
    best = min(_seconds(DEFAULT) for _ in range(50))
    return max(1, round(DEFAULT * MILLISECOND / best))


def _seconds(count: int) -> float:
    begun = time.perf_counter()
    steps_of(count)
    return time.perf_counter() - begun


async def compute(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Compute, then answer 13 bytes."""
    steps_of(_steps)
    await hello(scope, receive, send)
