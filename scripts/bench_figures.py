"""The measured figures of benchmarks/RESULTS.md, read again for the chart and the tables of the documentation.

``python -m scripts.bench_figures`` writes the tables between their markers; the chart is one of the pictures of
``scripts.draw_pictures``. Nothing is written here that was not measured there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from scripts.drawing_kit import Drawing

__all__ = ["PAGES", "chart", "figures", "machine", "rewritten", "table"]

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "benchmarks" / "RESULTS.md"
PYTHON: Final = "3.14t"
SHOWN: Final = {
    "hello": "13 bytes, keep-alive",
    "differing": "heads that always differ",
    "close": "a connection each",
    "post-1k": "POST of 1 KiB",
    "post-64k": "POST of 64 KiB",
    "large": "64 KiB answered",
    "stream": "ten chunks",
    "many": "512 connections",
    "fastapi": "FastAPI, JSON",
    "fastapi-post": "FastAPI, validated POST",
    "fastapi-thread": "FastAPI, def route",
}
"""Workloads by their name in the results, with the words for readers."""

CHARTED: Final = ("hello", "post-1k", "large", "many", "fastapi")
SERVERS: Final = ("pounce", "uvicorn", "granian")
PAGES: Final = (ROOT / "docs" / "performance.md",)
MARKERS: Final = re.compile(r"(<!-- measured: (\S+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Figure(NamedTuple):
    """One server in one workload: medians, over the rounds."""

    rate: float
    """Requests a second."""
    p99: float
    """Milliseconds."""
    cpu: float
    """Microseconds of processor time for a request."""
    memory: float
    """MiB."""


def section(python: str = PYTHON) -> str:
    """What was measured with one Python.

    Raises:
        ValueError: nothing was.
    """
    text = RESULTS.read_text(encoding="utf-8")
    found = re.search(rf"<!-- begin {re.escape(python)} -->(.*?)<!-- end {re.escape(python)} -->", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{RESULTS.name} has no section for {python}")
    return found.group(1)


def figures(workload: str, mode: str = "quiet", python: str = PYTHON) -> dict[str, Figure]:
    """By server, in the order of the results."""
    head = re.escape(f"### {workload} ({mode}): ")
    found = re.search(rf"^{head}.*?\n\n(.*?)\n\n", section(python), re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"{RESULTS.name} has no table {workload} ({mode}) for {python}")
    names, _, *rows = ([cell.strip() for cell in row.strip("|").split("|")] for row in found.group(1).splitlines())
    at = [names.index(name) for name in ("requests/s", "p99 ms", "CPU us", "memory MiB")]
    return {row[0]: Figure(*(float(row[column].replace(",", "")) for column in at)) for row in rows}


def machine(python: str = PYTHON) -> dict[str, str]:
    """Where and how it was measured: the list at the beginning of the section."""
    return dict(re.findall(r"^- (\w[\w -]*): (.*)$", section(python), re.MULTILINE))


def table(python: str, mode: str) -> str:
    """All workloads that are shown: processor time and rate of each server."""
    known = [name for name in SHOWN if f"### {name} ({mode})" in section(python)]
    servers = [name for name in SERVERS if name in figures(known[0], mode, python)]
    heads = [f"{name}, CPU µs" for name in servers] + [f"{name}, requests/s" for name in servers]
    lines = [f"| what | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for name in known:
        row = figures(name, mode, python)
        cpu = [f"{row[server].cpu:g}" for server in servers]
        best = min(range(len(servers)), key=lambda one: row[servers[one]].cpu)
        cpu[best] = f"**{cpu[best]}**"
        lines.append(f"| {SHOWN[name]} | {' | '.join([*cpu, *(f'{row[one].rate:,.0f}' for one in servers)])} |")
    return "\n".join(lines) + "\n"


def rewritten(text: str) -> str:
    """A page with its tables as they should be."""
    return MARKERS.sub(
        lambda found: f"{found.group(1)}\n{table(found.group(2), found.group(3))}\n{found.group(4)}", text
    )


def chart() -> Drawing:
    """Processor time of a request, a bar for each server."""
    drawing = Drawing(
        title="Processor time of a request",
        description="; ".join(
            f"{SHOWN[name]}: " + ", ".join(f"{server} {figures(name)[server].cpu:g} µs" for server in SERVERS)
            for name in CHARTED
        ),
        width=520,
        height=66 + len(CHARTED) * 84 + 22,
    )
    drawing.text(10, 22, "Processor time of a request, in µs: shorter is better", kind="strong", anchor="start")
    kinds = dict(zip(SERVERS, ("ours", "second", "theirs"), strict=True))
    for number, server in enumerate(SERVERS):
        drawing.rectangle(10 + number * 110, 36, 14, 14, kind=kinds[server], round_by=2)
        drawing.text(30 + number * 110, 48, server, kind="soft", anchor="start")
    longest = max(figures(name)[server].cpu for name in CHARTED for server in SERVERS)
    for row, name in enumerate(CHARTED):
        top = 70 + row * 84
        drawing.text(10, top + 12, SHOWN[name], anchor="start")
        for number, server in enumerate(SERVERS):
            cpu = figures(name)[server].cpu
            length = 440 * cpu / longest
            drawing.rectangle(10, top + 19 + number * 18, length, 14, kind=kinds[server], round_by=2)
            drawing.text(18 + length, top + 31 + number * 18, f"{cpu:g}", kind="soft", anchor="start")
    found = machine()
    words = f"one worker, Python {PYTHON}, {found['machine'].partition(',')[0]}, {found['date'][:10]}"
    drawing.text(10, 66 + len(CHARTED) * 84 + 14, words, kind="soft", anchor="start")
    return drawing


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")
