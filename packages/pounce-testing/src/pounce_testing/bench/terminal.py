"""A comparison on a terminal: a table, bars, and what must be known to read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_testing.bench.comparison import indistinct
from pounce_testing.bench.load_report import PERCENTILES
from pounce_testing.bench.process_tree import MEMORY_IS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pounce_testing.bench.comparison import Comparison, Result, Spread

__all__ = ["bars", "describe", "duration", "in_words", "notes", "table"]

BAR_WIDTH: Final = 40
BUSY: Final = 0.25
"""A load average above this share of the processors, before we have begun, disturbs."""
WIDE: Final = 0.15
"""Rounds that are further apart than this share of their median are worth a word."""


def in_words(comparison: Comparison, machine: Mapping[str, Any]) -> str:
    """All of it."""
    parts = [describe(comparison, machine)]
    if comparison.measured:
        parts += [table(comparison), bars(comparison)]
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in notes(comparison, machine))])


def describe(comparison: Comparison, machine: Mapping[str, Any]) -> str:
    """What was done, where."""
    plan = comparison.plan
    workers = "1 worker" if plan.workers == 1 else f"{plan.workers} workers"
    rounds = "1 round" if plan.rounds == 1 else f"{plan.rounds} rounds"
    return (
        f"{plan.request.method} {plan.request.path} of {plan.app}: {workers}, {plan.connections} connections,"
        f" {rounds} of {plan.seconds:g} s, load from {_generator(comparison)}\n"
        f"{machine['python']}, GIL {machine['gil']}; {machine['processor']}, {machine['processors']} processors;"
        f" {machine['system']}"
    )


def _generator(comparison: Comparison) -> str:
    return "wrk" if comparison.plan.generator == "wrk" else "our own generator (asyncio; install wrk for a lighter one)"


def table(comparison: Comparison) -> str:
    """Medians; of the processor time also the lowest and the highest round."""
    shares = [f"p{share:g}" for share in PERCENTILES]
    rows = [["server", "CPU/request", "(lowest - highest)", "requests/s", *shares, MEMORY_IS, "failed"]]
    rows += [_row(result) for result in comparison.measured]
    return _aligned(rows)


def _row(result: Result) -> list[str]:
    cpu = result.cpu
    return [
        f"{result.name} {result.version}",
        duration(cpu.median),
        f"({duration(cpu.low)} - {duration(cpu.high)})",
        f"{result.rate.median:,.0f}",
        *(duration(result.latency(share).median) for share in PERCENTILES),
        f"{result.memory.median / 1e6:.0f} MB",
        str(result.failures),
    ]


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *others = row
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def bars(comparison: Comparison) -> str:
    """Processor time per request, drawn: ``=`` to the lowest round, ``-`` on to the highest."""
    measured = comparison.measured
    longest = max(result.cpu.high for result in measured) or 1.0  # none was seen in a short round
    width = max(len(result.name) for result in measured)
    rows = [f"{one.name.ljust(width)}  {_bar(one.cpu, longest)}  {duration(one.cpu.median)}" for one in measured]
    return "\n".join(["CPU per request, less is better", *rows])


def _bar(spread: Spread, longest: float) -> str:
    low, high = (round(value / longest * BAR_WIDTH) for value in (spread.low, spread.high))
    return "=" * max(low, 1) + "-" * (high - max(low, 1))


def duration(seconds: float) -> str:
    """With three digits and the unit that fits."""
    for unit, size in (("us", 1e6), ("ms", 1e3)):
        value = seconds * size
        if value < 999.5:
            return f"{value:.0f} {unit}" if value >= 99.95 else f"{value:.1f} {unit}"
    return f"{seconds:.2f} s"


def notes(comparison: Comparison, machine: Mapping[str, Any]) -> list[str]:
    """What weakens the figures, and what they are not."""
    said = [
        f"{one.name} was left out: {_first_line(one.failure)}" for one in comparison.results if one.failure is not None
    ]
    if not comparison.measured:
        return [*said, "nothing was measured"]
    said += [
        f"{one} and {other}: their rounds overlap in processor time; which needs less cannot be said from this"
        for one, other in indistinct(comparison)
    ]
    said += [
        f"{result.name}: its rounds are {result.cpu.share:.0%} apart; more rounds, or a machine with less else to do"
        for result in comparison.measured
        if result.cpu.share > WIDE
    ]
    if comparison.plan.rounds < 3:
        said.append("fewer than three rounds tell nothing about their spread")
    said += _about_the_machine(comparison, machine)
    if any(result.failures for result in comparison.measured):
        said.append("requests failed; what a server saves by failing is no merit of it")
    return said


def _first_line(failure: str) -> str:
    return failure.partition("\n")[0]


def _about_the_machine(comparison: Comparison, machine: Mapping[str, Any]) -> list[str]:
    said = []
    if comparison.plan.generator == "asyncio":
        said.append(
            "our own generator needs as much processor time for a request as a server: requests/s and latencies are its"
            " limit as much as the server's; only CPU per request compares"
        )
    elif comparison.saturated:
        said.append(
            "the load generator used all of its processor in some rounds: requests/s and latencies are its own limit as"
            " much as the server's; only CPU per request compares"
        )
    processors = int(machine["processors"] or 1)
    if processors < comparison.plan.workers + 1:
        said.append(
            f"{comparison.plan.workers} workers and the generator share {processors} processors: requests/s and"
            " latencies suffer from that; CPU per request hardly"
        )
    load = machine.get("load_before")
    if load is not None and load > BUSY * processors:
        said.append(f"the machine was busy before it began (load average {load:.1f}): repeat this when it is not")
    said.append(
        "latencies are under full load with each server as fast as it can be: they follow from requests/s, and say"
        " little about a server that is half busy"
    )
    return said
