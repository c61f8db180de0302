"""Which ways to serve a test runs over: a few that cover them all, instead of every one.

A test that runs over ways to serve (`AXES`) and over rows of its own says a rule for each row. What runs by default:

- each value of each dimension of the ways with each test: every kind of worker, every parser, TLS and none;
- each row of a test in two ways that differ in as much as can be, by turns, so that the rows together meet all of that;
- another combination in another file.

``EVERY_COMBINATION=1`` runs all. A combination that is asked for by its name runs in any case.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce_testing import Variant
from tests.tables import EVERY_COMBINATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["by_turns", "covering", "leave_out_repetitions"]

AXES: Final = ("variant", "way")
"""Parameters that choose a way to serve: a `Variant`, or what stands for one where a command is run."""

WAYS_FOR_A_ROW: Final = 2
"""One could be right by accident."""

HERE: Final = Path(__file__).resolve().parent


def dimensions(way: str) -> tuple[tuple[str, str], ...]:
    """Its value in each dimension: the kind of workers, and what they speak where the name says that."""
    kind, _, protocol = way.partition("-")
    return ("kind", kind), ("protocol", protocol)


def covering(ways: Sequence[str], start: int = 0) -> list[str]:
    """The fewest ways in which each value of each dimension is met, and each about as often; ``start`` breaks ties."""
    start %= max(1, len(ways))
    candidates = [*ways[start:], *ways[:start]]
    missing = {value for way in ways for value in dimensions(way)}
    met: Counter[tuple[str, str]] = Counter()
    chosen = []
    while missing:
        best = max(
            candidates,
            key=lambda way: (len(missing.intersection(dimensions(way))), -sum(met[value] for value in dimensions(way))),
        )
        chosen.append(best)
        met.update(dimensions(best))
        missing.difference_update(dimensions(best))
    return chosen


def by_turns(rows: int, ways: Sequence[str]) -> Iterator[list[str]]:
    """The ways of each row. Each way has its turn; where all have had it, the next round begins with another."""
    if not ways:
        yield from [[]] * rows
        return
    count = min(len(ways), max(WAYS_FOR_A_ROW, math.ceil(len(ways) / rows)))
    for first in range(0, rows * count, count):
        begin = first + first // len(ways)
        yield [ways[(begin + step) % len(ways)] for step in range(count)]


def way_of(item: pytest.Item) -> Any:
    """The way to serve of a test; None when it runs over none, or is not one of these."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec") or HERE not in item.path.parents:
        return None
    return next((item.callspec.params[axis] for axis in AXES if axis in item.callspec.params), None)


def name_of(item: pytest.Item) -> str:
    """What that is called."""
    way = way_of(item)
    return way.name if isinstance(way, Variant) else str(way)


def row_of(item: pytest.Function) -> tuple[Any, ...]:
    """What a test has besides its way to serve. Combinations share the values of the tables, which need not hash."""
    return tuple((name, id(value)) for name, value in sorted(item.callspec.params.items()) if name not in AXES)


def chosen_of(items: Sequence[pytest.Function]) -> set[pytest.Function]:
    """What runs of the combinations of one test."""
    rows: dict[tuple[Any, ...], list[pytest.Function]] = {}
    for item in items:
        rows.setdefault(row_of(item), []).append(item)
    not_installed = {item for item in items if getattr(way_of(item), "missing", ())}  # they skip, and say so
    ways = list(dict.fromkeys(name_of(item) for item in items if item not in not_installed))
    cover = covering(ways, zlib.crc32(items[0].path.name.encode()))
    chosen = set(not_installed)
    for row, turn in zip(rows.values(), by_turns(len(rows), cover), strict=True):
        chosen |= {item for item in row if name_of(item) in turn} or set(row)
    return chosen


def leave_out_repetitions(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests without the combinations that say nothing new."""
    if EVERY_COMBINATION:
        return items
    tests: dict[tuple[Any, ...], list[pytest.Function]] = {}
    for item in items:
        if way_of(item) is not None and isinstance(item, pytest.Function):
            tests.setdefault((item.path, item.cls, item.originalname), []).append(item)
    chosen = set(itertools.chain.from_iterable(map(chosen_of, tests.values())))
    left_out = set(itertools.chain.from_iterable(tests.values())) - chosen
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    return [item for item in items if item not in left_out]
