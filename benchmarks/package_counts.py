"""How many instructions the cases of a package take: one run under valgrind's callgrind for all of them.

Time depends on who else uses the machine; the number of instructions hardly does. The cases set marks, calls of a
function of the C library that nothing else calls, and callgrind writes what it has counted at each: so the start of
the interpreter, the dearest part under valgrind, is paid once for a package.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.instructions import CountError
from benchmarks.package_case import LONG, SHORT
from benchmarks.serving import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PROGRAM", "environ_for", "instructions", "parse_parts"]

PROGRAM: Final = "benchmarks.package_case"
RUN_SECONDS: Final = 1800
"""Half a minute on a machine that has nothing else to do."""
MARKS: Final = ("getpgid", "__getpgid")
"""What ``package_case.mark`` calls, by the names that C libraries give it."""
TOTAL: Final = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


def environ_for(sources: Sequence[Path]) -> dict[str, str]:
    """The variables of a run. ``sources``: folders that are searched for packages before what is installed."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # The order in dictionaries and sets, and with it the number of probes, must not change from run to run.
    return environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *sources)))}


def parse_parts(names: Sequence[str], folder: Path) -> dict[str, int]:
    """Case -> instructions of one more, from what was written at each mark: four for a case.

    Raises:
        CountError: a part is missing, or tells no number.
    """

    def part(number: int) -> int:
        file = folder / f"count.{number}"
        found = TOTAL.search(file.read_text()) if file.exists() else None
        if found is None:
            raise CountError(f"callgrind told nothing of part {number} of {len(names) * 4}")
        return int(found[1])

    # Of the four, the second ends the shorter run and the fourth the longer one.
    pairs = ((part(4 * index + 2), part(4 * index + 4)) for index in range(len(names)))
    return {name: round((long - short) / (LONG - SHORT)) for name, (short, long) in zip(names, pairs, strict=True)}


def instructions(python: str, package: str, sources: Sequence[Path] = ()) -> dict[str, int]:
    """Case -> instructions of one more, for all cases that can be run.

    Raises:
        CountError: none can, or valgrind failed.
    """
    with tempfile.TemporaryDirectory(prefix="pounce-counts-") as temporary:
        folder = Path(temporary)
        marks = [f"--dump-before={name}" for name in MARKS]
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder / 'count'}", *marks]
        done = subprocess.run(
            [*valgrind, python, "-m", PROGRAM, package, "--mark"],
            env=environ_for(sources),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise CountError(f"{package} could not be counted: {done.stderr[-1000:]}")
        names: list[str] = json.loads(done.stdout)
        return parse_parts(names, folder)
