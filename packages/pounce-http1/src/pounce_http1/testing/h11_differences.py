"""Where the engine over h11 rightly makes something else of a case, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pounce_http1.testing.case import Difference

__all__ = ["H11_DIFFERENCES"]

H11_DIFFERENCES: Final[dict[str, Difference]] = {}
