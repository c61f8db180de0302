"""Dates of HTTP (RFC 9110, 5.6.7)."""

from __future__ import annotations

import re
from calendar import timegm
from email.utils import formatdate
from typing import Final

__all__ = ["format_date", "parse_date"]

_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Final = {name: number for number, name in enumerate(_NAMES, 1)}
_TIME: Final = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS: Final = (
    # IMF-fixdate, then the two obsolete forms that recipients must still accept.
    re.compile(rf"[A-Z][a-z]{{2}}, (?P<day>\d\d) (?P<month>[A-Z][a-z]{{2}}) (?P<year>\d{{4}}) {_TIME} GMT", re.ASCII),
    re.compile(rf"[A-Z][a-z]{{5,8}}, (?P<day>\d\d)-(?P<month>[A-Z][a-z]{{2}})-(?P<year>\d\d) {_TIME} GMT", re.ASCII),
    re.compile(rf"[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})", re.ASCII),
)


def format_date(seconds: int) -> bytes:
    """Seconds since 1970 as ``Sun, 06 Nov 1994 08:49:37 GMT``."""
    return formatdate(seconds, usegmt=True).encode("ascii")


def parse_date(value: str) -> int | None:
    """Seconds since 1970; None when it is not a date of HTTP, which a recipient ignores."""
    found = next((match for form in _FORMS if (match := form.fullmatch(value))), None)
    if found is None or found["month"] not in _MONTHS:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 1900 if year >= 70 else 2000  # files are of our time
    month, day = _MONTHS[found["month"]], int(found["day"])
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"])
    if not (1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 60):
        return None
    try:
        return timegm((year, month, day, hour, minute, second))
    except (ValueError, OverflowError):
        return None
