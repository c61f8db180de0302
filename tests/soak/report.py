"""The result of a soak as text: the tables of docs/security/soak.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.soak.account import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.soak.campaign import Life, Result
    from tests.soak.growth import Growth

__all__ = ["report"]

MIB: Final = 2**20


def report(result: Result) -> str:
    """Markdown."""
    total = sum(sum(counts.values()) for counts in result.requests.values())
    plan = result.plan
    parts = [
        f"{result.seconds / 60:.1f} minutes, {plan.workers} workers ({plan.kind}), seed {plan.seed}",
        f"{total} requests, {total / result.seconds:.0f} in a second",
        *(_of_server(name, life) for name, life in result.lives.items()),
        _of_requests(result),
        f"server: {result.server_totals}, access log: {result.access_lines} lines",
        *(f"asked again: {reason}: {count}" for reason, count in sorted(result.retried.items())),
        "\n".join(["FOUND:", *result.faults]) if result.faults else "nothing was found",
    ]
    return "\n\n".join(parts)


def _of_server(name: str, life: Life) -> str:
    rows = [["of the server " + name, "start", "end", "slope per hour", "nobody there, before", "after"]]
    assert life.before is not None
    assert life.after is not None
    before, after = life.before.values(), life.after.values()
    for growth in life.growths:
        shown = [_shown(growth, value) for value in (growth.first, growth.last, growth.per_hour)]
        rows.append([growth.name, *shown, *(_shown(growth, each[growth.name]) for each in (before, after))])
    changes = f"{life.reloads} reloads, {life.recycled} workers replaced, {life.restarts} restarts"
    return f"{_table(rows)}\n\n{name}: {len(life.samples)} samples, {changes}"


def _shown(growth: Growth, value: float) -> str:
    return f"{value / MIB:.1f} MiB" if growth.name == "memory" else f"{value:.4g}"


def _of_requests(result: Result) -> str:
    found = [outcome.name for outcome in Outcome if any(outcome.name in each for each in result.requests.values())]
    rows = [["", *(name.lower().replace("_", " ") for name in found), "all"]]
    for way, counts in result.requests.items():
        rows.append([way, *(str(counts.get(name, 0)) for name in found), str(sum(counts.values()))])
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])
