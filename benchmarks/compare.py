"""Compare Pounce with its peers: the same applications, one worker each, in turns, on this machine.

    make bench                                             everything: about an hour
    make bench BENCH="--rounds 1 --seconds 1 --workloads hello stream --servers pounce uvicorn --modes quiet"
    make bench BENCH=--save                                keep the tables in benchmarks/RESULTS.md

Pounce runs from the environment that runs this file, or the one of ``--python``; the peers are installed into one of
their own for the same interpreter. wrk is needed, and h2load for HTTP/2; nginx is measured if it is there. In every
turn the server is started anew, has to give the right answer once, is warmed up, and is then measured; servers
alternate within a round. Where there are two cores the server has one and wrk the other.
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

from benchmarks.answers import can_ask_over_http2
from benchmarks.bars import Figure, Figures, Subject, judge
from benchmarks.certificate import can_make_certificates
from benchmarks.ground import Ground
from benchmarks.h2_load import h2load_version
from benchmarks.latency import Pace, measure_latency, measure_saturation, median_p99
from benchmarks.load import put_load
from benchmarks.machine import Interpreter, describe_machine
from benchmarks.measurement import Case, Turn, summarise
from benchmarks.pauses import longest_pause, measure_pauses
from benchmarks.peers import ENGINES, FRAMEWORKS, install_peers, loud
from benchmarks.process_tree import cpu_seconds, pss_bytes
from benchmarks.quic_client import can_speak_quic
from benchmarks.report import Section, case_table, latency_table, pause_table, rewrite, verdict_table
from benchmarks.servers import SERVERS, Mode, Server, find_program
from benchmarks.wires import Wire
from benchmarks.workloads import CLIENTS, PAUSES, WORKLOADS, Load, Workload
from benchmarks.wrk_load import wrk_version
from scripts.workspace import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["main"]

RESULTS: Final = Path(__file__).resolve().parent / "RESULTS.md"
LATENCY: Final = "latency"
EVERYTHING: Final = (*WORKLOADS, LATENCY, *(workload.name for workload in PAUSES))
SETTLE_SECONDS: Final = 0.2
"""After the load, before the clock is read: what a server does behind the answers (log lines) belongs to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is compared, and what came of it so far."""

    ground: Ground
    cases: Sequence[Case]
    latency: bool
    pauses: Sequence[Workload]
    tables: dict[str, str] = field(default_factory=dict)
    """Title -> table, in the order of the report."""
    figures: Figures = field(default_factory=dict)

    def run(self) -> None:
        """Measure everything, and show each table when it is ready."""
        for number, case in enumerate(self.cases, 1):
            print(f"\n[{number}/{len(self.cases)}]", end=" ")
            self.compare(case)
        if self.latency:
            self.compare_latency()
        for workload in self.pauses:
            self.compare_pauses(workload)

    def announce(self, title: str) -> str:
        print(f"\n{title}", flush=True)
        return title

    def keep(self, title: str, table: str, subject: Subject, figures: Mapping[str, float | None]) -> None:
        print(table, flush=True)
        self.tables[title] = table
        self.figures[subject] = {name: figure for name, figure in figures.items() if figure is not None}

    def compare(self, case: Case) -> None:
        """Throughput, processor time and memory in one case."""
        title = self.announce(f"{case}: {case.workload.title}")
        workload, able = case.workload, self.ground.able(case.workload)
        taken = self.ground.in_turns(able, lambda server, _: self.take_turn(server, case), case)
        summaries = {name: summarise(one.turns, one.problem) for name, one in taken.items()}
        costs = {name: None if one.problem else one.cpu_per_request for name, one in summaries.items()}
        # Over HTTP/1.1 it goes without saying who runs no applications.
        left_out = [s.name for s in self.ground.servers if workload.wire is not Wire.HTTP and s not in able]
        lines = case_table(summaries, reference=workload.reference, left_out=left_out)
        self.keep(title, lines, Subject(workload.name, case.mode), costs)

    def take_turn(self, server: Server, case: Case) -> Turn:
        """Start a server, warm it up, measure it, end it."""
        ground = self.ground
        with ground.serving(server, case.workload, case.mode) as (process, port):
            if ground.warm_up:
                put_load(port, case.workload, seconds=ground.warm_up, core=ground.cores.load)
                time.sleep(SETTLE_SECONDS)
            before = cpu_seconds(process.pid)
            report = put_load(port, case.workload, seconds=ground.seconds, core=ground.cores.load)
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
        print(f"  {server.name:12} {rate:10,.0f} requests/s {cost:9.1f} us CPU each", file=sys.stderr, flush=True)
        return turn

    def compare_latency(self) -> None:
        """Saturate the servers, then look at their latency below that."""
        self.announce("latency: what saturates each server")
        saturation = measure_saturation(self.ground)
        for pace, figure in ((Pace.OWN, Figure.P99_OWN), (Pace.REFERENCE, Figure.P99_SAME)):
            title = self.announce(f"latency ({Mode.QUIET.value}): hello from {CLIENTS} clients at {pace.value}")
            taken = measure_latency(self.ground, saturation, pace)
            p99 = {name: median_p99(one) for name, one in taken.items()}
            self.keep(title, latency_table(taken, saturation), Subject("latency", Mode.QUIET, figure), p99)

    def compare_pauses(self, workload: Workload) -> None:
        """See for how long garbage collections stop the servers."""
        title = self.announce(f"{workload.name} ({Mode.QUIET.value}): {workload.title}")
        taken = measure_pauses(self.ground, workload)
        longest = {name: longest_pause(one) for name, one in taken.items()}
        self.keep(title, pause_table(taken), Subject(workload.name, Mode.QUIET, Figure.PAUSE), longest)

    def facts(self, command: str) -> dict[str, str]:
        """What a reader has to know of the run."""
        ground, ours, peers = self.ground, self.ground.ours, self.ground.peers
        versions = dict(peers.versions if peers else {}) | ours.versions
        holders = sorted({*ours.holds_gil, *(peers.holds_gil if peers else ())})
        facts = {
            "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
            "machine": describe_machine(),
            "load average before": f"{os.getloadavg()[0]:.1f} (others disturb less the nearer it is to 0)",
            "interpreter": f"{ours.name}, {ours.build}" + (f", {ours.openssl}" if ours.openssl else ""),
            "versions": ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
            "programs": ", ".join(f"{name} {version}" for name, version in _programs().items()),
            "set-up": f"one worker, {ground.cores}; {ground.rounds} x {ground.seconds} s, each after "
            f"{ground.warm_up} s of warm-up; "
            + "; ".join(f"{server.name} {server.note}" for server in ground.servers if server.note),
            "command": f"`{command}`",
        }
        if holders:
            facts["the GIL"] = f"switched on by importing {', '.join(holders)}"
        return facts


def _programs() -> dict[str, str]:
    programs = {"wrk": wrk_version() or "missing", "h2load": h2load_version() or "missing"}
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
    parser.add_argument("--workloads", nargs="+", choices=EVERYTHING, default=EVERYTHING, metavar="WORKLOAD")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS), metavar="SERVER")
    parser.add_argument("--modes", nargs="+", choices=[mode.value for mode in Mode], default=[m.value for m in Mode])
    parser.add_argument("--python", default=sys.executable, help="an interpreter in whose environment Pounce is")
    parser.add_argument("--save", action="store_true", help=f"replace the section of this Python in {RESULTS.name}")
    parser.epilog = f"workloads: {' '.join(EVERYTHING)}; servers: {' '.join(SERVERS)}"
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.seconds < 1 or options.warm_up < 0:
        parser.error("--rounds and --seconds are at least 1, --warm-up at least 0")
    return options


def what_is_missing(workload: Workload, ours: Interpreter) -> str:
    """What a workload needs and this machine has not; nothing when it can be measured."""
    if workload.needs and workload.needs not in ours.versions:
        return f"{workload.needs} is not installed for {ours.path}"
    if workload.load is Load.H2LOAD and h2load_version() is None:
        return "there is no h2load on PATH (Debian: apt install nghttp2-client)"
    if workload.wire.http2 and not can_ask_over_http2():
        return f"h2 is not installed for {sys.executable}"
    if workload.wire is Wire.H3 and not can_speak_quic():
        return f"neither qh3 nor aioquic is installed for {sys.executable}"
    if workload.wire.secure and not can_make_certificates():
        return "no certificate can be made without openssl on PATH or trustme"
    return ""


def prepare(options: argparse.Namespace) -> Comparison:
    """Find out what is here, install the peers, and leave out loudly what cannot be measured."""
    ours = Interpreter.probe(options.python, {"pounce-server": "pounce"} | FRAMEWORKS | ENGINES)
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

    def chosen_of(workloads: Iterable[Workload]) -> list[Workload]:
        chosen = [workload for workload in workloads if workload.name in options.workloads]
        missing = {workload.name: what_is_missing(workload, ours) for workload in chosen}
        for name, what in missing.items():
            if what:
                loud(f"{name} is left out: {what}")
        return [workload for workload in chosen if not missing[workload.name]]

    ground = Ground(
        servers=servers,
        ours=ours,
        peers=peers,
        rounds=options.rounds,
        seconds=options.seconds,
        warm_up=options.warm_up,
    )
    # A server that runs no application may be alone in the choice: then only what it can answer is left.
    cases = [
        Case(workload, mode)
        for mode in Mode
        if mode.value in options.modes
        for workload in chosen_of(WORKLOADS.values())
        if ground.able(workload)
    ]
    quiet = Mode.QUIET.value in options.modes
    return Comparison(
        ground=ground,
        cases=cases,
        latency=quiet and LATENCY in options.workloads,
        pauses=chosen_of(PAUSES) if quiet else [],
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
    if options.save and not (set(options.workloads) == set(EVERYTHING) and len(set(options.modes)) == len(Mode)):
        loud(f"This run is partial, and its tables replace all of this Python's in {RESULTS.name}")
    facts = comparison.facts(command_line(arguments))
    print("\n".join(f"{key}: {value}" for key, value in facts.items()), flush=True)
    comparison.run()
    ours = comparison.ground.ours
    verdicts = judge(ours, comparison.figures)
    print(f"\n{verdict_table(verdicts)}", flush=True)
    if options.save:
        section = Section(series=ours.series, facts=facts, verdicts=verdicts, tables=comparison.tables)
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
