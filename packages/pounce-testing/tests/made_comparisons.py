"""Comparisons that nobody has measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_testing.bench.comparison import Comparison, Plan, Result, Round
from pounce_testing.bench.contestants import CONTESTANTS
from pounce_testing.bench.load_report import PERCENTILES, LoadReport
from pounce_testing.bench.request import LoadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

MACHINE: dict[str, Any] = {
    "system": "Linux 6.1",
    "processor": "A processor",
    "processors": 8,
    "python": "CPython 3.14.0",
    "gil": "off",
    "load_before": 0.1,
}


def a_round(microseconds: float, *, failures: int = 0, generator_cpu: float = 0.1, requests: int = 10_000) -> Round:
    """One in which a request took so much processor time."""
    load = LoadReport(
        requests=requests,
        seconds=1.0,
        failures=failures,
        latencies=dict.fromkeys(PERCENTILES, 0.002),
        generator_cpu=generator_cpu,
    )
    return Round(load=load, cpu=microseconds * requests / 1e6, memory=40_000_000)


def a_result(name: str, *rounds: Round, failure: str | None = None) -> Result:
    return Result(name=name, version="1.0", rounds=list(rounds), failure=failure)


def a_comparison(results: Sequence[Result], **plan: Any) -> Comparison:
    values: dict[str, Any] = {
        "app": "main:app",
        "app_dir": ".",
        "contestants": CONTESTANTS,
        "request": LoadRequest(),
        "generator": "wrk",
    }
    return Comparison(plan=Plan(**{**values, **plan}), results=tuple(results))
