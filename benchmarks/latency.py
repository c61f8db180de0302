"""Latency at half of what saturates a server, where it is not the length of a queue.

First each server is saturated (wrk, hello, 32 connections; the best round counts). Then, in turns, each gets requests
by a timetable (`open_loop`): at half of its own rate, and all at half of the rate of the one they are compared with. A
turn in which somebody else used one of the two cores is taken again, and does not count if that does not help: a
stranger's slice of the processor is longer than any latency here.
"""

from __future__ import annotations

import enum
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.generator import LoadError
from benchmarks.load import put_load
from benchmarks.open_loop import OpenLoopReport
from benchmarks.process_tree import busy_seconds, cpu_seconds
from benchmarks.servers import Mode
from benchmarks.serving import ROOT, on_core
from benchmarks.workloads import CLIENTS, WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.ground import Ground, Taken
    from benchmarks.servers import Server

__all__ = ["LatencyTurn", "Pace", "measure_latency", "measure_saturation", "median_p99", "why_not"]

WORKLOAD: Final = WORKLOADS["hello"]
REFERENCE: Final = "uvicorn"
HALF: Final = 0.5
GRACE_SECONDS: Final = 60
"""How much longer than its timetable the load generator may take before it counts as hung."""
CALM: Final = 0.03
"""A turn counts when others used no larger share than this of the server's core, and of the load generator's."""
ATTEMPTS: Final = 5
"""So often a turn is taken at most."""


class Pace(enum.Enum):
    """At which rate requests come."""

    OWN = "half of its own rate"
    REFERENCE = f"half of {REFERENCE}'s rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyTurn:
    """What one server did in one round at one pace."""

    rate: float
    """Requests due in a second."""
    report: OpenLoopReport
    others: float
    """Share of a core that processes other than ours used meanwhile; of the two cores the larger."""

    @property
    def calm(self) -> bool:
        return self.others <= CALM


def measure_saturation(ground: Ground) -> dict[str, float]:
    """Requests a second that each server answers at most; servers that failed are left out."""

    def take(server: Server, _: int) -> float:
        with ground.serving(server, WORKLOAD, Mode.QUIET) as (_process, port):
            if ground.warm_up:
                put_load(port, WORKLOAD, seconds=ground.warm_up, core=ground.cores.load)
            report = put_load(port, WORKLOAD, seconds=ground.seconds, core=ground.cores.load)
        return report.requests / report.seconds

    taken = ground.in_turns(ground.able(WORKLOAD), take, "saturation")
    # The best one: whatever else goes on here can only make it less.
    return {name: max(one.turns) for name, one in taken.items() if not one.problem and max(one.turns) > 0}


def measure_latency(ground: Ground, saturation: Mapping[str, float], pace: Pace) -> dict[str, Taken[LatencyTurn]]:
    """All rounds of the saturated servers at one pace; nothing when the rate to go by is not known."""
    if pace is Pace.REFERENCE and REFERENCE not in saturation:
        return {}

    def take(server: Server, number: int) -> LatencyTurn:
        rate = HALF * saturation[server.name if pace is Pace.OWN else REFERENCE]
        turn = _calm_turn(ground, server, rate, number)
        report = turn.report
        times = (
            f"{report.p50 * 1000:7.3f} ms p50 {report.p99 * 1000:7.3f} ms p99 {report.longest * 1000:7.2f} ms at most"
        )
        print(
            f"  {server.name:10} {rate:10,.0f} requests/s {times}, others {turn.others:.0%}",
            file=sys.stderr,
            flush=True,
        )
        return turn

    servers = [server for server in ground.servers if server.name in saturation]
    return ground.in_turns(servers, take, f"latency at {pace.value}")


def _calm_turn(ground: Ground, server: Server, rate: float, number: int) -> LatencyTurn:
    best: LatencyTurn | None = None
    for _ in range(ATTEMPTS):
        turn = _turn(ground, server, rate, number)
        if best is None or turn.others < best.others:
            best = turn
        if best.calm:
            break
    assert best is not None
    return best


def _turn(ground: Ground, server: Server, rate: float, number: int) -> LatencyTurn:
    """One start of the server. Its timetable is that of every server in this round at this rate."""
    cores = [core for core in (ground.cores.server, ground.cores.load) if core is not None]
    with ground.serving(server, WORKLOAD, Mode.QUIET) as (process, port):
        before, started, used = [busy_seconds(core) for core in cores], time.monotonic(), cpu_seconds(process.pid)
        report, load_used = _put_open_load(ground, port, rate, seed=number)
        elapsed = time.monotonic() - started
        busy = [busy_seconds(core) - earlier for core, earlier in zip(cores, before, strict=True)]
        ours = [cpu_seconds(process.pid) - used, load_used]
    shares = [(seconds - own) / elapsed for seconds, own in zip(busy, ours, strict=False)]
    return LatencyTurn(rate=rate, report=report, others=max(0.0, *shares) if shares else 0.0)


def _put_open_load(ground: Ground, port: int, rate: float, *, seed: int) -> tuple[OpenLoopReport, float]:
    """Run the load generator; the result is its report and the processor time that it used.

    Raises:
        LoadError: it did not do its work.
    """
    command = [
        *[sys.executable, "-m", "benchmarks.open_loop", str(port), "--rate", str(rate), "--connections", str(CLIENTS)],
        *["--seconds", str(ground.seconds), "--warm-up", str(ground.warm_up), "--seed", str(seed)],
        *["--answer", WORKLOAD.answer.decode("ascii")],
    ]
    limit = ground.seconds + ground.warm_up + GRACE_SECONDS
    with on_core(ground.cores.load), subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, text=True) as process:
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise LoadError(f"the load generator did not end within {limit} s") from error
    if process.returncode != 0:
        raise LoadError(f"the load generator ended with {process.returncode}: {err.strip()[-200:]}")
    said = json.loads(out)
    return OpenLoopReport(**said["report"]), said["cpu"]


def why_not(taken: Taken[LatencyTurn]) -> str:
    """Why a server has no figures; empty when it has."""
    if taken.problem:
        return f"failed: {taken.problem.splitlines()[0]}"
    if not all(turn.report.requests for turn in taken.turns):
        return "answered nothing"
    if not any(turn.calm for turn in taken.turns):
        return "disturbed by others"
    return ""


def median_p99(taken: Taken[LatencyTurn]) -> float | None:
    """Seconds, over the calm turns; None when there are no figures."""
    if why_not(taken):
        return None
    return statistics.median(turn.report.p99 for turn in taken.turns if turn.calm)
