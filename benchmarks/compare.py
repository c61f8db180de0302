"""Compare Pounce with its peers: the same applications, one worker each, in turns, on this machine.

    make bench                                             everything: about an hour
    make bench BENCH="--rounds 1 --seconds 1 --workloads hello stream --servers pounce uvicorn --modes quiet"
    make bench BENCH=--save                                keep the tables in benchmarks/RESULTS.md

Pounce runs from the environment that runs this file, or the one of ``--python``; the peers are installed into one of
their own for the same interpreter. wrk is needed; nginx is measured if it is there. In every turn the server is started
anew, has to give the right answer once, is warmed up, and is then measured; servers alternate within a round. Where
there are two cores the server has one and wrk the other.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.bars import judge
from benchmarks.load import LoadError, put_load, wrk_version
from benchmarks.machine import Cores, Interpreter, describe_machine
from benchmarks.measurement import Case, Summary, Turn, summarise
from benchmarks.peers import FRAMEWORKS, install_peers, loud
from benchmarks.process_tree import cpu_seconds, pss_bytes
from benchmarks.report import Section, case_table, rewrite, verdict_table
from benchmarks.servers import SERVERS, Mode, Server, find_program
from benchmarks.serving import ServerError, serving
from benchmarks.workloads import WORKLOADS
from scripts.workspace import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

RESULTS: Final = Path(__file__).resolve().parent / "RESULTS.md"
SETTLE_SECONDS: Final = 0.2
"""After the load, before the clock is read: what a server does behind the answers (log lines) belongs to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is compared, and where."""

    cases: Sequence[Case]
    servers: Sequence[Server]
    ours: Interpreter
    peers: Interpreter | None
    rounds: int
    seconds: int
    warm_up: int
    cores: Cores = field(default_factory=Cores.choose)

    def run(self) -> dict[Case, dict[str, Summary]]:
        """Measure all cases, and show each table when it is ready."""
        results = {}
        for number, case in enumerate(self.cases, 1):
            print(f"\n{case}: {case.workload.title}  [{number}/{len(self.cases)}]", flush=True)
            results[case] = self.measure(case)
            print(case_table(results[case]), flush=True)
        return results

    def measure(self, case: Case) -> dict[str, Summary]:
        """All rounds of one case. A server that fails once is out of it."""
        servers = [server for server in self.servers if case.workload.static or not server.program]
        turns: dict[str, list[Turn]] = {server.name: [] for server in servers}
        problems: dict[str, str] = {}
        for number in range(self.rounds):
            # Nobody always comes after the same one.
            first = number % len(servers)
            for server in servers[first:] + servers[:first]:
                if server.name in problems:
                    continue
                try:
                    turns[server.name].append(self.take_turn(server, case))
                except (ServerError, LoadError) as error:
                    problems[server.name] = str(error)
                    loud(f"{server.name}, {case}: {error}")
        return {name: summarise(taken, problems.get(name, "")) for name, taken in turns.items()}

    def take_turn(self, server: Server, case: Case) -> Turn:
        """Start a server, warm it up, measure it, end it."""
        python = self.ours if server.ours or self.peers is None else self.peers
        with serving(server, case.workload, case.mode, python=python.path, core=self.cores.server) as (process, port):
            if self.warm_up:
                put_load(port, case.workload, seconds=self.warm_up, core=self.cores.load)
                time.sleep(SETTLE_SECONDS)
            before = cpu_seconds(process.pid)
            report = put_load(port, case.workload, seconds=self.seconds, core=self.cores.load)
            time.sleep(SETTLE_SECONDS)
            turn = Turn(
                requests=report.requests,
                seconds=report.seconds,
                p99=report.p99,
                cpu=cpu_seconds(process.pid) - before,
                memory=pss_bytes(process.pid),
                failures=report.failures,
            )
        rate, cost = turn.requests / turn.seconds, turn.cpu / max(turn.requests, 1) * 1e6
        print(f"  {server.name:10} {rate:10,.0f} requests/s {cost:9.1f} us CPU each", file=sys.stderr, flush=True)
        return turn

    def facts(self, command: str) -> dict[str, str]:
        """What a reader has to know of the run."""
        versions = dict(self.peers.versions if self.peers else {}) | self.ours.versions
        holders = sorted({*self.ours.holds_gil, *(self.peers.holds_gil if self.peers else ())})
        facts = {
            "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
            "machine": describe_machine(),
            "load average before": f"{os.getloadavg()[0]:.1f} (others disturb less the nearer it is to 0)",
            "interpreter": f"{self.ours.name}, {self.ours.build}",
            "versions": ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
            "programs": ", ".join(f"{name} {version}" for name, version in _programs().items()),
            "set-up": f"one worker, {self.cores}; {self.rounds} x {self.seconds} s, each after {self.warm_up} s of "
            "warm-up; " + "; ".join(f"{server.name} {server.note}" for server in self.servers if server.note),
            "command": f"`{command}`",
        }
        if holders:
            facts["the GIL"] = f"switched on by importing {', '.join(holders)}"
        return facts


def _programs() -> dict[str, str]:
    programs = {"wrk": wrk_version() or "missing"}
    if nginx := find_program("nginx"):
        said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=False).stderr
        programs["nginx"] = said.rpartition("/")[2].strip()
    return programs


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server; the median counts (default: 3)")
    parser.add_argument("--seconds", type=int, default=4, help="length of a measurement (default: 4)")
    parser.add_argument("--warm-up", type=int, default=1, help="seconds of load before it (default: 1)")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="WORKLOAD")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS), metavar="SERVER")
    parser.add_argument("--modes", nargs="+", choices=[mode.value for mode in Mode], default=[m.value for m in Mode])
    parser.add_argument("--python", default=sys.executable, help="an interpreter in whose environment Pounce is")
    parser.add_argument("--save", action="store_true", help=f"replace the section of this Python in {RESULTS.name}")
    parser.epilog = f"workloads: {' '.join(WORKLOADS)}; servers: {' '.join(SERVERS)}"
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.seconds < 1 or options.warm_up < 0:
        parser.error("--rounds and --seconds are at least 1, --warm-up at least 0")
    return options


def prepare(options: argparse.Namespace) -> Comparison:
    """Find out what is here, install the peers, and leave out loudly what cannot be measured."""
    ours = Interpreter.probe(options.python, {"pounce-server": "pounce"} | FRAMEWORKS)
    if "pounce-server" not in ours.versions:
        raise WorkspaceError(f"Pounce is not installed for {options.python}; use make bench, or another --python")
    if not ours.optimised:
        loud(f"Python {ours.name} is not an optimised build: the figures say little")
    chosen = [SERVERS[name] for name in SERVERS if name in options.servers]
    programs = {server.program for server in chosen if server.program}
    for program in programs:
        if find_program(program) is None:
            loud(f"There is no {program} on PATH: it is left out, and the bar against it is not measured")
    python_peers = [server for server in chosen if not server.ours and not server.program]
    peers, there = install_peers(ours, python_peers) if python_peers else (None, [])
    servers = [s for s in chosen if s.ours or s in there or (s.program and find_program(s.program))]
    if not servers:
        raise WorkspaceError("none of the chosen servers is here")
    workloads = [WORKLOADS[name] for name in WORKLOADS if name in options.workloads]
    for workload in workloads:
        if workload.needs and workload.needs not in ours.versions:
            loud(f"{workload.name} is left out: {workload.needs} is not installed for {options.python}")
    able = [workload for workload in workloads if not workload.needs or workload.needs in ours.versions]
    # A server that runs no application may be alone in the choice: then only what it can answer is left.
    cases = [
        Case(workload, mode)
        for mode in Mode
        if mode.value in options.modes
        for workload in able
        if workload.static or any(not server.program for server in servers)
    ]
    return Comparison(
        cases=cases,
        servers=servers,
        ours=ours,
        peers=peers,
        rounds=options.rounds,
        seconds=options.seconds,
        warm_up=options.warm_up,
    )


def command_line(arguments: Sequence[str]) -> str:
    """The command to repeat a run with. An interpreter is named without its folder, which is only this machine's."""
    python = os.environ.get("PYTHON")
    words = ["make", "bench"] + ([f"PYTHON={Path(python).name}"] if python else [])
    return shlex.join(words + ([f"BENCH={shlex.join(arguments)}"] if arguments else []))


def main(arguments: Sequence[str]) -> int:
    """Compare, print, and with ``--save`` keep. The result is 0 also when a bar is missed: the tables say so."""
    options = parse(arguments)
    if wrk_version() is None:
        loud("There is no wrk on PATH, and nothing can be measured without it (Debian: apt install wrk)")
        return 1
    try:
        comparison = prepare(options)
    except (WorkspaceError, OSError, subprocess.SubprocessError) as error:
        loud(f"The comparison cannot begin: {error}")
        return 1
    if options.save and len(comparison.cases) < len(WORKLOADS) * len(Mode):
        loud(f"This run is partial, and its tables replace all of this Python's in {RESULTS.name}")
    facts = comparison.facts(command_line(arguments))
    print("\n".join(f"{key}: {value}" for key, value in facts.items()), flush=True)
    results = comparison.run()
    verdicts = judge(comparison.ours, results)
    print(f"\n{verdict_table(verdicts)}", flush=True)
    if options.save:
        section = Section(series=comparison.ours.series, facts=facts, verdicts=verdicts, results=results)
        before = RESULTS.read_text() if RESULTS.exists() else ""
        RESULTS.write_text(rewrite(before, section.series, section.render()))
        print(f"\nKept in {RESULTS}", flush=True)
    return 0


if __name__ == "__main__":
    # Who ends this wants the server ended that is being measured, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
