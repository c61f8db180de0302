"""The results in words: Markdown tables, and the file that keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.bars import Verdict
    from benchmarks.measurement import Case, Summary

__all__ = ["Section", "case_table", "rewrite", "verdict_table"]

REFERENCE: Final = "uvicorn"
LEARNT: Final = "## What was learnt"
START: Final = f"""\
# Results

Written by `make bench BENCH=--save`: one section for each Python, replaced as a whole; text outside of the marked
sections is kept. CPU is the processor time (user and system) of the server's whole process tree divided by the
requests answered; "of {REFERENCE}" is the share of {REFERENCE}'s figure in the same run. Figures are medians over the
rounds. Memory is the proportional set size after the load. "Failures" are other statuses, socket errors and time-outs,
over all rounds; a figure beside any is not to be trusted.

{LEARNT}

"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def case_table(summaries: Mapping[str, Summary]) -> str:
    """One row for each server."""
    reference = summaries.get(REFERENCE)
    head = ["server", "requests/s", f"of {REFERENCE}", "p99 ms", "CPU us", f"of {REFERENCE}", "memory MiB", "failures"]
    return table(head, (_row(name, summary, reference) for name, summary in summaries.items()))


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
        f"**{summary.failures} (!)**" if summary.failures else "0",
    ]


def verdict_table(verdicts: Iterable[Verdict]) -> str:
    """The bars and whether each is met."""
    rows = (
        [
            f"{verdict.bar.workload} ({verdict.bar.mode.value})",
            verdict.bar.rival,
            f"{verdict.bar.most:.2f}",
            share(verdict.share),
            verdict.word,
        ]
        for verdict in verdicts
    )
    return table(["workload", "against", "CPU at most", "measured", "verdict"], rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All that is kept of one run."""

    series: str
    """What it replaces: ``3.14t``."""
    facts: Mapping[str, str]
    """Machine, versions, date, command ..."""
    verdicts: Sequence[Verdict]
    results: Mapping[Case, Mapping[str, Summary]]

    def render(self) -> str:
        """The section as Markdown."""
        parts = [f"## Python {self.series}", "\n".join(f"- {key}: {value}" for key, value in self.facts.items())]
        if self.verdicts:
            parts += ["### Bars", verdict_table(self.verdicts)]
        for case, summaries in self.results.items():
            parts += [f"### {case}: {case.workload.title}", case_table(summaries)]
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
