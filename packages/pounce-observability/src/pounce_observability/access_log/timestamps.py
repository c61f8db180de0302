"""Times as lines write them, made once a second."""

from __future__ import annotations

import functools
import time
from typing import Final

__all__ = ["clf_time", "iso_second"]

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@functools.lru_cache(maxsize=4)
def clf_time(wall: int) -> str:
    """A second as the Common Log Format writes it, in local time. Month names do not follow the locale."""
    local = time.localtime(wall)
    minutes = local.tm_gmtoff // 60
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    clock = f"{local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d}"
    return f"{local.tm_mday:02d}/{_MONTHS[local.tm_mon - 1]}/{local.tm_year}:{clock} {offset}"


@functools.lru_cache(maxsize=4)
def iso_second(wall: int) -> str:
    """A second as RFC 3339 writes it, in UTC and without the letter at its end, so that a fraction may follow."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall))
