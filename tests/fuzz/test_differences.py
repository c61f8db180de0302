"""The comparison with other parsers; its bounded run is one of the targets (test_targets.py)."""

from __future__ import annotations

import pytest

from tests.fuzz.difference import Difference, compare, gist
from tests.fuzz.explanations import EXPLANATIONS, PAGE, explain, page
from tests.fuzz.foreign_parsers import PARSERS, Reading, Seen, read_ours


def test_the_usual_requests_are_read_alike() -> None:
    for data in (
        b"GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n" * 2,
        b"POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ):
        for read in PARSERS.values():
            assert compare(read_ours(data), read(data)) is None, read


def test_the_page_is_that_of_the_table() -> None:
    """Run ``python -m tests.fuzz.explanations`` when it is not."""
    assert PAGE.read_text() == page()


def test_at_least_h11_and_aiohttp_are_compared() -> None:
    assert {"h11", "aiohttp (Python)"} <= set(PARSERS)


GET = Seen(b"GET", b"/", [(b"host", b"a")], complete=True)
LAST = Seen(b"GET", b"/", [(b"host", b"a")], complete=True, last=True)


@pytest.mark.parametrize(
    ("ours", "theirs", "difference"),
    [
        (Reading([GET]), Reading([GET]), None),
        (Reading(error="a"), Reading(error="b"), None),
        (Reading([LAST], "a"), Reading([LAST, GET]), None),
        (Reading(error="Host must be one, got 'a b'"), Reading([GET]), Difference("we refuse", "Host must be one")),
        (Reading([GET]), Reading([], "bad"), Difference("they refuse", "bad")),
        (Reading([], waiting=True), Reading([], "bad"), Difference("they refuse earlier", "bad")),
        (Reading([GET, GET]), Reading([GET]), Difference("count", "we see more")),
        (Reading([GET]), Reading([LAST]), Difference("persistence", "they close")),
        (
            Reading([GET]),
            Reading([Seen(b"GET", b"/a", [], complete=True)]),
            Difference("differ", "target, header host"),
        ),
    ],
)
def test_compare(ours: Reading, theirs: Reading, difference: Difference | None) -> None:
    assert compare(ours, theirs) == difference
    if difference is not None and difference.kind == "count":
        assert all(explain(name, difference) is None for name in PARSERS), "another number of requests is never right"


def test_gist() -> None:
    assert gist("BadHttpMessage: Invalid header token:\n\n  b'X'\n    ^") == "BadHttpMessage: Invalid header token"
    assert gist("Content-Length must be below 2**63, got '1'") == "Content-Length must be below"


def test_every_row_is_one() -> None:
    assert len({(row.kind, row.what, row.parsers) for row in EXPLANATIONS}) == len(EXPLANATIONS)
    assert len({row.subject for row in EXPLANATIONS}) == len(EXPLANATIONS)
