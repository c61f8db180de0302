"""In what two readings of the same bytes differ, in terms of which there are few."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.fuzz.foreign_parsers import Reading, Seen

__all__ = ["Difference", "compare"]

_PARTICULARS = re.compile(r"(?s)\\n.*|\n.*|[bB]?['\"`(<].*| - .*|[,:]? got .*|[0-9].*")
_FRAMING = (b"transfer-encoding", b"content-length", b"host")


class Difference(NamedTuple):
    """``kind`` is one of:

    - ``we refuse``, ``they refuse``: the other takes the same bytes;
    - ``they refuse earlier``: we wait for the end of a line, a head or a body;
    - ``differ``: both take a request, and tell another ``what`` of it;
    - ``count``: one sees another number of requests;
    - ``persistence``: one expects another request behind it, the other does not.
    """

    kind: str
    what: str


def compare(ours: Reading, theirs: Reading) -> Difference | None:
    """The first difference; None where both refuse, or both say the same."""
    for our, their in zip(ours.requests, theirs.requests, strict=False):
        if their.gave_way and (our.body or not our.complete):
            return Difference("differ", "upgrade with content")
    our_requests, our_error = _until_last(ours)
    their_requests, their_error = _until_last(theirs)
    if our_error and their_error:
        return None
    if our_error:
        return Difference("we refuse", gist(our_error))
    if their_error:
        return Difference("they refuse earlier" if ours.waiting else "they refuse", gist(their_error))
    for our, their in zip(our_requests, their_requests, strict=False):
        if what := _differing(our, their):
            return Difference("differ", what)
        if our.last != their.last:
            return Difference("persistence", "we close" if our.last else "they close")
    if len(our_requests) != len(their_requests):
        return Difference("count", "we see more" if len(our_requests) > len(their_requests) else "they see more")
    return None


def gist(message: str) -> str:
    """What an error says, without what it says it of."""
    return _PARTICULARS.sub("", message).strip(" ,.:;") or message


def _until_last(reading: Reading) -> tuple[list[Seen], str | None]:
    """What is behind the last request of a connection does not matter."""
    for index, request in enumerate(reading.requests):
        if request.last and request.complete:
            return reading.requests[: index + 1], None
    return reading.requests, reading.error


def _differing(our: Seen, their: Seen) -> str:
    found = [name for name in ("method", "target", "body", "complete") if getattr(our, name) != getattr(their, name)]
    if our.headers != their.headers:
        found += _differing_headers(our, [(name, value.strip(b" \t")) for name, value in their.headers])
    return ", ".join(dict.fromkeys(found))


def _differing_headers(our: Seen, stripped: list[tuple[bytes, bytes]]) -> list[str]:
    if our.headers == stripped:
        return ["white space around a value"]
    names = {name for name, _ in set(our.headers) ^ set(stripped)} or {b"order"}
    return sorted(f"header {name.decode()}" if name in _FRAMING else "headers" for name in names)
