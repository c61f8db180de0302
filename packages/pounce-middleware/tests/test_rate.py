"""Rates as people write them."""

from __future__ import annotations

import pytest

from pounce_middleware import Rate, parse_rate


@pytest.mark.parametrize(
    ("text", "requests", "seconds"),
    [
        ("100/s", 100, 1),
        ("100/sec", 100, 1),
        ("1000/min", 1000, 60),
        ("1000/m", 1000, 60),
        ("5000/hour", 5000, 3600),
        ("7/d", 7, 86400),
        ("10/30s", 10, 30),
        (" 10 / 2 min ", 10, 120),
        ("5/S", 5, 1),
    ],
)
def test_rates(text: str, requests: int, seconds: int) -> None:
    assert parse_rate(text) == Rate(requests, seconds)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not requests/unit, such as 100/s"),
        ("100", "is not requests/unit"),
        ("100/", "is not requests/unit"),
        ("/s", "is not requests/unit"),
        ("100/week", "is not requests/unit"),
        ("-1/s", "is not requests/unit"),
        ("1.5/s", "is not requests/unit"),
        ("\u0661/s", "is not requests/unit"),
        ("0/s", "would let nothing through"),
        ("5/0s", "would let nothing through"),
        ("2000000/s", "above 1000000 requests a second"),
        ("1/400d", "more than 366 days"),
    ],
)
def test_what_is_none(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_rate(text)


def test_the_interval_is_in_whole_nanoseconds() -> None:
    assert parse_rate("1/s").interval == 1_000_000_000
    assert parse_rate("3/s").interval == 333_333_334
    assert parse_rate("1000000/s").interval == 1000
