"""What is counted of each change: calls through each small middleware, alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench_small import cases, spend

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

COUNTED: Final = {"proxy headers", "request id, taken", "allowed hosts", "security headers"}
"""Those that servers have on, and whose work is the same each time."""


def through(called: Any, fields: Any) -> Callable[[int], None]:
    def run(count: int) -> None:
        spend(called, fields, count)

    return run


CASES: Final[dict[str, Callable[[int], None]]] = {
    name: through(called, fields) for name, called, fields in cases() if name in COUNTED
}
