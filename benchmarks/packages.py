"""Measure each package by itself, and compare with the figures that it keeps: ``make bench-packages``.

    python -m benchmarks.packages                          count, time and compare, on this interpreter
    python -m benchmarks.packages --packages pounce-h2     only these
    python -m benchmarks.packages --check                  the exit code is 1 when a case takes more than the tolerance
    python -m benchmarks.packages --save                   keep the new figures
    python -m benchmarks.packages --against main           compare with the sources of a commit, measured here and now
    python -m benchmarks.packages --only times --save      keep new times (on a machine that does nothing else)

Cases are in ``packages/<name>/benchmarks/cases.py``, what is kept in ``results.json`` beside them: instructions, which
hardly depend on who else uses the machine, and microseconds, which are for the reader only, with the machine and the
interpreter. Figures of another version or build are not compared; ``--against`` needs none that are kept.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.instructions import EXIT_SLOWER, EXIT_UNCOMPARED, TOLERANCE, Comparison, CountError, choose_tool
from benchmarks.machine import Interpreter, describe_machine
from benchmarks.package_counts import PROGRAM, environ_for, instructions
from benchmarks.report import table
from benchmarks.serving import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["kept_instructions", "main", "merged"]

TOOL: Final = "callgrind"
KINDS: Final = ("instructions", "times")
TIME_SECONDS: Final = 300
GIT_SECONDS: Final = 60


def names() -> list[str]:
    """All packages that have cases."""
    return sorted(file.parent.parent.name for file in ROOT.glob("packages/*/benchmarks/cases.py"))


def results_file(package: str) -> Path:
    return ROOT / "packages" / package / "benchmarks" / "results.json"


def times(python: str, package: str) -> dict[str, float]:
    """Case -> microseconds.

    Raises:
        CountError: a case failed.
    """
    command = [python, "-m", PROGRAM, package]
    done = subprocess.run(
        command, env=environ_for(()), cwd=ROOT, capture_output=True, text=True, timeout=TIME_SECONDS, check=False
    )
    if done.returncode != 0:
        raise CountError(f"a case of {package} failed: {done.stderr[-1000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def instructions_before(python: str, package: str, sources: Sequence[Path]) -> dict[str, int]:
    """The same with other sources: of the cases that those can run, which may be older than a case."""
    try:
        return instructions(python, package, sources)
    except CountError:
        return {}


def kept_instructions(everything: Mapping[str, Any], interpreter: Interpreter, tool: str) -> dict[str, int]:
    """What is kept and can be compared with ours: of the same version, build and tool."""
    entry = everything.get(interpreter.name, {})
    if (entry.get("build"), entry.get("tool")) != (interpreter.build, tool):
        return {}
    return {name: figures["instructions"] for name, figures in entry["cases"].items() if "instructions" in figures}


def merged(
    everything: Mapping[str, Any], interpreter: Interpreter, tool: str, cases: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """What is kept from now on: of other interpreters what there was, of this one the cases that were measured now.

    What was not measured of a case (``--only``) stays as it was, if the same build was measured.
    """
    before = everything.get(interpreter.name, {})
    same = (before.get("build"), before.get("tool")) == (interpreter.build, tool)
    known = before["cases"] if same else {}
    told = {name: {**known.get(name, {}), **figures} for name, figures in cases.items()}
    entry = {"build": interpreter.build, "machine": describe_machine(), "tool": tool, "cases": told}
    return {**everything, interpreter.name: entry}


@contextlib.contextmanager
def sources_of(commit: str | None) -> Iterator[list[Path]]:
    """The folders of sources of a commit, as long as it lasts; none without a commit."""
    if commit is None:
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="pounce-before-") as folder:
        worktree = ["git", "-C", str(ROOT), "worktree"]
        add = [*worktree, "add", "--quiet", "--detach", folder, commit]
        subprocess.run(add, check=True, timeout=GIT_SECONDS)
        try:
            yield sorted(Path(folder).glob("packages/*/src"))
        finally:
            subprocess.run([*worktree, "remove", "--force", folder], check=True, timeout=GIT_SECONDS)


def row(comparison: Comparison | None, timed: float | None, name: str, tolerance: float) -> list[str]:
    """A line of the table: what was not measured is a dash."""
    counted = comparison.row(tolerance) if comparison else [name, "-", "-", "-", "-"]
    return [*counted, "-" if timed is None else f"{timed:.2f}"]


def measure(
    package: str,
    interpreter: Interpreter,
    sources: Sequence[Path],
    kinds: Sequence[str],
    *,
    save: bool,
    tolerance: float,
) -> list[Comparison]:
    """Measure one package, print its table, and keep the figures when asked."""
    python, file = interpreter.path, results_file(package)
    timed = times(python, package) if "times" in kinds else {}
    now = instructions(python, package) if "instructions" in kinds else {}
    everything = json.loads(file.read_text()) if file.exists() else {}
    if sources and now:
        before = instructions_before(python, package, sources)
    else:
        before = kept_instructions(everything, interpreter, TOOL)
    compared = {name: Comparison(name, figure, before.get(name)) for name, figure in now.items()}
    print(f"\n{package}\n")
    head = ["case", "instructions", "before", "change", "verdict", "us"]
    print(table(head, (row(compared.get(name), timed.get(name), name, tolerance) for name in timed or now)), flush=True)
    if save:
        counted = {name: {"instructions": figure} for name, figure in now.items()}
        cases = {name: {**counted.get(name, {}), **microseconds(timed, name)} for name in timed or now}
        kept = merged(everything, interpreter, TOOL, cases)
        file.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    return list(compared.values())


def microseconds(timed: Mapping[str, float], name: str) -> dict[str, float]:
    return {"microseconds": timed[name]} if name in timed else {}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.packages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--packages", nargs="+", choices=names(), default=names(), metavar="PACKAGE")
    parser.add_argument("--check", action="store_true", help="fail when a case is slower, or nothing can be compared")
    parser.add_argument("--save", action="store_true", help="keep the new figures in results.json of each package")
    parser.add_argument("--against", metavar="COMMIT", help="compare with the sources of this commit")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help=f"per cent (default: {TOLERANCE:g})")
    parser.add_argument("--only", choices=KINDS, help="leave the other kind of figures out")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure, compare, keep. Exit code: 0 in order, 1 slower, 2 nothing to compare with or no way to count."""
    options = parse(arguments)
    comparisons: list[Comparison] = []
    try:
        kinds = [options.only] if options.only else KINDS
        if "instructions" in kinds:
            choose_tool(TOOL)
        interpreter = Interpreter.probe(sys.executable, {})
        print(f"Python {interpreter.name}, {interpreter.build}; {describe_machine()}")
        with sources_of(options.against) as sources:
            for package in options.packages:
                comparisons += measure(
                    package, interpreter, sources, kinds, save=options.save, tolerance=options.tolerance
                )
    except (CountError, OSError, subprocess.SubprocessError) as error:
        print(f"Packages were NOT measured: {error}", file=sys.stderr)
        return EXIT_UNCOMPARED
    slower = [one.case for one in comparisons if one.slower(options.tolerance)]
    if options.check and slower:
        print(f"\nslower by more than {options.tolerance:g} %: {', '.join(slower)}", file=sys.stderr)
        return EXIT_SLOWER
    if options.check and all(one.kept is None for one in comparisons):
        print("\nNothing is kept of this interpreter and build: --save, or --against COMMIT", file=sys.stderr)
        return EXIT_UNCOMPARED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
