"""One field line at a time; test_header_block.py has whole blocks."""

from __future__ import annotations

import pytest

from pounce_http1 import InvalidHeader
from pounce_http1.field_lines import parse_field_line


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"X-A: b", (b"x-a", b"b")),
        (b"HOST:a", (b"host", b"a")),
        (b"accept: \t*/* ", (b"accept", b"*/*")),
        (b"X:", (b"x", b"")),
        (b"X: a:b ", (b"x", b"a:b")),
    ],
)
def test_fields(line: bytes, field: tuple[bytes, bytes]) -> None:
    assert parse_field_line(line) == field


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
def test_what_is_wrong_is_said(line: bytes, words: str) -> None:
    with pytest.raises(InvalidHeader, match=words):
        parse_field_line(line)
