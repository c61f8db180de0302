"""The server's side of the account, and whether both sides agree, request by request."""

from __future__ import annotations

import array
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.soak.account import Account, Outcome, Way

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Expected", "Journal", "disagreements"]

PROTOCOLS: Final = ("", "http/1.1", "h2", "h3")
TOLD: Final = 40


class Expected(NamedTuple):
    """How often the server may have begun with a request, and called the application for it."""

    started: tuple[int, ...]
    called: tuple[int, ...]


EXPECTED: Final = {
    Outcome.ANSWERED: Expected((1,), (1,)),
    Outcome.FILE: Expected((1,), (0,)),
    Outcome.LIMITED: Expected((1,), (0,)),
    Outcome.REFUSED: Expected((0,), (0,)),
    Outcome.LEFT: Expected((1,), (1,)),
    Outcome.CLOSED: Expected((1,), (1,)),
    Outcome.LEFT_EARLY: Expected((0, 1), (0, 1)),
}
"""Nothing else is right: an outcome that is not here is a fault by itself."""


class Journal:
    """What the lines of one or more servers say of each number."""

    def __init__(self, count: int) -> None:
        """``count``: the highest number."""
        self.started = bytearray(count + 1)
        self.called = bytearray(count + 1)
        self.completed = bytearray(count + 1)
        self.aborted = bytearray(count + 1)
        self.protocols = bytearray(count + 1)
        self.statuses = array.array("H", bytes(2 * (count + 1)))
        self.strange: list[str] = []
        """Lines that cannot be."""

    def read(self, lines: Iterable[bytes]) -> None:
        """Take these in as well."""
        for line in lines:
            kind, *fields = line.split()
            number = int(fields[0])
            if not 0 < number < len(self.started):
                self.strange.append(f"nobody asked {line!r}")
            elif kind == b"s":
                self.started[number] += 1
            elif kind == b"a":
                self.called[number] += 1
            else:
                self.completed[number] += 1
                self.statuses[number] = int(fields[1])
                self.aborted[number] = int(fields[2])
                self.protocols[number] = PROTOCOLS.index(fields[3].decode())

    @property
    def totals(self) -> dict[str, int]:
        """Of all requests."""
        return {
            "started": sum(self.started),
            "completed": sum(self.completed),
            "application called": sum(self.called),
            "aborted": sum(self.aborted),
        }


def disagreements(account: Account, journal: Journal) -> list[str]:
    """All that one side says and the other does not; empty when every request is accounted for."""
    found = list(journal.strange)
    counts: Counter[str] = Counter()
    for number in range(1, account.count + 1):
        wrong = _wrong(account, journal, number)
        if wrong:
            counts[wrong] += 1
            if len(found) < TOLD:
                outcome, way = Outcome(account.outcomes[number]), Way(account.ways[number])
                found.append(
                    f"{number}, {way.name}, {outcome.name} {account.statuses[number]}: {wrong}: "
                    f"started {journal.started[number]}, called {journal.called[number]}, "
                    f"completed {journal.completed[number]} with {journal.statuses[number]}, "
                    f"aborted {journal.aborted[number]}"
                )
    return found + [f"{count} times: {wrong}" for wrong, count in counts.items()]


def _wrong(account: Account, journal: Journal, number: int) -> str:
    outcome = account.outcomes[number]
    expected = EXPECTED.get(Outcome(outcome))
    if expected is None:
        return f"its client says {Outcome(outcome).name}"
    started, called, completed = journal.started[number], journal.called[number], journal.completed[number]
    if started not in expected.started:
        return "begun by the server more or less often than its client knows"
    if called not in expected.called or called > started:
        return "the application was called more or less often than it should have been"
    if completed != started:
        return "begun, and not completed once"
    if not completed:
        return ""
    if PROTOCOLS[journal.protocols[number]] != Way(account.ways[number]).protocol:
        return "over another protocol"
    if outcome in (Outcome.ANSWERED, Outcome.FILE, Outcome.LIMITED):
        if journal.aborted[number]:
            return "answered, and recorded as cut off"
        if journal.statuses[number] != account.statuses[number]:
            return "another status than the client saw"
    return ""
