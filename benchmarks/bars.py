"""The bars: what Pounce may need, in most cases as a share of what another server needs in the same run."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.servers import Mode
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.machine import Interpreter

__all__ = ["BARS", "Bar", "Figure", "Figures", "Subject", "Verdict", "judge"]

SUBJECT: Final = "pounce"
QUIET: Final = Mode.QUIET


class Figure(enum.Enum):
    """What a bar is about. All are seconds, and less is better."""

    CPU = "CPU per request"
    """Or per message, of a WebSocket."""
    P99_OWN = "p99, each at half of its own rate"
    P99_SAME = "p99, all at half of uvicorn's rate"
    PAUSE = "longest garbage collection, ms"


@dataclass(frozen=True, slots=True)
class Subject:
    """What was measured: a figure of a workload in a mode."""

    workload: str
    mode: Mode
    figure: Figure = Figure.CPU


Figures = dict[Subject, dict[str, float]]
"""Subject -> server -> seconds. A server without a figure is not there."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Pounce's figure divided by the rival's must not be above ``most``; without a rival, the figure in ms."""

    workload: str
    mode: Mode
    most: float
    rival: str = "uvicorn"
    figure: Figure = Figure.CPU

    @property
    def subject(self) -> Subject:
        return Subject(self.workload, self.mode, self.figure)

    def measure(self, figures: Mapping[str, float]) -> float | None:
        """What has to be at most ``most``; None when a server has no figure."""
        own = figures.get(SUBJECT)
        if own is None:
            return None
        if not self.rival:
            return own * 1000
        return own / figures[self.rival] if figures.get(self.rival) else None


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
    Bar("tls", QUIET, 0.60),
    Bar("websocket", QUIET, 0.80),
    Bar("h2c", QUIET, 0.60, rival="hypercorn"),
    Bar("latency", QUIET, 1.0, figure=Figure.P99_OWN),
    Bar("latency", QUIET, 1.0, figure=Figure.P99_SAME),
    Bar("pauses", QUIET, 5.0, rival="", figure=Figure.PAUSE),
    Bar("pauses-fastapi", QUIET, 5.0, rival="", figure=Figure.PAUSE),
)
"""They hold on an optimised free-threaded build, for which Pounce is made."""

HTTP3: Final = Bar("h3", QUIET, 0.70, rival="hypercorn-h3")
"""Where both have the same QUIC, which is not so on a free-threaded build: there the rival has none."""

ELSEWHERE: Final = 1.2
"""On other builds no other workload, in no mode, may need more than this share of the figure of its reference."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bar and what was measured, which is None when a server has no figure."""

    bar: Bar
    measured: float | None

    @property
    def word(self) -> str:
        """``pass``, ``MISS`` or ``not measured``."""
        if self.measured is None:
            return "not measured"
        return "pass" if self.measured <= self.bar.most else "MISS"


def bars_for(interpreter: Interpreter, figures: Figures) -> list[Bar]:
    """The bars of this interpreter for what was measured."""
    if interpreter.free_threaded and interpreter.optimised:
        return [bar for bar in BARS if bar.subject in figures]
    return [
        HTTP3
        if subject == HTTP3.subject
        else Bar(subject.workload, subject.mode, ELSEWHERE, rival=_reference(subject), figure=subject.figure)
        for subject in figures
        if subject.figure is not Figure.PAUSE
    ]


def _reference(subject: Subject) -> str:
    """The server that figures of a workload are compared with; latency is none of the workloads."""
    workload = WORKLOADS.get(subject.workload)
    return workload.reference if workload else WORKLOADS["hello"].reference


def judge(interpreter: Interpreter, figures: Figures) -> list[Verdict]:
    """Hold what was measured against the bars."""
    return [Verdict(bar, bar.measure(figures[bar.subject])) for bar in bars_for(interpreter, figures)]
