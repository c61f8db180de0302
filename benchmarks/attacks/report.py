"""What was measured, as lines of a terminal, as the table of ``docs/security/attacks.md``, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.attacks.rounds import NOISE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.attacks.rounds import Figures

__all__ = ["as_json", "line", "markdown", "noise"]


def line(one: Figures) -> str:
    """For a terminal."""
    return (
        f"{one.name:27}  work {milliseconds(one.calm_work):>7} -> {milliseconds(one.work):>8} ms"
        f" {times(one.work_times):>6}   p99 {milliseconds(one.calm_wall):>7} -> {milliseconds(one.wall):>8} ms"
        f" {times(one.wall_times):>6}{'~' if one.noisy else ' '}  {one.answers:4}{'!' if one.few else ' '}"
        f"  {one.core:4.0%} of a core"
        f"  {one.grown / 2**20:+6.1f} MiB, {one.left / 2**20:+6.1f} left"
        f"  {one.descriptors:4} fds, {one.descriptors_left:+d} left"
        f"  {'; '.join(one.faults) or 'within'}"
    )


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f}"


def times(ratio: float) -> str:
    return f"x{ratio:.1f}" if ratio < 100 else f"x{ratio:.0f}"


def markdown(figures: Sequence[Figures]) -> str:
    """The table of the page: the worst first."""
    head = "| attack | work calm | work during it | times | p99, times | grown by |"
    rows = [head, "|---|---:|---:|---:|---:|---:|"]
    for one in sorted(figures, key=lambda one: -one.work_times):
        ratio = f"{one.work_times:.1f}" if one.work_times < 100 else f"{one.work_times:.0f}"
        waited = "-" if one.noisy else f"{one.wall_times:.1f}" if one.wall_times < 100 else f"{one.wall_times:.0f}"
        rows.append(
            f"| {one.name} | {milliseconds(one.calm_work)} ms | {milliseconds(one.work)} ms"
            f" | {f'**{ratio}**' if one.faults else ratio} | {waited} | {max(one.grown, 0) / 2**20:.0f} MiB |"
        )
    return "\n".join(rows)


def noise(figures: Sequence[Figures]) -> str:
    """What the waiting times are worth."""
    noisy = [one.name for one in figures if one.noisy]
    few = [one.name for one in figures if one.few]
    said = []
    if noisy:
        said.append(
            f"Calm rounds differed by more than {NOISE:g} times in {len(noisy)} of {len(figures)}: waiting times say"
            f" nothing of the server there, and only its work is judged (~): {', '.join(noisy)}."
        )
    else:
        said.append("Calm rounds agreed with one another: waiting times can be believed.")
    if few:
        said.append(f"So few answers in a round that their p99 is nearly their longest (!): {', '.join(few)}.")
    return "\n".join(said)


def as_json(figures: Sequence[Figures], setting: Mapping[str, Any]) -> str:
    ratios = [
        {**asdict(one), "work_times": one.work_times, "wall_times": one.wall_times, "faults": one.faults}
        for one in figures
    ]
    return json.dumps({**setting, "attacks": ratios}, indent=1)
