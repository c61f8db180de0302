"""What is counted of each change: requests on one connection, ten in each read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from bench_connection import STREAMS, pounce, requests

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

MOST: Final = 1000
"""The largest number that is asked for; so many are always prepared."""
READS: Final = requests(MOST // STREAMS)


def get(count: int) -> None:
    assert count <= MOST
    asyncio.run(pounce(READS[: 1 + count // STREAMS], None))


CASES: Final[dict[str, Callable[[int], None]]] = {"GET": get}
