"""What more workers bring and cost: requests a second and memory for 1, 2, 4 and 8 of them, of every kind.

    python -m benchmarks.scale                                        everything: about half an hour
    python -m benchmarks.scale --rounds 1 --seconds 1 --workers 1 2 --workloads compute --fleets "pounce threads"

Three workloads: the smallest answer, FastAPI, and a handler that computes for a millisecond in Python, which only
workers that really run side by side can do more of. Servers and load generator share all cores here, so figures of the
first two say little about more workers than half of the cores; memory does not mind. Peers are installed as for
`benchmarks.compare`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.fleets import FLEETS, Fleet
from benchmarks.generator import LoadError
from benchmarks.load import put_load
from benchmarks.machine import Interpreter, describe_machine
from benchmarks.peers import FRAMEWORKS, install_peers, loud
from benchmarks.process_tree import cpu_seconds, pss_bytes
from benchmarks.scale_apps import STEPS
from benchmarks.servers import Mode, ServerError
from benchmarks.serving import ROOT, serving
from benchmarks.workloads import WORKLOADS, Workload
from benchmarks.wrk_load import wrk_version
from scripts.workspace import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Figure", "Key", "main", "table", "verdicts"]

COUNTS: Final = (1, 2, 4, 8)
COMPUTE: Final = Workload(
    name="compute",
    title="a handler that computes for 1 ms in Python",
    app="benchmarks.scale_apps:compute",
    answer=b"Hello, world!",
)
SCALED: Final = {"hello": WORKLOADS["hello"], "fastapi": WORKLOADS["fastapi"], "compute": COMPUTE}

LEAST_GAIN: Final = 1.8
"""So many times as many computing requests have two worker threads to answer as one, on two cores without the GIL."""
MOST_MEMORY: Final = 1 / 3
"""At most this part of the memory of uvicorn's eight processes may eight worker threads need, with FastAPI."""

QUIET_SECONDS: Final = 0.5
QUIET_SHARE: Final = 0.1
"""All workers have started when the server uses less than this part of a core for so many seconds."""
START_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Key:
    """What was measured."""

    workload: str
    fleet: str
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What came of it."""

    rate: float
    """Requests a second, the median of the rounds."""
    memory: float
    """Bytes (PSS) of all processes together, after the load."""
    failures: int


Figures = dict[Key, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One run."""

    fleets: Sequence[Fleet]
    workloads: Sequence[Workload]
    counts: Sequence[int]
    ours: Interpreter
    peers: Interpreter | None
    rounds: int
    seconds: int

    def run(self) -> Figures:
        """Measure everything; each table is shown when it is ready."""
        figures: Figures = {}
        for workload in self.workloads:
            turns: dict[Key, list[Figure]] = {}
            for _ in range(self.rounds):
                for workers in self.counts:
                    for fleet in self.fleets:
                        key = Key(workload.name, fleet.name, workers)
                        figure = self.take_turn(fleet, workload, workers)
                        if figure is not None:
                            turns.setdefault(key, []).append(figure)
            figures.update({key: _median(taken) for key, taken in turns.items()})
            print(f"\n{workload.name}: {workload.title}\n\n{table(workload.name, figures)}", flush=True)
        return figures

    def take_turn(self, fleet: Fleet, workload: Workload, workers: int) -> Figure | None:
        """Start a server, let all its workers start, warm them up, measure them. None if it failed, which is told."""
        python = self.ours if fleet.server.ours or self.peers is None else self.peers
        server = fleet.of(workers)
        try:
            with serving(server, workload, Mode.QUIET, python=python.path, core=None) as (process, port):
                wait_until_quiet(process.pid)
                put_load(port, workload, seconds=1, core=None)
                report = put_load(port, workload, seconds=self.seconds, core=None)
                memory = pss_bytes(process.pid)
        except (ServerError, LoadError) as error:
            loud(f"{server.name}, {workload.name}: {error}")
            return None
        rate = report.requests / report.seconds
        print(f"  {server.name:20} {rate:10,.0f} requests/s {memory / 2**20:8.1f} MiB", file=sys.stderr, flush=True)
        return Figure(rate=rate, memory=memory, failures=report.failures)


def wait_until_quiet(pid: int) -> None:
    """Wait until a server that answers already has started all its workers.

    Raises:
        ServerError: it does not come to rest.
    """
    deadline = time.monotonic() + START_SECONDS
    used = cpu_seconds(pid)
    while time.monotonic() < deadline:
        time.sleep(QUIET_SECONDS)
        before, used = used, cpu_seconds(pid)
        if used - before < QUIET_SHARE * QUIET_SECONDS:
            return
    raise ServerError(f"is still busy {START_SECONDS:g} s after its first answer, without any load")


def _median(turns: Sequence[Figure]) -> Figure:
    return Figure(
        rate=statistics.median(turn.rate for turn in turns),
        memory=statistics.median(turn.memory for turn in turns),
        failures=sum(turn.failures for turn in turns),
    )


def table(workload: str, figures: Mapping[Key, Figure]) -> str:
    """Requests a second and MiB, a line for each kind of worker, a column for each number of them."""
    keys = [key for key in figures if key.workload == workload]
    counts = sorted({key.workers for key in keys})
    heads = [f"{count} worker{'s' if count > 1 else ''}" for count in counts]
    lines = [f"| requests/s, MiB | {' | '.join(heads)} |", "|---" * (len(counts) + 1) + "|"]
    for fleet in dict.fromkeys(key.fleet for key in keys):
        cells = [_cell(figures.get(Key(workload, fleet, count))) for count in counts]
        lines.append(f"| {fleet} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "failed"
    failures = f" ({figure.failures} failures)" if figure.failures else ""
    return f"{figure.rate:,.0f}, {figure.memory / 2**20:,.0f}{failures}"


def verdicts(figures: Mapping[Key, Figure], *, free_threaded: bool, cores: int) -> list[str]:
    """How the bars were met, a line for each; what was not measured, or cannot be here, is said."""
    one, two = (figures.get(Key("compute", "pounce threads", count)) for count in (1, 2))
    threads, rival = (figures.get(Key("fastapi", name, 8)) for name in ("pounce threads", "uvicorn"))
    gain = two.rate / one.rate if one and two and one.rate else None
    share = threads.memory / rival.memory if threads and rival and rival.memory else None
    possible = free_threaded and cores > 1
    return [
        _verdict(f"2 worker threads do at least {LEAST_GAIN:g} times what 1 does", gain, possible, LEAST_GAIN, 1),
        _verdict(
            f"8 worker threads need at most {MOST_MEMORY:.2f} of the memory of uvicorn's 8 processes",
            share,
            free_threaded,
            MOST_MEMORY,
            -1,
        ),
    ]


def _verdict(what: str, measured: float | None, possible: bool, bar: float, sign: int) -> str:
    if not possible:
        return f"{what}: no bar on this Python and machine" + (f" ({measured:.2f})" if measured is not None else "")
    if measured is None:
        return f"{what}: not measured"
    return f"{what}: {'pass' if sign * measured >= sign * bar else 'MISS'} ({measured:.2f})"


def prepare(options: argparse.Namespace) -> Scale:
    """Find out what is here and install the peers.

    Raises:
        WorkspaceError, OSError, subprocess.SubprocessError: it cannot be.
    """
    ours = Interpreter.probe(options.python, {"pounce-server": "pounce"} | FRAMEWORKS)
    wanted = {fleet.server.name: fleet.server for fleet in map(FLEETS.__getitem__, options.fleets)}
    others = [server for server in wanted.values() if not server.ours]
    peers, there = install_peers(ours, others) if others else (None, [])
    fleets = [FLEETS[name] for name in options.fleets]
    return Scale(
        fleets=[fleet for fleet in fleets if fleet.server.ours or fleet.server in there],
        workloads=[SCALED[name] for name in options.workloads],
        counts=options.workers,
        ours=ours,
        peers=peers,
        rounds=options.rounds,
        seconds=options.seconds,
    )


def steps_of_a_millisecond(python: str) -> str:
    """How much the handler has to compute, found out by the interpreter that is measured."""
    program = "from benchmarks.scale_apps import calibrate; print(calibrate())"
    done = subprocess.run([python, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What is to be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description="What more workers bring and cost.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement")
    parser.add_argument("--workers", type=int, nargs="+", default=COUNTS, choices=COUNTS)
    parser.add_argument("--workloads", nargs="+", default=[*SCALED], choices=SCALED)
    parser.add_argument("--fleets", nargs="+", default=[*FLEETS], choices=FLEETS)
    parser.add_argument("--python", default=sys.executable, help="the interpreter of Pounce's environment")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    return options


def main(arguments: Sequence[str]) -> int:
    """Measure and print. The result is 0 also when a bar is missed: the last lines say so."""
    options = parse(arguments)
    if wrk_version() is None:
        loud("There is no wrk on PATH, and nothing can be measured without it (Debian: apt install wrk)")
        return 1
    try:
        scale = prepare(options)
        os.environ[STEPS] = steps_of_a_millisecond(scale.ours.path)
    except (WorkspaceError, OSError, subprocess.SubprocessError) as error:
        loud(f"It cannot begin: {error}")
        return 1
    print(f"{scale.ours.name}, {scale.ours.build}; {describe_machine()}; {os.environ[STEPS]} steps a millisecond")
    figures = scale.run()
    cores = len(os.sched_getaffinity(0))
    print("\n" + "\n".join(verdicts(figures, free_threaded=scale.ours.free_threaded, cores=cores)), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
