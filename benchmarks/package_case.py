"""The cases of one package, in a process that does nothing else.

    python -m benchmarks.package_case PACKAGE          times all cases, and prints them as JSON
    python -m benchmarks.package_case PACKAGE --mark   runs them, to be counted from outside

Every package has ``benchmarks/cases.py`` with ``CASES``: a name -> what does the work so many times. A figure is the
difference of two run lengths by the difference of their numbers, so that what is prepared is not in it. Times are
processor time of this thread, the least of several rounds, in which the machine disturbed least. For a count, each
case runs twice between marks, the shorter and the longer, after it has run once for the interpreter to specialise it.
The names of the cases that ran are printed as JSON.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Final

from benchmarks.serving import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LONG", "SHORT", "cases_of", "microseconds", "run_marked"]

SHORT: Final = 300
LONG: Final = 900
"""Runs of the two lengths. By the first the interpreter has specialised everything; valgrind is 20 times slower."""
ROUNDS: Final = 7


def cases_of(package: str) -> dict[str, Callable[[int], None]]:
    """The cases of a package. Its folder of benchmarks is where they find what they share."""
    folder = ROOT / "packages" / package / "benchmarks"
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location(f"cases of {package}", folder / "cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cases: dict[str, Callable[[int], None]] = module.CASES
    return cases


def microseconds(case: Callable[[int], None]) -> float:
    """Of processor time, for one more."""

    def least(count: int) -> float:
        best = float("inf")
        for _ in range(ROUNDS):
            gc.collect()
            begun = time.thread_time()
            case(count)
            best = min(best, time.thread_time() - begun)
        return best

    case(SHORT)
    return (least(LONG) - least(SHORT)) / (LONG - SHORT) * 1e6


def mark() -> None:
    """A call that nothing else makes: valgrind takes it for the place where to begin a new count."""
    os.getpgid(0)


def marked(case: Callable[[int], None], count: int) -> None:
    gc.collect()
    mark()
    case(count)
    mark()


def run_marked(cases: Mapping[str, Callable[[int], None]]) -> list[str]:
    """Run what can be run with these sources; they may be older than a case."""
    done = []
    for name, case in cases.items():
        try:
            case(SHORT)
        except Exception as error:  # noqa: BLE001  # whatever it is that older sources lack
            print(f"{name} cannot be run: {error!r}", file=sys.stderr)
            continue
        marked(case, SHORT)
        marked(case, LONG)
        done.append(name)
    return done


def main(package: str, mode: str = "") -> None:
    cases = cases_of(package)
    gc.collect()
    gc.freeze()  # as a worker does once it has started
    if mode == "--mark":
        print(json.dumps(run_marked(cases)))
    else:
        print(json.dumps({name: round(microseconds(case), 3) for name, case in cases.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
