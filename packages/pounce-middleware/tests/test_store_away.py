"""When to ask a store again that does not answer, and what to say."""

from __future__ import annotations

import logging

import pytest

from pounce_middleware.store_away import StoreOutage

NOT = "The store of the rate limit at here:1 does not answer (TimeoutError); decided without it since the last line: "


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_request_of_each_second_asks(clock: Clock) -> None:
    outage = StoreOutage("here", clock)
    assert [outage.may_ask() for _ in range(3)] == [True] * 3
    outage.failed(OSError("no"))
    asked = 0
    for _ in range(50):
        clock.now += 0.125
        asked += outage.may_ask()
    assert asked == 6
    outage.over()
    assert [outage.may_ask() for _ in range(3)] == [True] * 3


def test_a_line_at_once_and_then_every_ten_seconds_with_numbers(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "pounce.error")
    outage = StoreOutage("here:1", clock)
    for _ in range(25):
        if outage.may_ask():
            outage.failed(TimeoutError())
        outage.count()
        clock.now += 1.0
    outage.over()
    outage.over()
    assert caplog.messages == [
        NOT + "0",
        NOT + "10",
        NOT + "10",
        "The store of the rate limit at here:1 answers again; decided without it since the last line: 5",
    ]
    caplog.clear()
    outage.failed(OSError("gone"))
    assert "(OSError: gone)" in caplog.text, "a new outage is said at once"
