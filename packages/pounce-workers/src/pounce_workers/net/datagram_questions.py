"""What a process has asked the others about connections, and what they answered. Bounded, whatever arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Advice", "DatagramQuestions"]

NOBODYS_TIME: Final = 5.0
"""Seconds for which an answer of all that it is not theirs is believed."""
KNOWN: Final = 16_384
"""Connections of others that are remembered: those whose clients have moved, or all of a worker that is replaced."""
OPEN: Final = 4096
"""Questions that are remembered."""
PER_SECOND: Final = 1000.0
"""Questions in a second. Each goes to every process: more are a flood of what is nobody's."""


class Advice(NamedTuple):
    """What is to be done about a connection that is not here."""

    ask: Sequence[str]
    """Whom to ask."""
    nobodys: bool
    """All others have said that it is not theirs. One that is busy and silent may have it."""


class _Question:
    __slots__ = ("asked", "begun", "silent")

    def __init__(self, now: float) -> None:
        self.begun = now
        self.asked: set[str] = set()
        self.silent: set[str] = set()
        """Those of them that did not answer yet."""


class DatagramQuestions:
    """Owned by one thread. Times are in seconds; processes are known by their names."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}
        self._open: dict[bytes, _Question] = {}
        self._budget = PER_SECOND
        self._paid = 0.0

    def owner(self, connection_id: bytes) -> str | None:
        """Who has said that it is theirs."""
        return self._known.get(connection_id)

    def consider(self, connection_id: bytes, others: Sequence[str], now: float) -> Advice:
        """A datagram has come for a connection that is not known to be anybody's; ``others`` are there now."""
        question = self._open.get(connection_id)
        if question is None or now - question.begun >= NOBODYS_TIME:
            question = _Question(now)
            _remember(self._open, connection_id, question, OPEN)
        for other in others:
            if other not in question.asked:
                question.asked.add(other)
                question.silent.add(other)
        if not question.silent:
            return Advice((), nobodys=True)
        self._budget = min(PER_SECOND, self._budget + (now - self._paid) * PER_SECOND)
        self._paid = now
        if self._budget < 1:
            return Advice((), nobodys=False)
        self._budget -= 1
        return Advice(tuple(question.silent), nobodys=False)  # anew too: question or answer may have been lost

    def claimed(self, connection_id: bytes, owner: str) -> None:
        """Somebody has said that it is theirs."""
        self._open.pop(connection_id, None)
        _remember(self._known, connection_id, owner, KNOWN)

    def denied(self, connection_id: bytes, other: str) -> None:
        """Somebody has said that it is not theirs, or not any more."""
        if self._known.get(connection_id) == other:
            del self._known[connection_id]
        question = self._open.get(connection_id)
        if question is not None:
            question.silent.discard(other)

    def lost(self, other: str) -> None:
        """Somebody is gone, with all that was theirs."""
        for connection_id in [one for one, owner in self._known.items() if owner == other]:
            del self._known[connection_id]
        for question in self._open.values():
            question.silent.discard(other)


def _remember(table: dict[bytes, Any], key: bytes, value: Any, most: int) -> None:
    table.pop(key, None)
    if len(table) >= most:
        del table[next(iter(table))]  # the oldest
    table[key] = value
