"""The steps of .ci/run: they end in time, whatever the machine, and everything of a release is among them."""

from __future__ import annotations

import re
import subprocess
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
        if found := re.match(r' *(?:step |left=)(\d+)(?: "|$)', line):
            total += int(found[1]) * (PYTHONS if looped else 1)
    assert 3600 < total <= MOST_SECONDS


def test_the_last_step_has_what_is_left_and_no_more() -> None:
    """Of the whole, or what is always there for it."""
    assert "spare=$((88 * 60 - SECONDS))" in RUN
    lines = RUN[RUN.index("left=500") :].replace("\\\n", " ").splitlines()
    script = "\n".join(["step() { echo $1 ${@: -1}; }", "SECONDS=$1", *lines])
    for elapsed, limit in ((0, MOST_SECONDS), (1280, 4000), (MOST_SECONDS - 500, 500), (MOST_SECONDS + 100, 500)):
        done = subprocess.run(
            ["bash", "-c", script.replace("${interpreters[*]}", ""), "run", str(elapsed)],
            capture_output=True,
            text=True,
            check=True,
        )
        given, within = map(int, done.stdout.splitlines()[0].split())
        assert limit - 2 <= given <= limit
        assert within == given * 7 // 10


def test_what_is_cheap_comes_before_the_tests() -> None:
    steps = re.findall(r'^ *step (?:\d+|"\$left") ".*" (.+)$', RUN, re.MULTILINE)
    before = steps[: steps.index("make test")]
    assert {"make release-check", "make dist", "make docs"} <= set(before)
    assert steps[-1].startswith("python3 -m scripts.package_check")
