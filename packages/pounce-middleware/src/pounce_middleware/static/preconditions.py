"""Conditional requests: what RFC 9110, 13.2.2 says in its order. Pure functions on strings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from pounce_middleware.static.http_date import parse_date

__all__ = ["Conditions", "Outcome", "evaluate", "range_applies"]

# entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE (RFC 9110, 8.8.3)
_TAG: Final = re.compile(r'[ \t]*(?P<weak>W/)?(?P<tag>"[!\x23-\x7e\x80-\xff]*")[ \t]*(?:,|\Z)|[ \t]*,')


class Outcome(Enum):
    """What comes of the conditions."""

    PROCEED = auto()
    NOT_MODIFIED = auto()
    """304."""
    FAILED = auto()
    """412."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The fields of a request; None is not there. Lines of a list were joined with commas."""

    if_match: str | None = None
    if_unmodified_since: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None


def evaluate(conditions: Conditions, *, etag: str, modified: int) -> Outcome:
    """For GET and HEAD of a representation with a strong ``etag``, last ``modified`` in seconds since 1970."""
    if conditions.if_match is not None:
        if not _matches(conditions.if_match, etag, weakly=False):
            return Outcome.FAILED
    elif conditions.if_unmodified_since is not None:
        since = parse_date(conditions.if_unmodified_since)
        if since is not None and modified > since:
            return Outcome.FAILED
    if conditions.if_none_match is not None:
        if _matches(conditions.if_none_match, etag, weakly=True):
            return Outcome.NOT_MODIFIED
    elif conditions.if_modified_since is not None:
        since = parse_date(conditions.if_modified_since)
        if since is not None and modified <= since:
            return Outcome.NOT_MODIFIED
    return Outcome.PROCEED


def range_applies(if_range: str | None, *, etag: str, modified: int, now: float) -> bool:
    """Whether a Range is to be honoured: the client's part is of this representation (RFC 9110, 13.1.5).

    A date counts only where it is a strong validator: the file must have been left alone for a second (8.8.2.2).
    """
    if if_range is None:
        return True
    if if_range.startswith(('"', "W/")):
        return if_range == etag
    return parse_date(if_range) == modified and modified + 1 < now


def _matches(value: str, etag: str, *, weakly: bool) -> bool:
    """Whether a list of entity-tags, or ``*``, holds this one (RFC 9110, 8.8.3.2). A malformed list holds nothing."""
    if value.strip(" \t") == "*":
        return True
    position, found = 0, False
    while position < len(value):
        match = _TAG.match(value, position)
        if match is None:
            return False
        found = found or (match["tag"] == etag and (weakly or not match["weak"]))
        position = match.end()
    return found
