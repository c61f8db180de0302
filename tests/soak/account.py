"""The clients' side of the account: every request has a number, and what became of it.

One byte or two for each number, so that an hour of requests takes a few megabytes. Belongs to the clients' loop.
"""

from __future__ import annotations

import array
import enum
from collections import Counter
from typing import Final

__all__ = ["Account", "Outcome", "Way"]


class Outcome(enum.IntEnum):
    """What a client saw become of its request."""

    OPEN = 0
    """Nothing yet. At the end there is none of these."""
    ANSWERED = 1
    """The whole answer, and the right one."""
    FILE = 7
    """The same, from the middleware that serves files: the application is not called."""
    LIMITED = 2
    """Refused before the application, for a limit: 429 by the rate limit, or 413."""
    REFUSED = 3
    """Answered 400 or 414: its head is no request."""
    LEFT = 4
    """The client left after it had seen the head of the answer."""
    CLOSED = 8
    """A WebSocket that the server closed with 1012, because it makes way for new code or stops."""
    LEFT_EARLY = 5
    """The client left before: whether the server had read the request is not known."""
    LOST = 6
    """No answer, or a wrong one. There is to be none of these."""


class Way(enum.IntEnum):
    """How it was asked."""

    HTTP1 = 0
    HTTP1_TLS = 1
    HTTP1_UNIX = 2
    HTTP2 = 3
    HTTP3 = 4
    WEBSOCKET = 5
    WEBSOCKET_TLS = 6
    WEBSOCKET_HTTP2 = 7

    @property
    def protocol(self) -> str:
        """As the server's records name it."""
        names = {Way.HTTP2: "h2", Way.WEBSOCKET_HTTP2: "h2", Way.HTTP3: "h3"}
        return names.get(self, "http/1.1")


FAULTS_TOLD: Final = 40


class Account:
    """Numbers from 1 on."""

    def __init__(self) -> None:
        self.outcomes = bytearray(1)
        self.ways = bytearray(1)
        self.statuses = array.array("H", [0])
        self.faults: list[str] = []
        self.fault_count = 0
        self.retried: Counter[str] = Counter()
        """Requests that were asked again because a connection ended before any answer, by reason."""

    @property
    def count(self) -> int:
        return len(self.outcomes) - 1

    def begin(self, way: Way) -> int:
        """The number of a new request."""
        self.outcomes.append(Outcome.OPEN)
        self.ways.append(way)
        self.statuses.append(0)
        return len(self.outcomes) - 1

    def settle(self, number: int, outcome: Outcome, status: int = 0) -> None:
        """What became of it; an outcome that follows another is a fault."""
        if self.outcomes[number] != Outcome.OPEN:
            self.fault(f"{number} ended twice: {Outcome(self.outcomes[number]).name}, {outcome.name}")
        self.outcomes[number] = outcome
        self.statuses[number] = status

    def lose(self, number: int, why: str) -> None:
        """It has no answer, or a wrong one."""
        if self.outcomes[number] == Outcome.OPEN:
            self.settle(number, Outcome.LOST)
        self.fault(f"request {number} ({Way(self.ways[number]).name}): {why}")

    def fault(self, what: str) -> None:
        self.fault_count += 1
        if len(self.faults) < FAULTS_TOLD:
            self.faults.append(what)

    def retry(self, way: Way, reason: str) -> None:
        """A request that nobody has answered is asked again, with its number."""
        self.retried[f"{way.name} {reason}"] += 1

    def table(self) -> dict[str, Counter[str]]:
        """By way, how many came to which outcome."""
        found: dict[str, Counter[str]] = {way.name: Counter() for way in Way}
        for (way, outcome), count in Counter(zip(self.ways[1:], self.outcomes[1:], strict=True)).items():
            found[Way(way).name][Outcome(outcome).name] += count
        return {way: counts for way, counts in found.items() if counts}
