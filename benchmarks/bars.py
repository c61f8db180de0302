"""The bars: how much CPU time per request Pounce may need, as a share of what another server needs in the same run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.servers import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.machine import Interpreter
    from benchmarks.measurement import Case, Summary

__all__ = ["BARS", "Bar", "Verdict", "judge"]

SUBJECT: Final = "pounce"
QUIET: Final = Mode.QUIET


@dataclass(frozen=True, slots=True)
class Bar:
    """Pounce's CPU time per request divided by the rival's must not be above ``most``."""

    workload: str
    mode: Mode
    most: float
    rival: str = "uvicorn"


BARS: Final = (
    Bar("hello", QUIET, 0.50),
    Bar("hello", Mode.DEFAULTS, 0.45),
    Bar("hello", QUIET, 1.35, rival="nginx"),
    Bar("differing", QUIET, 0.60),
    Bar("close", QUIET, 0.90),
    Bar("post-1k", QUIET, 0.60),
    Bar("post-64k", QUIET, 1.0),
    Bar("large", QUIET, 1.0),
    Bar("stream", QUIET, 0.55),
    Bar("sleep", QUIET, 0.90),
    Bar("many", QUIET, 0.60),
    Bar("fastapi", QUIET, 0.80),
    Bar("fastapi-post", QUIET, 0.85),
    Bar("fastapi-thread", QUIET, 1.0),
)
"""They hold on an optimised free-threaded build, for which Pounce is made."""

ELSEWHERE: Final = 1.2
"""On other builds no workload, in no mode, may need more than this share of uvicorn's time."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bar and what was measured; ``share`` is None when one of the two servers has no figure."""

    bar: Bar
    share: float | None

    @property
    def word(self) -> str:
        """``pass``, ``MISS`` or ``not measured``."""
        if self.share is None:
            return "not measured"
        return "pass" if self.share <= self.bar.most else "MISS"


def bars_for(interpreter: Interpreter, cases: Mapping[Case, object]) -> list[Bar]:
    """The bars of this interpreter for what was measured."""
    measured = [(case.workload.name, case.mode) for case in cases]
    if interpreter.free_threaded and interpreter.optimised:
        return [bar for bar in BARS if (bar.workload, bar.mode) in measured]
    return [Bar(workload, mode, ELSEWHERE) for workload, mode in measured]


def judge(interpreter: Interpreter, results: Mapping[Case, Mapping[str, Summary]]) -> list[Verdict]:
    """Hold the results against the bars."""
    by_name = {(case.workload.name, case.mode): summaries for case, summaries in results.items()}
    verdicts = []
    for bar in bars_for(interpreter, results):
        summaries = by_name[bar.workload, bar.mode]
        subject, rival = summaries.get(SUBJECT), summaries.get(bar.rival)
        verdicts.append(Verdict(bar, subject.cpu_share_of(rival) if subject and rival else None))
    return verdicts
