"""The guard: how many instructions a request takes on the hot path, compared with the figure that is kept.

    python -m benchmarks.instructions            count and compare
    python -m benchmarks.instructions --check    the same; the exit code is 1 when a case takes more than the tolerance
    python -m benchmarks.instructions --save     keep the new figures in benchmarks/instructions.json

Time depends on who else uses the machine; the number of instructions hardly does. They are counted by valgrind's
callgrind, or by ``perf stat`` where there is no valgrind, as the difference of two run lengths divided by the
difference of their numbers of requests: start-up and imports cancel out. Kept figures are compared only with those of
the same interpreter, built the same way, and of the same tool.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.machine import Interpreter
from benchmarks.report import table
from benchmarks.servers import find_program
from benchmarks.serving import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "EXIT_SLOWER",
    "EXIT_UNCOMPARED",
    "TOLERANCE",
    "TOOLS",
    "Comparison",
    "CountError",
    "choose_tool",
    "compare",
    "count",
    "kept_figures",
    "main",
    "parse_count",
]

KEPT: Final = Path(__file__).resolve().parent / "instructions.json"

CASES: Final = ("hello", "differing", "post-1k", "stream")
"""Those of ``hot_path``, which is imported by nobody but the process that is counted."""
SHORT: Final = 1000
LONG: Final = 4000
"""Requests of the two runs. By the first the interpreter has specialised everything; valgrind is 50 times slower."""
RUN_SECONDS: Final = 600
TOLERANCE: Final = 3.0
"""Per cent. Two runs of the same code differ by a few tenths (addresses decide how a dictionary probes)."""

EXIT_SLOWER: Final = 1
EXIT_UNCOMPARED: Final = 2

TOOLS: Final = {
    "callgrind": ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
    "perf": ("perf", "stat", "-x,", "-e", "instructions:u"),
}
COUNTS: Final = {
    "callgrind": re.compile(r"Collected : (\d+)"),
    "perf": re.compile(r"^(\d+),,instructions", re.MULTILINE),
}


class CountError(Exception):
    """Instructions cannot be counted here; the message says why."""


def parse_count(tool: str, output: str) -> int:
    """Read the number of instructions from a tool's output.

    Raises:
        CountError: it is not there.
    """
    found = COUNTS[tool].search(output)
    if found is None:
        raise CountError(f"{tool} told no number of instructions: {output[-500:]!r}")
    return int(found[1])


def count(
    tool: str | None,
    python: str,
    case: str,
    requests: int,
    *,
    program: Sequence[str] = ("benchmarks.hot_path",),
    sources: Sequence[Path] = (),
) -> int:
    """Instructions of a whole run; without a tool it is only run, and the result is 0.

    ``program``: the module that runs the case, with arguments of its own. ``sources``: folders that are searched for
    packages before what is installed.
    """
    command = [python, "-m", *program, case, str(requests)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # The order in dictionaries and sets, and with it the number of probes, must not change from run to run.
    environ |= {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *sources)))}
    done = subprocess.run(
        [*TOOLS[tool], *command] if tool else command,
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise CountError(f"{case} failed under {tool or 'Python'}: {done.stderr[-1000:]}")
    return parse_count(tool, done.stderr) if tool else 0


def per_request(tool: str, python: str, case: str) -> int:
    """Instructions for one request more."""
    return round((count(tool, python, case, LONG) - count(tool, python, case, SHORT)) / (LONG - SHORT))


def choose_tool(wanted: str | None) -> str:
    """callgrind, which no interrupt disturbs, else perf; the machine may have neither.

    Raises:
        CountError: none is there.
    """
    for tool in [wanted] if wanted else TOOLS:
        program = find_program(TOOLS[tool][0])
        if program and (tool != "perf" or _perf_counts(program)):
            return tool
    raise CountError("there is neither valgrind nor a perf that may count instructions (Debian: apt install valgrind)")


def _perf_counts(program: str) -> bool:
    """Virtual machines often have no counters, and then perf ends well all the same."""
    done = subprocess.run([program, *TOOLS["perf"][1:], "true"], capture_output=True, text=True, check=False)
    return COUNTS["perf"].search(done.stderr) is not None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A case's figure and the one that is kept, if there is one."""

    case: str
    now: int
    kept: int | None

    @property
    def change(self) -> float | None:
        """Per cent; more is slower."""
        return None if self.kept is None else (self.now / self.kept - 1) * 100

    def slower(self, tolerance: float) -> bool:
        """Whether it takes more than ``tolerance`` per cent more than what is kept; exact at the edge."""
        return self.kept is not None and self.now * 100 > self.kept * (100 + tolerance)

    def row(self, tolerance: float) -> list[str]:
        """A row of the table that is printed."""
        if self.change is None:
            return [self.case, f"{self.now:,}", "-", "-", "new"]
        return [
            self.case,
            f"{self.now:,}",
            f"{self.kept:,}",
            f"{self.change:+.1f} %",
            "SLOWER" if self.slower(tolerance) else "ok",
        ]


def kept_figures(everything: dict[str, Any], interpreter: Interpreter, tool: str) -> dict[str, int]:
    """The kept figures that can be compared with ours: of the same version, build and tool."""
    entry = everything.get(interpreter.name, {})
    if (entry.get("build"), entry.get("tool")) != (interpreter.build, tool):
        return {}
    cases: dict[str, int] = entry["cases"]
    return cases


def compare(now: dict[str, int], kept: dict[str, int]) -> list[Comparison]:
    return [Comparison(case, figure, kept.get(case)) for case, figure in now.items()]


def save(everything: dict[str, Any], interpreter: Interpreter, tool: str, cases: dict[str, int]) -> None:
    everything[interpreter.name] = {"build": interpreter.build, "tool": tool, "cases": cases}
    KEPT.write_text(json.dumps(everything, indent=2, sort_keys=True) + "\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="fail when a case is slower, or cannot be compared")
    parser.add_argument("--save", action="store_true", help=f"keep the new figures in {KEPT.name}")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help=f"per cent (default: {TOLERANCE:g})")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--tool", choices=TOOLS, help="default: callgrind, else perf")
    parser.add_argument("--python", default=sys.executable, help="an interpreter in whose environment Pounce is")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Count, compare, keep. Exit code: 0 in order, 1 slower, 2 nothing to compare with or no way to count."""
    options = parse(arguments)
    try:
        tool = choose_tool(options.tool)
        interpreter = Interpreter.probe(options.python, {})
        now = {}
        for case in options.cases:
            count(None, options.python, case, 1)  # writes the bytecode: a run that compiles cannot be subtracted
            now[case] = per_request(tool, options.python, case)
    except (CountError, OSError, subprocess.SubprocessError) as error:
        print(f"Instructions were NOT counted: {error}", file=sys.stderr)
        return EXIT_UNCOMPARED
    everything = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    kept = kept_figures(everything, interpreter, tool)
    comparisons = compare(now, kept)
    print(f"Instructions per request: Python {interpreter.name}, {interpreter.build}, {tool}\n")
    head = ["case", "now", "kept", "change", "verdict"]
    print(table(head, (comparison.row(options.tolerance) for comparison in comparisons)))
    if options.save:
        save(everything, interpreter, tool, kept | now)
    if options.check and any(comparison.slower(options.tolerance) for comparison in comparisons):
        return EXIT_SLOWER
    if options.check and any(comparison.kept is None for comparison in comparisons):
        print("\nThere is no figure of this interpreter, build and tool to compare with: --save keeps one")
        return EXIT_UNCOMPARED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
