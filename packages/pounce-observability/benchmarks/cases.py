"""What is counted of each change: what a request that is over costs those who listen."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from bench_metrics import RECORDS, inline

from pounce_observability.access_log.json_lines import JsonLines
from pounce_observability.access_log.line_formats import TextLines

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]


def told(make: Callable[[], Callable[[Any], object]]) -> Callable[[int], None]:
    """So many records, to a new listener."""

    def run(count: int) -> None:
        listener = make()
        for record in itertools.islice(itertools.cycle(RECORDS), count):
            listener(record)

    return run


CASES: Final[dict[str, Callable[[int], None]]] = {
    "metrics": told(inline),
    "a line of text": told(lambda: TextLines().line),
    "a line of JSON": told(lambda: JsonLines().line),
}
