"""A rate as a person writes it: ``100/s``, ``1000/min``, ``5000/h``, ``10/30s``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Rate", "parse_rate"]

_RATE: Final = re.compile(r"([0-9]{1,9}) ?/ ?([0-9]{0,6}) ?([a-z]+)", re.ASCII)

_SECONDS: Final = {
    name: seconds
    for seconds, names in ((1, "s sec second"), (60, "m min minute"), (3600, "h hour"), (86400, "d day"))
    for name in names.split()
}

NANOSECONDS: Final = 1_000_000_000
FASTEST: Final = 1_000_000
"""Requests a second: above it the time between two of them has too few nanoseconds to be kept exactly."""
LONGEST: Final = 366 * 86400
"""Seconds that a rate may be over: with it and ten digits of requests no time leaves 64 bits of nanoseconds."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: int

    @property
    def interval(self) -> int:
        """Nanoseconds from one request to the next, when they come evenly; rounded up, so never more come."""
        return -(-self.seconds * NANOSECONDS // self.requests)


def parse_rate(text: str) -> Rate:
    """Read ``requests/unit``: s, min, h or d, or several of them (``10/30s``).

    Raises:
        ValueError: it is no rate, none at all, too fast or over too long a time; the message says what is allowed.
    """
    match = _RATE.fullmatch(text.strip().lower())
    if match is None or (unit := _SECONDS.get(match[3])) is None:
        raise ValueError(f"{text!r} is not requests/unit, such as 100/s, 1000/min, 5000/h or 10/30s")
    requests, seconds = int(match[1]), int(match[2] or 1) * unit
    if not requests or not seconds:
        raise ValueError(f"{text!r} would let nothing through: both numbers must be 1 or more")
    if requests > FASTEST * seconds:
        raise ValueError(f"{text!r} is above {FASTEST} requests a second")
    if seconds > LONGEST:
        raise ValueError(f"{text!r} is over more than {LONGEST // 86400} days")
    return Rate(requests, seconds)
