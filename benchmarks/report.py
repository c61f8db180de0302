"""The results in words: Markdown tables, and the file that keeps them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.latency import median_p99, why_not

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.bars import Verdict
    from benchmarks.ground import Taken
    from benchmarks.latency import LatencyTurn
    from benchmarks.measurement import Summary
    from benchmarks.pauses import PauseTurn

__all__ = ["Section", "case_table", "latency_table", "pause_table", "rewrite", "verdict_table"]

REFERENCE: Final = "uvicorn"
LEARNT: Final = "## What was learnt"
START: Final = f"""\
# Results

Written by `make bench BENCH=--save`: one section for each Python, replaced as a whole; text outside of the marked
sections is kept. CPU is the processor time (user and system) of the server's whole process tree divided by the
requests answered, or the messages of WebSockets; "of {REFERENCE}" is the share of {REFERENCE}'s figure in the same
run. Figures are medians over the rounds. Memory is the proportional set size after the load. "Failures" are other
statuses, socket errors and time-outs, over all rounds; a figure beside any is not to be trusted. Latency is counted
from the moment a request was due; "client late" is how much of it is the load generator's own (p99), "others" the
share of a core that strangers used.

{LEARNT}

"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def case_table(summaries: Mapping[str, Summary], *, reference: str = REFERENCE, left_out: Sequence[str] = ()) -> str:
    """One row for each server. ``left_out``: those that cannot be asked this, who are named below."""
    compared = summaries.get(reference)
    head = ["server", "requests/s", f"of {reference}", "p99 ms", "CPU us", f"of {reference}", "memory MiB", "failures"]
    lines = table(head, (_row(name, summary, compared) for name, summary in summaries.items()))
    return f"{lines}\n\nLeft out, as they do not serve this here: {', '.join(left_out)}." if left_out else lines


def _row(name: str, summary: Summary, reference: Summary | None) -> list[str]:
    if summary.problem:
        return [name, f"failed: {summary.problem.splitlines()[0]}", *["-"] * 5, str(summary.failures)]
    rate = None
    if reference is not None and reference.requests_per_second:
        rate = summary.requests_per_second / reference.requests_per_second
    return [
        name,
        f"{summary.requests_per_second:,.0f}",
        share(rate),
        f"{summary.p99 * 1000:.2f}",
        f"{summary.cpu_per_request * 1e6:.1f}",
        share(summary.cpu_share_of(reference) if reference else None),
        f"{summary.memory / 2**20:.1f}",
        marked(summary.failures),
    ]


def latency_table(taken: Mapping[str, Taken[LatencyTurn]], saturation: Mapping[str, float]) -> str:
    """One row for each server: medians over the calm rounds, and the longest of all."""
    reference = median_p99(taken[REFERENCE]) if REFERENCE in taken else None
    head = ["server", "saturated by", "sent", "p50 ms", "p99 ms", f"of {REFERENCE}", "longest ms"]
    head += ["client late ms", "others", "failures"]
    return table(head, (_latency_row(name, one, saturation[name], reference) for name, one in taken.items()))


def _latency_row(name: str, taken: Taken[LatencyTurn], saturation: float, reference: float | None) -> list[str]:
    p99 = median_p99(taken)
    if p99 is None:
        return [name, f"{saturation:,.0f}", why_not(taken), *["-"] * 7]
    turns = [turn for turn in taken.turns if turn.calm]
    reports = [turn.report for turn in turns]
    return [
        name,
        f"{saturation:,.0f}",
        f"{statistics.median(turn.rate for turn in turns):,.0f}",
        f"{statistics.median(report.p50 for report in reports) * 1000:.3f}",
        f"{p99 * 1000:.3f}",
        share(p99 / reference if reference else None),
        f"{max(report.longest for report in reports) * 1000:.2f}",
        f"{statistics.median(report.late for report in reports) * 1000:.3f}",
        f"{max(turn.others for turn in turns):.0%}",
        marked(sum(report.failures for report in reports)),
    ]


def pause_table(taken: Mapping[str, Taken[PauseTurn]]) -> str:
    """One row for each server: of all rounds together."""
    head = ["server", "requests", "collections", "longest ms", "of the time"]
    return table(head, (_pause_row(name, one) for name, one in taken.items()))


def _pause_row(name: str, taken: Taken[PauseTurn]) -> list[str]:
    if taken.problem:
        return [name, f"failed: {taken.problem.splitlines()[0]}", *["-"] * 3]
    return [
        name,
        f"{sum(turn.requests for turn in taken.turns):,}",
        f"{sum(turn.collections for turn in taken.turns)}",
        f"{max(turn.longest for turn in taken.turns) * 1000:.2f}",
        f"{sum(turn.total for turn in taken.turns) / sum(turn.seconds for turn in taken.turns):.2%}",
    ]


def marked(failures: int) -> str:
    return f"**{failures} (!)**" if failures else "0"


def verdict_table(verdicts: Iterable[Verdict]) -> str:
    """The bars and whether each is met."""
    rows = (
        [
            f"{verdict.bar.workload} ({verdict.bar.mode.value})",
            verdict.bar.figure.value,
            verdict.bar.rival or "-",
            f"{verdict.bar.most:.2f}",
            share(verdict.measured),
            verdict.word,
        ]
        for verdict in verdicts
    )
    return table(["workload", "figure", "against", "at most", "measured", "verdict"], rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All that is kept of one run."""

    series: str
    """What it replaces: ``3.14t``."""
    facts: Mapping[str, str]
    """Machine, versions, date, command ..."""
    verdicts: Sequence[Verdict]
    tables: Mapping[str, str]
    """Title -> table."""

    def render(self) -> str:
        """The section as Markdown."""
        parts = [f"## Python {self.series}", "\n".join(f"- {key}: {value}" for key, value in self.facts.items())]
        if self.verdicts:
            parts += ["### Bars", verdict_table(self.verdicts)]
        for title, rendered in self.tables.items():
            parts += [f"### {title}", rendered]
        return "\n\n".join(parts)


def rewrite(text: str, series: str, rendered: str) -> str:
    """Put a section into the file's text, in place of the one of the same series; all else stays as it is."""
    text = text or START
    begin, end = f"<!-- begin {series} -->", f"<!-- end {series} -->"
    block = f"{begin}\n\n{rendered}\n\n{end}"
    before, found, rest = text.partition(begin)
    if found:
        _, closed, after = rest.partition(end)
        if not closed:
            raise ValueError(f"the results have {begin} without {end}: put it back or remove both")
        return before + block + after
    before, learnt, after = text.partition(LEARNT)
    return f"{before}{block}\n\n{learnt}{after}" if learnt else f"{text.rstrip()}\n\n{block}\n"
