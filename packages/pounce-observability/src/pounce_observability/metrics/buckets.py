"""Where a time falls in a histogram: one search finds the place for the classic buckets and for the native ones.

A classic bucket counts all that is at most its bound. A native histogram of Prometheus has a bucket for each power of
``2 ** 2**-SCHEMA``, nine per cent wide with schema 3, and only those that hold something are sent. A `Layout` has the
bounds of both in one rising row, so a time is counted once, in the place between two neighbours, and both kinds are
added up from the places when somebody asks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["SCHEMA", "ZERO_THRESHOLD", "Layout", "NativeBuckets", "classic_counts", "native_buckets"]

SCHEMA: Final = 3
"""Eight buckets for each doubling."""

_LEAST: Final = -20
_MOST: Final = 16

ZERO_THRESHOLD: Final = 2.0**_LEAST
"""Seconds, about a microsecond: what is shorter is counted as nothing. Above 2**16 s, 18 hours, all is one bucket."""


class NativeBuckets(NamedTuple):
    """A native histogram."""

    zero: int
    """How many are at most ``ZERO_THRESHOLD``."""
    positive: dict[int, int]
    """How many by the bucket's index ``i``: above ``2 ** ((i - 1) / 8)`` and at most ``2 ** (i / 8)`` seconds."""

    @property
    def spans(self) -> list[tuple[int, list[int]]]:
        """Runs of neighbouring buckets: the gap before the run (for the first: its index), and the counts."""
        found: list[tuple[int, list[int]]] = []
        following = 0
        for index in sorted(self.positive):
            if found and index == following:
                found[-1][1].append(self.positive[index])
            else:
                found.append((index - following, [self.positive[index]]))
            following = index + 1
        return found


class Layout:
    """The bounds of a histogram. Immutable, so threads may share it."""

    __slots__ = ("bounds", "classic", "names")

    def __init__(self, classic: Iterable[float]) -> None:
        """``classic`` are the upper bounds of its classic buckets, in seconds, without infinity."""
        self.classic = tuple(classic)
        native = {_native_bound(index) for index in range(_LEAST << SCHEMA, (_MOST << SCHEMA) + 1)}
        self.bounds = tuple(sorted(native | set(self.classic)))
        self.names = (*map(repr, self.bounds), "inf")
        """The upper bound of each place as text: floats that are written so come back the same."""

    @property
    def places(self) -> int:
        """How many counts it takes; ``bisect_left(bounds, seconds)`` is the place of one."""
        return len(self.bounds) + 1

    def sparse(self, counts: Sequence[int]) -> dict[str, int]:
        """The counts that are not 0, by the upper bound of their place."""
        return {name: count for name, count in zip(self.names, counts, strict=True) if count}


def classic_counts(counts: Mapping[str, int], bounds: Iterable[float]) -> list[int]:
    """How many are at most each of the bounds; the last figure is that of all, for infinity."""
    parts = sorted((float(bound), count) for bound, count in counts.items())
    return [sum(count for upper, count in parts if upper <= bound) for bound in (*bounds, math.inf)]


def native_buckets(counts: Mapping[str, int]) -> NativeBuckets:
    """The native histogram of the same times."""
    zero = 0
    positive: dict[int, int] = {}
    for name, count in counts.items():
        upper = float(name)
        if upper <= ZERO_THRESHOLD:
            zero += count
        else:
            index = _native_index(upper)
            positive[index] = positive.get(index, 0) + count
    return NativeBuckets(zero, positive)


def _native_bound(index: int) -> float:
    # As Prometheus has it: an exact power of two times one of eight constants.
    whole, part = divmod(index, 1 << SCHEMA)
    return math.ldexp(2.0 ** (part / (1 << SCHEMA)), whole)


def _native_index(upper: float) -> int:
    """Of the bucket that has the place with this upper bound in it."""
    if upper > _native_bound(_MOST << SCHEMA):
        return (_MOST << SCHEMA) + 1
    guess = math.ceil(math.log2(upper) * (1 << SCHEMA))
    # The logarithm is rounded: the bounds themselves decide.
    while _native_bound(guess) < upper:
        guess += 1
    while _native_bound(guess - 1) >= upper:
        guess -= 1
    return guess
