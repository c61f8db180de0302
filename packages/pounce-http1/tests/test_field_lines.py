"""Field lines, the fast and the careful way; test_properties.py compares them."""

from __future__ import annotations

import pytest

from pounce_http1 import InvalidHeader
from pounce_http1.field_lines import DECISIVE_NAMES, KNOWN_NAMES, parse_field_line, parse_field_lines


def test_decisive_fields_are_given_once_more() -> None:
    lines = [b"X-A: b", b"HOST:a", b"accept: \t*/* ", b"te: trailers"]
    fields, decisive = parse_field_lines(lines, KNOWN_NAMES) or ([], [])
    assert fields == [(b"x-a", b"b"), (b"host", b"a"), (b"accept", b"*/*"), (b"te", b"trailers")]
    assert decisive == [(b"host", b"a"), (b"te", b"trailers")]
    assert [parse_field_line(line) for line in lines] == fields


def test_no_lines() -> None:
    assert parse_field_lines([], KNOWN_NAMES) == ([], [])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b" a: b", "obsolete line folding"),
        (b"a", "without a colon"),
        (b": a", "not a token"),
        (b"a : b", "not a token"),
        (b"a: b\rc", "control character"),
        (b"a: b\nc", "control character"),
        (b"a: \x00", "control character"),
    ],
)
def test_the_careful_way_says_what_is_wrong(line: bytes, words: str) -> None:
    with pytest.raises(InvalidHeader, match=words):
        parse_field_line(line)
    assert parse_field_lines([b"a: b", line], KNOWN_NAMES) is None


def test_known_names_are_right_and_never_decisive() -> None:
    assert all(lower == name.lower() for name, lower in KNOWN_NAMES.items())
    assert not DECISIVE_NAMES & set(KNOWN_NAMES.values())
    assert {b"User-Agent", b"user-agent", b"DNT", b"Dnt"} <= set(KNOWN_NAMES)
