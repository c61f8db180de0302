"""What is counted of each change: requests on an HTTP/1.1 connection whose transport does nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from bench_connection import POSTED, REPEATED, differing, echo, hello, measure

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]


CASES: Final[dict[str, Callable[[int], None]]] = {
    "the same fields": lambda count: _run(hello, [REPEATED] * count),
    "other fields": lambda count: _run(hello, [differing(number) for number in range(count)]),
    "a small body": lambda count: _run(echo, [POSTED] * count),
}


def _run(app: object, pieces: list[bytes]) -> None:
    asyncio.run(measure(app, pieces, 1))
