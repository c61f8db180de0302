"""The steps of .ci/run: they end in time, whatever the machine, and everything of a release is among them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
RUN: Final = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

MOST_SECONDS: Final = 88 * 60
"""The whole may take an hour and a half; the rest is for what is between the steps."""
PYTHONS: Final = 2


def test_all_limits_together_stay_below_what_the_whole_may_take() -> None:
    installing = sum(int(seconds) for seconds in re.findall(r"timeout --kill-after=30 (\d+)", RUN))
    assert f"(at most {installing} s)" in RUN
    total = installing
    looped = False
    for line in RUN.splitlines():
        looped = line.startswith("for ") or (looped and line != "done")
        if found := re.match(r' *step (\d+) "', line):
            total += int(found[1]) * (PYTHONS if looped else 1)
    assert 3600 < total <= MOST_SECONDS


def test_what_is_cheap_comes_before_the_tests() -> None:
    steps = re.findall(r'^ *step \d+ ".*" (.+)$', RUN, re.MULTILINE)
    before = steps[: steps.index("make test")]
    assert {"make release-check", "make dist", "make docs"} <= set(before)
    assert steps[-1].startswith("python3 -m scripts.package_check")
