"""One case of one package, so many times, in a process that does nothing else.

    python -m benchmarks.package_case PACKAGE CASE COUNT      runs it, to be counted from outside
    python -m benchmarks.package_case PACKAGE                 times all cases, and prints them as JSON

Every package has ``benchmarks/cases.py`` with ``CASES``: a name -> what does the work so many times. A time is the
difference of two run lengths by the difference of their numbers, so that what is prepared is not in it: processor time
of this thread, the least of several rounds, in which the machine disturbed least.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import sys
import time
from typing import TYPE_CHECKING, Final

from benchmarks.serving import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LONG", "SHORT", "cases_of", "microseconds"]

SHORT: Final = 300
LONG: Final = 900
"""Runs of the two lengths. By the first the interpreter has specialised everything; valgrind is 50 times slower."""
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


def main(package: str, *one: str) -> None:
    cases = cases_of(package)
    gc.collect()
    gc.freeze()  # as a worker does once it has started
    if one:
        name, count = one
        cases[name](int(count))
    else:
        print(json.dumps({name: round(microseconds(case), 3) for name, case in cases.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
