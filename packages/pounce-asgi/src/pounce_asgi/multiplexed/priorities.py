"""What a client says about the order of its responses (RFC 9218)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["DEFAULT", "LEVELS", "UNSAID", "EarlyPriorities", "Priority", "parse_priority"]

LEVELS: Final = 8


class Priority(NamedTuple):
    """``urgency`` 0 is the most urgent, 7 the least (4.1); ``incremental`` responses are useful in pieces (4.2)."""

    urgency: int
    incremental: bool


DEFAULT: Final = Priority(3, False)
"""Of a client that speaks of priorities, and leaves this one at its defaults."""
UNSAID: Final = Priority(3, True)
"""Of a client that says nothing. Such responses share the connection: with the default of RFC 9218, 4.2 a long download
would hold up every later response of a client that knows nothing of priorities. The RFC leaves that to servers (5, 10).
"""

# sf-dictionary (RFC 8941, 3.2), of which only these two members are read; parameters are passed over.
_MEMBER: Final = re.compile(rb"[ \t]*([a-z*][a-z0-9_.*-]*)(?:=([^,;]*))?(?:;[^,]*)?[ \t]*(?:,|$)")
MAX_BYTES: Final = 256
"""A longer value says nothing that would be worth the time."""
EARLY: Final = 128
"""Priorities that are kept for streams that are not open yet (RFC 9218, 7.1)."""


def parse_priority(value: bytes, before: Priority = DEFAULT) -> Priority:
    """Read a value of the priority field. What is malformed or out of range is ignored (RFC 9218, 4); ``before`` holds
    where the value does not say.
    """
    urgency, incremental = before
    if len(value) > MAX_BYTES:
        return before
    position = 0
    while position < len(value):
        match = _MEMBER.match(value, position)
        if match is None:
            return before  # a dictionary that does not parse is ignored as a whole (RFC 8941, 4.2)
        position = match.end()
        key, said = match.groups()
        said = said.strip() if said is not None else None
        if key == b"u" and said is not None and said.isdigit() and len(said) == 1 and int(said) < LEVELS:
            urgency = int(said)
        elif key == b"i" and said in (None, b"?1", b"?0"):
            incremental = said != b"?0"
    return Priority(urgency, incremental)


class EarlyPriorities(dict[int, Priority]):
    """What one client said of streams that it had not opened yet."""

    __slots__ = ()

    def keep(self, stream_id: int, priority: Priority, last_stream_id: int) -> None:
        """Keep one, if there is room. Streams that were passed over, not being above the last, make room."""
        if len(self) >= EARLY:
            for passed in [one for one in self if one <= last_stream_id]:
                del self[passed]
        if len(self) < EARLY:
            self[stream_id] = priority
