"""Rounds in turn, and what comes of them: medians with the spread that they had.

In every round each server is started, warmed up, measured and ended; the order turns from round to round, so that what
the machine does meanwhile hits all of them alike.
"""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pounce_testing.bench.contestants import Contestant, Launch
from pounce_testing.bench.errors import BenchError
from pounce_testing.bench.load import Generator, run_load
from pounce_testing.bench.process_tree import cpu_seconds, memory_bytes
from pounce_testing.bench.serving import free_port, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_testing.bench.load_report import LoadReport
    from pounce_testing.bench.request import LoadRequest

__all__ = ["Comparison", "Plan", "Result", "Round", "Spread", "compare", "indistinct"]

WARM_UP: Final = 1.0
"""Seconds of load before the measurement: imports, caches and specialised bytecode are there then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is compared, and how."""

    app: str
    app_dir: str
    contestants: tuple[Contestant, ...]
    request: LoadRequest
    generator: Generator
    rounds: int = 3
    seconds: float = 5.0
    connections: int = 32
    workers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One server in one round."""

    load: LoadReport
    cpu: float
    """Seconds of processor time that all its processes used."""
    memory: int
    """Bytes after the load."""

    @property
    def cpu_per_request(self) -> float:
        """In seconds."""
        return self.cpu / self.load.requests


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    @property
    def share(self) -> float:
        """How far the rounds are apart, as a share of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0

    def overlaps(self, other: Spread) -> bool:
        """Rounds of both are among each other: which of the two is less cannot be said."""
        return self.low <= other.high and other.low <= self.high


@dataclass(slots=True, kw_only=True)
class Result:
    """One server over all rounds."""

    name: str
    version: str
    rounds: list[Round] = field(default_factory=list)
    failure: str | None = None
    """Why it was left out."""

    @property
    def cpu(self) -> Spread:
        """Seconds of processor time per request."""
        return Spread.of([one.cpu_per_request for one in self.rounds])

    @property
    def rate(self) -> Spread:
        """Requests per second."""
        return Spread.of([one.load.rate for one in self.rounds])

    @property
    def memory(self) -> Spread:
        """Bytes."""
        return Spread.of([float(one.memory) for one in self.rounds])

    def latency(self, share: float) -> Spread:
        """Seconds."""
        return Spread.of([one.load.latencies[share] for one in self.rounds])

    @property
    def failures(self) -> int:
        """Requests that failed, in all rounds."""
        return sum(one.load.failures for one in self.rounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of a plan."""

    plan: Plan
    results: tuple[Result, ...]

    @property
    def measured(self) -> list[Result]:
        """The servers that have figures, those that need least processor time first."""
        return sorted((one for one in self.results if one.failure is None), key=lambda one: one.cpu.median)

    @property
    def saturated(self) -> bool:
        """In some round the generator was the bottleneck."""
        return any(one.load.saturated for result in self.measured for one in result.rounds)


def compare(plan: Plan, say: Callable[[str], object]) -> Comparison:
    """Measure; ``say`` hears of every step. A server that fails is left out of what follows."""
    results = {one.name: Result(name=one.name, version=one.version) for one in plan.contestants}
    for number in range(plan.rounds):
        turn = number % len(plan.contestants)
        for contestant in (*plan.contestants[turn:], *plan.contestants[:turn]):
            result = results[contestant.name]
            if result.failure is not None:
                continue
            try:
                done = _measure(contestant, plan)
            except BenchError as error:
                result.failure = str(error)
                say(f"round {number + 1}/{plan.rounds}  {contestant.name}: left out: {error}")
                continue
            result.rounds.append(done)
            say(
                f"round {number + 1}/{plan.rounds}  {contestant.name}: {done.cpu_per_request * 1e6:.1f} us of CPU per"
                f" request, {done.load.rate:,.0f} requests/s"
            )
    return Comparison(plan=plan, results=tuple(results.values()))


def _measure(contestant: Contestant, plan: Plan) -> Round:
    launch = Launch(app=plan.app, port=free_port(), workers=plan.workers, app_dir=plan.app_dir)
    with serving(contestant, launch, plan.request) as served:
        _load(plan, served.port, min(WARM_UP, plan.seconds))
        before = cpu_seconds(served.pid)
        load = _load(plan, served.port, plan.seconds)
        cpu = cpu_seconds(served.pid) - before
        memory = memory_bytes(served.pid)
    if not load.requests:
        raise BenchError(f"answered no request properly; {load.failures} failed")
    return Round(load=load, cpu=cpu, memory=memory)


def _load(plan: Plan, port: int, seconds: float) -> LoadReport:
    return run_load(plan.generator, plan.request, port=port, connections=plan.connections, seconds=seconds)


def indistinct(comparison: Comparison) -> list[tuple[str, str]]:
    """Neighbours in processor time whose rounds overlap: pairs of which it cannot be said who needs less."""
    pairs = itertools.pairwise(comparison.measured)
    return [(one.name, other.name) for one, other in pairs if one.cpu.overlaps(other.cpu)]
