"""Sums that do not depend on their order.

A counter must never fall, not by the last bit of a float: whoever reads it would take that for a restart. But
``(a + b) + c`` and ``a + (b + c)`` may differ there, and the order changes whenever a worker ends and its numbers move
to a sum. So what is added is a whole number or a fraction, and only the result becomes a float: that is the nearest to
the true sum, and cannot fall while none of its parts does.
"""

from __future__ import annotations

import math
from fractions import Fraction

__all__ = ["Exact", "exact", "plain"]

Exact = int | float | Fraction


def exact(value: float) -> Exact:
    """A number that can be added without rounding; NaN and the infinities stay what they are."""
    if isinstance(value, int) or not math.isfinite(value):
        return value
    return int(value) if value.is_integer() else Fraction(value)


def plain(value: Exact) -> int | float:
    """What JSON can hold of a sum."""
    return float(value) if isinstance(value, Fraction) else value
