"""What is said of a comparison, and how honest that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_comparisons import MACHINE, a_comparison, a_result, a_round

from pounce_testing.bench.terminal import bars, duration, in_words, notes, table

if TYPE_CHECKING:
    from pounce_testing.bench.comparison import Comparison

STEADY = a_result("pounce", a_round(10), a_round(10.2), a_round(9.9))
SLOWER = a_result("uvicorn", a_round(20), a_round(20.5), a_round(19.8))


def test_all_of_it() -> None:
    text = in_words(a_comparison([SLOWER, STEADY]), MACHINE)
    assert text.startswith(
        "GET / of main:app: 1 worker, 32 connections, 3 rounds of 5 s, load from wrk\nCPython 3.14.0"
    )
    assert text.index("pounce 1.0") < text.index("uvicorn 1.0"), "the least first"
    assert "latencies are under full load" in text


def test_the_table_shows_medians_and_spread() -> None:
    lines = table(a_comparison([STEADY])).splitlines()
    words = lines[1].split("  ")
    assert lines[0].startswith("server")
    assert "10.0 us" in [word.strip() for word in words]
    assert "(9.9 us - 10.2 us)" in lines[1]
    assert "10,000" in lines[1]
    assert "2.0 ms" in lines[1]
    assert "40 MB" in lines[1]


def test_bars_go_to_the_lowest_round_and_on_to_the_highest() -> None:
    wide = a_result("uvicorn", a_round(20), a_round(40))
    drawn = bars(a_comparison([a_result("pounce", a_round(10)), wide])).splitlines()
    assert drawn[1:] == ["pounce   " + "=" * 10 + "  10.0 us", "uvicorn  " + "=" * 20 + "-" * 20 + "  30.0 us"]


def test_no_processor_time_was_seen() -> None:
    assert bars(a_comparison([a_result("pounce", a_round(0))])).splitlines()[1] == "pounce  =  0.0 us"


NOTES: dict[str, tuple[Comparison, dict[str, Any], str]] = {
    "overlap": (
        a_comparison([STEADY, a_result("uvicorn", a_round(10.1), a_round(10.0), a_round(12))]),
        {},
        "pounce and uvicorn: their rounds overlap",
    ),
    "wide": (
        a_comparison([a_result("pounce", a_round(10), a_round(15), a_round(10))]),
        {},
        "pounce: its rounds are 50%",
    ),
    "few rounds": (a_comparison([STEADY], rounds=2), {}, "fewer than three rounds"),
    "busy machine": (a_comparison([STEADY]), {"load_before": 2.5}, "was busy before it began (load average 2.5)"),
    "few processors": (a_comparison([STEADY], workers=8), {}, "8 workers and the generator share 8 processors"),
    "generator at its limit": (
        a_comparison([a_result("pounce", a_round(10, generator_cpu=0.95))]),
        {},
        "used all of its processor in some rounds",
    ),
    "our own generator": (a_comparison([STEADY], generator="asyncio"), {}, "only CPU per request compares"),
    "failed requests": (a_comparison([a_result("pounce", a_round(10, failures=1))]), {}, "requests failed"),
    "left out": (
        a_comparison([STEADY, a_result("granian", failure="ended with exit code 1\nmore of it")]),
        {},
        "granian was left out: ended with exit code 1",
    ),
    "nothing": (a_comparison([a_result("granian", failure="no")]), {}, "nothing was measured"),
}


@pytest.mark.parametrize("case", NOTES)
def test_a_weakness_is_said(case: str) -> None:
    comparison, machine, expected = NOTES[case]
    assert [note for note in notes(comparison, {**MACHINE, **machine}) if expected in note]
    assert in_words(comparison, {**MACHINE, **machine})


def test_where_nothing_is_weak_only_the_latencies_are_explained() -> None:
    (said,) = notes(a_comparison([STEADY, SLOWER]), MACHINE)
    assert said.startswith("latencies")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0000123, "12.3 us"),
        (0.000252, "252 us"),
        (0.00999, "10.0 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (12.345, "12.35 s"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
