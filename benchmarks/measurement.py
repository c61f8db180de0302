"""What is measured: one turn of one server, and the medians over its turns."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.servers import Mode
    from benchmarks.workloads import Workload

__all__ = ["Case", "Summary", "Turn", "summarise"]


@dataclass(frozen=True, slots=True)
class Case:
    """A workload in a mode: what one table is about."""

    workload: Workload
    mode: Mode

    def __str__(self) -> str:
        return f"{self.workload.name} ({self.mode.value})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one server did in one round."""

    requests: int
    """Requests answered."""
    seconds: float
    """How long the load lasted."""
    p99: float
    """Latency that 99 % of the requests did not exceed, in seconds."""
    cpu: float
    """Processor time of the server's whole process tree, user and system, in seconds."""
    memory: int
    """Proportional set size of the tree after the load, in bytes."""
    failures: int
    """Answers with another status, socket errors and time-outs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Medians over the turns of one server in one case."""

    requests_per_second: float
    p99: float
    """Seconds."""
    cpu_per_request: float
    """Seconds."""
    memory: float
    """Bytes."""
    failures: int
    """Of all turns together."""
    problem: str = ""
    """Why there are no figures, when there are none."""

    def cpu_share_of(self, other: Summary) -> float | None:
        """This server's processor time per request as a share of the other's; None when one has no figure."""
        if self.problem or other.problem or not other.cpu_per_request:
            return None
        return self.cpu_per_request / other.cpu_per_request


def summarise(turns: Sequence[Turn], problem: str = "") -> Summary:
    """The medians; with a ``problem``, or when nothing was answered, there are no figures."""
    if not problem and not any(turn.requests for turn in turns):
        problem = "answered nothing"
    failures = sum(turn.failures for turn in turns)
    if problem:
        return Summary(requests_per_second=0, p99=0, cpu_per_request=0, memory=0, failures=failures, problem=problem)
    answered = [turn for turn in turns if turn.requests]
    return Summary(
        requests_per_second=statistics.median(turn.requests / turn.seconds for turn in answered),
        p99=statistics.median(turn.p99 for turn in answered),
        cpu_per_request=statistics.median(turn.cpu / turn.requests for turn in answered),
        memory=statistics.median(turn.memory for turn in answered),
        failures=failures,
    )
