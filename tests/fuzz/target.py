"""A target: what is fuzzed, with which bytes, and what has to be true of all of them."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Target", "chance_of", "cut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``check`` raises whatever is wrong: an AssertionError, or an exception that should never have come out."""

    name: str
    promises: str
    """The invariants, in one sentence each."""
    check: Callable[[bytes], None]
    seeds: Sequence[bytes]
    dictionary: Sequence[bytes] = ()
    modules: Sequence[str] = ()
    """Whose lines guide a campaign."""
    rounds: int = 300
    """Mutations in the bounded run."""
    shapes: tuple[Callable[[int], bytes], ...] = field(default=())
    """Inputs that grow with a number, for which the work has to be in proportion (test_work.py)."""


def chance_of(data: bytes) -> random.Random:
    """Chance that depends on nothing but the input, so that a find is a find again."""
    return random.Random(zlib.crc32(data))


def cut(data: bytes, chance: random.Random, most: int = 6) -> list[bytes]:
    """The same bytes in up to ``most`` pieces more, some of which may be empty."""
    places = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(1, most)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
