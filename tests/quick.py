"""Which files have tests that are quick: they start no process, no thread and no server, and search nothing at random.

That is seen in what a file imports, so no list has to be kept. ``make check`` runs these; ``make test`` runs all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_quick"]

SLOW: Final = re.compile(
    r"^\s*(?:import|from) (?:subprocess|multiprocessing|threading|socket|hypothesis|pounce_testing|pty)\b"
    r"|\bpytest\.Pytester\b",
    re.MULTILINE,
)


def is_quick(path: Path) -> bool:
    """Whether a file of tests is."""
    return SLOW.search(path.read_text(encoding="utf-8")) is None
