"""What is counted of each change: requests on one connection, above an engine that only takes what it is given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from bench_connection import FIELDS, STREAMS, headers, indexed, requests

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]


CASES: Final[dict[str, Callable[[int], None]]] = {
    "GET, literal fields": lambda count: _run(headers(FIELDS), count),
    "GET, fields in the table": lambda count: _run(indexed(), count),
}


def _run(sent: bytes, count: int) -> None:
    asyncio.run(requests(sent, None, count // STREAMS))
