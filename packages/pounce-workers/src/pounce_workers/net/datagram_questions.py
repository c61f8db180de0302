"""What a process has asked the others about connections, and what they answered. Bounded, whatever arrives."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

__all__ = ["Answer", "DatagramQuestions"]

ANSWER_TIME: Final = 0.15
"""Seconds in which whoever owns a connection has answered, or is too busy to serve it."""
NOBODYS_TIME: Final = 5.0
"""Seconds for which it is not asked again about what is nobody's."""
KNOWN: Final = 16_384
"""Connections of others that are remembered: those whose clients have moved, or all of a worker that is replaced."""
OPEN: Final = 4096
"""Questions that are remembered."""
PER_SECOND: Final = 1000.0
"""Questions in a second. Each goes to every process: more are a flood of what is nobody's."""


class Answer(NamedTuple):
    """What is to be done about a connection that is not here."""

    ask: bool
    """Ask the others."""
    nobodys: bool
    """They were asked, and had time to answer."""


class DatagramQuestions:
    """Owned by one thread. Times are in seconds."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}
        self._asked: dict[bytes, float] = {}
        self._budget = PER_SECOND
        self._paid = 0.0

    def owner(self, connection_id: bytes) -> str | None:
        """Who has said that it is theirs."""
        return self._known.get(connection_id)

    def ask(self, connection_id: bytes, now: float) -> Answer:
        """A datagram has come for a connection that nobody has claimed so far."""
        first = self._asked.get(connection_id)
        if first is not None and ANSWER_TIME <= now - first < NOBODYS_TIME:
            return Answer(ask=False, nobodys=True)
        self._budget = min(PER_SECOND, self._budget + (now - self._paid) * PER_SECOND)
        self._paid = now
        if self._budget < 1:
            return Answer(ask=False, nobodys=False)
        self._budget -= 1
        if first is None or now - first >= NOBODYS_TIME:
            _remember(self._asked, connection_id, now, OPEN)
        return Answer(ask=True, nobodys=False)  # anew too: the question, or the answer, may have been lost

    def answered(self, connection_id: bytes, owner: str) -> None:
        """Somebody has said that it is theirs."""
        self._asked.pop(connection_id, None)
        _remember(self._known, connection_id, owner, KNOWN)

    def forget(self, connection_id: bytes) -> None:
        """It is not theirs any more."""
        self._known.pop(connection_id, None)

    def lost(self, owner: str) -> None:
        """Somebody is gone, with all that was theirs."""
        for connection_id in [one for one, other in self._known.items() if other == owner]:
            del self._known[connection_id]


def _remember(table: dict[bytes, Any], key: bytes, value: Any, most: int) -> None:
    table.pop(key, None)
    if len(table) >= most:
        del table[next(iter(table))]  # the oldest
    table[key] = value
