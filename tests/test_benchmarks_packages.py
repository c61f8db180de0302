"""Every package can be measured by itself, and a case that became slower is found."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from benchmarks import packages as runner
from benchmarks.instructions import CountError
from benchmarks.machine import Interpreter
from benchmarks.package_case import microseconds, run_marked
from benchmarks.package_counts import parse_parts
from benchmarks.serving import ROOT
from scripts.packages import packages

if TYPE_CHECKING:
    from pathlib import Path

OURS: Final = Interpreter(
    path="python", base="python", version="3.14.2", compiler="GCC 12", free_threaded=True, optimised=True, lto=True,
    versions={}, holds_gil=[],
)  # fmt: skip
FIGURES: Final = {"hello": {"instructions": 1000, "microseconds": 1.5}}
RUN_EACH: Final = (
    "import sys; from benchmarks.package_case import cases_of; cases = cases_of(sys.argv[1]); assert cases;"
    " [case(20) for case in cases.values()]"
)


@pytest.mark.parametrize("package", packages())
def test_every_package_has_cases_and_they_run(package: str) -> None:
    assert package in runner.names()
    done = subprocess.run(
        [sys.executable, "-c", RUN_EACH, package], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", packages())
def test_what_is_kept_says_where_it_was_measured(package: str) -> None:
    everything: dict[str, Any] = json.loads(runner.results_file(package).read_text(encoding="utf-8"))
    assert everything
    for entry in everything.values():
        assert entry.keys() == {"build", "machine", "tool", "cases"}
        assert all(figures["instructions"] > 0 for figures in entry["cases"].values())


def test_only_figures_of_the_same_build_and_tool_are_compared() -> None:
    everything = runner.merged({"3.11.7": {"cases": {}}}, OURS, "callgrind", FIGURES)
    assert everything["3.11.7"] == {"cases": {}}, "what others measured stays"
    assert runner.kept_instructions(everything, OURS, "callgrind") == {"hello": 1000}
    assert runner.kept_instructions(everything, OURS, "perf") == {}
    everything["3.14.2t"]["build"] = "another"
    assert runner.kept_instructions(everything, OURS, "callgrind") == {}
    assert runner.kept_instructions({}, OURS, "callgrind") == {}


@pytest.mark.parametrize(
    ("kept", "now", "code"),
    [(1000, 1030, 0), (1000, 1031, 1), (1000, 500, 0), (None, 1000, 2)],
)
def test_what_takes_more_than_the_tolerance_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int | None, now: int, code: int
) -> None:
    if kept is not None:
        everything = runner.merged({}, OURS, "callgrind", {"hello": {"instructions": kept, "microseconds": 1.0}})
        (tmp_path / "results.json").write_text(json.dumps(everything))
    monkeypatch.setattr(runner, "results_file", lambda package: tmp_path / "results.json")
    monkeypatch.setattr(runner, "choose_tool", lambda wanted: "callgrind")
    monkeypatch.setattr(runner, "times", lambda python, package: {"hello": 1.0})
    monkeypatch.setattr(runner, "instructions", lambda *given: {"hello": now})
    monkeypatch.setattr(Interpreter, "probe", classmethod(lambda cls, *given: OURS))
    assert runner.main(["--packages", "pounce-h2", "--check"]) == code
    assert runner.main(["--packages", "pounce-h2", "--save"]) == 0
    assert runner.main(["--packages", "pounce-h2", "--check"]) == 0, "the new figures are kept"
    assert runner.main(["--packages", "pounce-h2", "--only", "times", "--save"]) == 0
    (kept_now,) = json.loads((tmp_path / "results.json").read_text()).values()
    assert kept_now["cases"] == {"hello": {"instructions": now, "microseconds": 1.0}}, "what was not measured stays"


def test_a_time_is_the_difference_of_two_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is prepared for any number, three seconds here, is not in it."""
    clock = [0.0]

    def case(count: int) -> None:
        clock[0] += 3 + count * 5e-6

    monkeypatch.setattr("time.thread_time", lambda: clock[0])
    assert microseconds(case) == pytest.approx(5)


def test_a_count_is_the_difference_of_what_lies_between_marks(tmp_path: Path) -> None:
    for number, counted in enumerate([9_000_000, 4_300, 77, 4_900, 5, 300, 6, 18_300], start=1):
        (tmp_path / f"count.{number}").write_text(f"desc: Trigger\nsummary: {counted}\n\ntotals: {counted}\n")
    assert parse_parts(["one", "two"], tmp_path) == {"one": 1, "two": 30}
    with pytest.raises(CountError, match="part 10 of 12"):
        parse_parts(["one", "two", "three"], tmp_path)


def test_cases_that_older_sources_cannot_run_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    def lacks(count: int) -> None:
        raise ImportError("newer")

    assert run_marked({"lacks": lacks, "works": lambda count: None}) == ["works"]
    assert "lacks cannot be run" in capsys.readouterr().err
