"""What is hidden in queries, and in names of requests."""

from __future__ import annotations

from typing import Any

import pytest

from pounce_observability.sentry.hidden_query import QueryHiding, hidden_query

NAMES = frozenset({"session", "auth"})


@pytest.mark.parametrize(
    ("came", "told"),
    [
        ("q=1&page=2", "q=1&page=2"),
        ("token=a&q=1", "token=[Filtered]&q=1"),
        ("Access-Token=a;user_password=b", "Access-Token=[Filtered];user_password=[Filtered]"),
        ("API_KEY=a&api-key=b", "API_KEY=[Filtered]&api-key=[Filtered]"),
        ("X-Amz-Signature=a&sig=b&SIG=c", "X-Amz-Signature=[Filtered]&sig=[Filtered]&SIG=[Filtered]"),
        ("%74oken=a%26b&%73ig=c", "%74oken=[Filtered]&%73ig=[Filtered]"),
        ("session=a&auth=b&author=c&design=d", "session=[Filtered]&auth=[Filtered]&author=c&design=d"),
        ("token", "token"),
        ("token=a=b", "token=[Filtered]"),
        ("", ""),
    ],
)
def test_secret_values(came: str, told: str) -> None:
    assert hidden_query(came, NAMES) == told


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("q=1&token=a%26b", "q=1&token=[Filtered]"),  # as it came
        ("q=1&token=a&b", "q=1&token=[Filtered]"),  # decoded: b was a part of the value
        (b"q=1&token=a%26b", "q=1&token=[Filtered]"),
        ("q=[Removed]&token=a", "q=[Removed]&token=[Filtered]"),  # somebody else has hidden something already
    ],
)
def test_the_query_of_an_event(told: Any, expected: str) -> None:
    event = {"request": {"query_string": told, "url": "http://h/p?q=1&token=a&b"}}
    QueryHiding("q=1&token=a%26b", NAMES)(event, {})
    assert event["request"] == {"query_string": expected, "url": "http://h/p?q=1&token=[Filtered]"}


def test_local_variables_that_show_the_query() -> None:
    shown = {
        "request": "<Request 'http://h/p?q=1&token=a%26b' [GET]>",
        "all": ["'q=1&token=a%26b'", {"url": "/p?sig=a"}],
    }
    variables = {**shown, "question": "why? a=1", "number": 7}
    event = {"exception": {"values": [{"stacktrace": {"frames": [{"vars": variables}, {}]}}, {}]}}
    QueryHiding("q=1&token=a%26b", NAMES)(event, {})
    told = event["exception"]["values"][0]["stacktrace"]["frames"][0]["vars"]
    assert told == {
        "request": "<Request 'http://h/p?q=1&token=[Filtered]' [GET]>",
        "all": ["'q=1&token=[Filtered]'", {"url": "/p?sig=[Filtered]"}],
        "question": "why? a=1",
        "number": 7,
    }


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("http://evil.example:99/a/b", "url", "/a/b"),
        ("ws://h", "url", "/"),
        ("/a/http://b/c", "url", "/a/http://b/c"),
        ("http://h/a", "custom", "http://h/a"),
    ],
)
def test_no_name_has_a_host(name: str, source: str, expected: str) -> None:
    event = {"transaction": name, "transaction_info": {"source": source}}
    assert QueryHiding("", NAMES)(event, {})["transaction"] == expected


@pytest.mark.parametrize("event", [{}, {"request": None}, {"request": {"query_string": None, "headers": None}}])
def test_events_that_tell_less(event: dict[str, Any]) -> None:
    assert QueryHiding("a=1", NAMES)(dict(event), None) == event
