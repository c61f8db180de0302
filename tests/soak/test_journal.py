"""Both sides of the account: whatever one of them does not know is told."""

from __future__ import annotations

from typing import Final

import pytest

from tests.soak.account import Account, Outcome, Way
from tests.soak.journal import EXPECTED, Journal, disagreements

WHOLE: Final = [b"s 1\n", b"a 1\n", b"c 1 200 0 http/1.1\n"]
NOT_CALLED: Final = [b"s 1\n", b"c 1 429 0 http/1.1\n"]
CUT_OFF: Final = [b"s 1\n", b"a 1\n", b"c 1 200 1 http/1.1\n"]
FILE: Final = [b"s 1\n", b"c 1 200 0 http/1.1\n"]


def told(outcome: Outcome, status: int, lines: list[bytes], way: Way = Way.HTTP1) -> list[str]:
    account = Account()
    number = account.begin(way)
    if outcome != Outcome.OPEN:
        account.settle(number, outcome, status)
    journal = Journal(account.count)
    journal.read(lines)
    return disagreements(account, journal)


@pytest.mark.parametrize(
    ("outcome", "status", "lines"),
    [
        (Outcome.ANSWERED, 200, WHOLE),
        (Outcome.FILE, 200, FILE),
        (Outcome.LIMITED, 429, NOT_CALLED),
        (Outcome.REFUSED, 400, []),
        (Outcome.LEFT, 200, CUT_OFF),
        (Outcome.LEFT, 200, WHOLE),
        (Outcome.LEFT_EARLY, 0, []),
        (Outcome.LEFT_EARLY, 0, FILE),
        (Outcome.LEFT_EARLY, 0, CUT_OFF),
        (Outcome.CLOSED, 101, CUT_OFF),
    ],
)
def test_what_fits_together(outcome: Outcome, status: int, lines: list[bytes]) -> None:
    assert told(outcome, status, lines) == []


@pytest.mark.parametrize(
    ("outcome", "status", "lines"),
    [
        pytest.param(Outcome.OPEN, 0, WHOLE, id="nobody has seen its end"),
        pytest.param(Outcome.LOST, 0, WHOLE, id="lost"),
        pytest.param(Outcome.ANSWERED, 200, [], id="answered by nobody"),
        pytest.param(Outcome.ANSWERED, 200, WHOLE + WHOLE, id="run twice"),
        pytest.param(Outcome.ANSWERED, 200, [*WHOLE, b"a 1\n"], id="the application called twice"),
        pytest.param(Outcome.ANSWERED, 200, WHOLE[:2], id="never completed"),
        pytest.param(Outcome.ANSWERED, 200, [*WHOLE, WHOLE[2]], id="completed twice"),
        pytest.param(Outcome.ANSWERED, 200, WHOLE[1:], id="never begun"),
        pytest.param(Outcome.ANSWERED, 200, CUT_OFF, id="whole for one side only"),
        pytest.param(Outcome.ANSWERED, 404, WHOLE, id="another status"),
        pytest.param(Outcome.ANSWERED, 200, [*WHOLE[:2], b"c 1 200 0 h2\n"], id="another protocol"),
        pytest.param(Outcome.FILE, 200, WHOLE, id="a file by the application"),
        pytest.param(Outcome.LIMITED, 429, [b"a 1\n", *NOT_CALLED], id="limited, and called"),
        pytest.param(Outcome.REFUSED, 400, WHOLE, id="refused, and run"),
        pytest.param(Outcome.LEFT, 200, [], id="left after an answer that nobody gave"),
        pytest.param(Outcome.LEFT, 200, CUT_OFF[:2], id="left, and never completed"),
        pytest.param(Outcome.LEFT_EARLY, 0, CUT_OFF + CUT_OFF, id="left, and run twice"),
        pytest.param(Outcome.ANSWERED, 200, [*WHOLE, b"s 7\n"], id="a request of nobody"),
    ],
)
def test_what_does_not(outcome: Outcome, status: int, lines: list[bytes]) -> None:
    assert told(outcome, status, lines)


def test_every_outcome_is_judged() -> None:
    assert set(Outcome) - set(EXPECTED) == {Outcome.OPEN, Outcome.LOST}


def test_an_end_that_follows_an_end_is_a_fault() -> None:
    account = Account()
    number = account.begin(Way.HTTP2)
    account.settle(number, Outcome.ANSWERED, 200)
    assert not account.faults
    account.settle(number, Outcome.ANSWERED, 200)
    assert account.faults
