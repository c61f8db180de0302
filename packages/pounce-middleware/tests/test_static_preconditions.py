"""Conditional requests in the order of RFC 9110, 13.2.2, and the dates in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_middleware.static.http_date import format_date, parse_date
from pounce_middleware.static.preconditions import Conditions, Outcome, evaluate, range_applies

ETAG = '"abc-10"'
MODIFIED = 784111777
THEN = "Sun, 06 Nov 1994 08:49:37 GMT"
BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT"
AFTER = "Sun, 06 Nov 1994 08:49:38 GMT"
GO, NOT_MODIFIED, FAILED = Outcome.PROCEED, Outcome.NOT_MODIFIED, Outcome.FAILED


@pytest.mark.parametrize(
    ("conditions", "outcome"),
    [
        ({}, GO),
        ({"if_none_match": ETAG}, NOT_MODIFIED),
        ({"if_none_match": "*"}, NOT_MODIFIED),
        ({"if_none_match": f"W/{ETAG}"}, NOT_MODIFIED),  # compared weakly (13.1.2)
        ({"if_none_match": f'"x", {ETAG} ,"y"'}, NOT_MODIFIED),
        ({"if_none_match": f',, "a,b",{ETAG}'}, NOT_MODIFIED),
        ({"if_none_match": '"other"'}, GO),
        ({"if_none_match": "abc-10"}, GO),
        ({"if_none_match": f'{ETAG}, "unfinished'}, GO),
        ({"if_none_match": ""}, GO),
        ({"if_match": ETAG}, GO),
        ({"if_match": "*"}, GO),
        ({"if_match": f"W/{ETAG}"}, FAILED),  # compared strongly (13.1.1)
        ({"if_match": '"other"'}, FAILED),
        ({"if_modified_since": THEN}, NOT_MODIFIED),
        ({"if_modified_since": AFTER}, NOT_MODIFIED),
        ({"if_modified_since": BEFORE}, GO),
        ({"if_modified_since": "yesterday"}, GO),
        ({"if_unmodified_since": THEN}, GO),
        ({"if_unmodified_since": BEFORE}, FAILED),
        ({"if_unmodified_since": "0"}, GO),
        # The order:
        ({"if_match": ETAG, "if_unmodified_since": BEFORE}, GO),  # step 2 only without If-Match
        ({"if_match": '"other"', "if_none_match": ETAG}, FAILED),  # step 1 before step 3
        ({"if_unmodified_since": BEFORE, "if_none_match": ETAG}, FAILED),
        ({"if_match": ETAG, "if_none_match": ETAG}, NOT_MODIFIED),
        ({"if_none_match": '"other"', "if_modified_since": THEN}, GO),  # step 4 only without If-None-Match
        ({"if_none_match": ETAG, "if_modified_since": BEFORE}, NOT_MODIFIED),
    ],
)
def test_conditions(conditions: dict[str, str], outcome: Outcome) -> None:
    assert evaluate(Conditions(**conditions), etag=ETAG, modified=MODIFIED) is outcome


@pytest.mark.parametrize(
    ("if_range", "now", "applies"),
    [
        (None, MODIFIED, True),
        (ETAG, MODIFIED, True),
        ('"other"', MODIFIED, False),
        (f"W/{ETAG}", MODIFIED, False),
        (THEN, MODIFIED + 60, True),
        (THEN, MODIFIED + 1, False),  # changed too lately for a date to be strong (8.8.2.2)
        (AFTER, MODIFIED + 60, False),  # an exact match, not an order
        ("nonsense", MODIFIED + 60, False),
    ],
)
def test_if_range(if_range: str | None, now: float, applies: bool) -> None:
    assert range_applies(if_range, etag=ETAG, modified=MODIFIED, now=now) is applies


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (THEN, MODIFIED),
        ("Sunday, 06-Nov-94 08:49:37 GMT", MODIFIED),
        ("Sun Nov  6 08:49:37 1994", MODIFIED),
        ("Sun, 06 Nov 1994 08:49:37 +0000", None),
        ("Sun, 06 Foo 1994 08:49:37 GMT", None),
        ("Sun, 46 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 28:49:37 GMT", None),
        ("Sun, 06 Nov 0000 08:49:37 GMT", None),
        ("", None),
    ],
)
def test_the_three_forms_of_a_date(text: str, seconds: int | None) -> None:
    assert parse_date(text) == seconds


@given(st.integers(0, 32_503_680_000))
def test_dates_come_back(seconds: int) -> None:
    assert parse_date(format_date(seconds).decode()) == seconds


@given(st.text(max_size=60), st.text(alphabet='",W/* \tabc-10', max_size=40))
def test_no_text_raises(date: str, tags: str) -> None:
    parse_date(date)
    evaluate(Conditions(if_match=tags), etag=ETAG, modified=0)
