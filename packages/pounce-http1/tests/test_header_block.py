"""Whole blocks of fields, against the line-by-line reading of each."""

from __future__ import annotations

import re
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pounce_http1 import HeaderFacts, RemoteProtocolError
from pounce_http1.field_lines import DECISIVE_NAMES, parse_field_line
from pounce_http1.grammar import FIELD_LINES, HOST, USUAL_HOST
from pounce_http1.head import derive_facts
from pounce_http1.header_block import Block, parse_block
from pounce_http1.vocabulary import Vocabulary

WORDS = Vocabulary()


def parse(*lines: bytes, most: int = 100, version: str = "1.1") -> Block | None:
    data = b"HTTP/%b\r\n" % version.encode() + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    return parse_block(data, most, WORDS)


def carefully(*lines: bytes, version: str) -> Block:
    fields = [parse_field_line(line) for line in lines]
    return tuple(fields), derive_facts(version, [field for field in fields if field[0] in DECISIVE_NAMES])


def facts(block: Block) -> dict[str, Any]:
    return {name: getattr(block[1], name) for name in HeaderFacts.__slots__}


def assert_read_carefully(*lines: bytes, version: str = "1.1") -> None:
    """What is read is what the careful way reads, and what the fields may not say together raises the same."""
    try:
        careful = carefully(*lines, version=version)
    except RemoteProtocolError as error:
        with pytest.raises(type(error), match=re.escape(str(error))):
            parse(*lines, version=version)
        return
    block = parse(*lines, version=version)
    assert block is not None
    assert block[0] == careful[0]
    assert facts(block) == facts(careful)


HOST_LINE = b"Host: h"
BLOCKS: list[list[bytes]] = [
    [],
    [HOST_LINE],
    [b"Host:h"],
    [b"host: h:1"],
    [b"HOST: \t h"],
    [b"Host: h h"],
    [b"Host: h:"],
    [b"Host: [::1]"],
    [b"Host:"],
    [b"X: y"],
    [b"X: y", HOST_LINE],
    [HOST_LINE, HOST_LINE],
    [HOST_LINE, b"hOST: h"],
    [HOST_LINE, b"Connection: keep-alive"],
    [HOST_LINE, b"Connection: Keep-Alive"],
    [b"Connection: keep-alive", HOST_LINE],
    [HOST_LINE, b"Connection: close"],
    [HOST_LINE, b"Connection: keep-alive", b"Connection: close"],
    [b"Connection: keep-alive"],
    [b"Connection: keep-alive", b"Content-Length: 5"],
    [HOST_LINE, b"Content-Length: 0"],
    [HOST_LINE, b"Content-Length: 5"],
    [HOST_LINE, b"Content-Length:"],
    [HOST_LINE, b"Content-Length: +5"],
    [HOST_LINE, b"Content-Length: " + b"9" * 18],
    [HOST_LINE, b"Content-Length: " + b"9" * 19],
    [HOST_LINE, b"Content-Length: 9223372036854775807"],
    [HOST_LINE, b"Content-Length: 5", b"Content-Length: 5"],
    [HOST_LINE, b"Content-Length: 5", b"Transfer-Encoding: chunked"],
    [HOST_LINE, b"Content-Length: 5", b"Connection: keep-alive"],
    [HOST_LINE, b"Content-Length: 5", b"Expect: 100-continue"],
    [HOST_LINE, b"Content-Length: 5", b"Connection: upgrade", b"Upgrade: x"],
    [HOST_LINE, b"Transfer-Encoding: chunked"],
    [HOST_LINE, b"Transfer-Encoding: Chunked"],
    [HOST_LINE, b"Transfer-Encoding: chunked, chunked"],
    [HOST_LINE, b"transfer-ENCODING: br"],
    [HOST_LINE, b"Expect: 100-continue"],
    [HOST_LINE, b"TE: trailers"],
    [HOST_LINE, b"X:", b"X-Y:z", b"!#$%&'*+-.^_`|~: \xff\t:"],
]


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("lines", BLOCKS, ids=str)
def test_blocks(lines: list[bytes], version: str) -> None:
    assert_read_carefully(*lines, version=version)
    assert facts(((), WORDS.plain)) == facts(((), HeaderFacts("1.1", None, False, True)))


def test_other_versions_are_left_to_the_careful_way() -> None:
    for version in ("1.2", "2.0", "0.9", "1.1 ", ""):
        assert parse(HOST_LINE, version=version) is None


def test_the_plain_facts_are_shared() -> None:
    for line in (b"X: y", b"Connection: keep-alive"):
        block = parse(HOST_LINE, line)
        assert block is not None
        assert block[1] is WORDS.plain


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"a",
        b":",
        b": a",
        b" a: b",
        b"\ta: b",
        b"a : b",
        b"a\x80: b",
        b"a: b\rc",
        b"a: b\r",
        b"a: b\nc: d",
        b"a: b\n",
        b"a: \x00",
        b"a: \x7f",
        b"a: b\r\n\r\nc: d",
    ],
)
@pytest.mark.parametrize("before", [[], [HOST_LINE], [HOST_LINE, b"Content-Length: 5"]], ids=len)
def test_what_is_not_a_block_is_left_to_the_careful_way(line: bytes, before: list[bytes]) -> None:
    for after in ([], [b"x: y"], [HOST_LINE]):
        for version in ("1.1", "1.0"):
            assert parse(*before, line, *after, version=version) is None


def test_white_space_at_the_end_of_a_line_is_left_to_the_careful_way() -> None:
    for line in (b"a: b ", b"a: b\t", b"a: "):
        assert parse(HOST_LINE, line) is None


def test_the_number_of_fields_is_judged_before_what_they_say() -> None:
    assert parse(b"X: y", b"X: y", most=1) is None
    assert parse(HOST_LINE, b"X: y", most=2) is not None


LINE = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"Host: a", b"Te : x", b"A:b", b"Connection: close", b"Content-Length: 1", b"X-Y: z\xff"]),
)


@settings(max_examples=400)
@given(st.lists(LINE, max_size=6))
@example([b"Host"])
@example([b"\x00: a"])
def test_what_is_accepted_is_read_carefully(lines: list[bytes]) -> None:
    if lines:
        lines = b"\r\n".join(lines).split(b"\r\n")
    try:
        if parse(*lines) is None:
            return
    except RemoteProtocolError:
        pass  # the lines are right
    assert_read_carefully(*lines)


@settings(max_examples=300)
@given(st.lists(st.one_of(LINE, st.sampled_from([b"\r\n", b"\n", b"\r", b":", b" "]))).map(b"".join))
def test_matches_leave_nothing_out(data: bytes) -> None:
    """So a byte that is in no field line is noticed, and a search never starts anew within bytes that it has seen."""
    matches = list(FIELD_LINES.finditer(data))
    assert b"".join(match[0] for match in matches) == data
    assert all(match[1] for match in matches[:-1])


@pytest.mark.parametrize("pattern", [FIELD_LINES, USUAL_HOST], ids=["fields", "host"])
def test_no_endless_repetition_can_give_back_what_it_took(pattern: re.Pattern[bytes]) -> None:
    """Then no input, however odd, makes a match take more than linear time."""
    text = str(parser.parse(pattern.pattern.decode("latin-1")))
    assert "POSSESSIVE_REPEAT, (1, MAXREPEAT" in text
    assert not re.search(r"(MAX|MIN)_REPEAT, \(\d+, MAXREPEAT", text)


@given(st.text("aZ09-._~:%[]", max_size=12).map(str.encode))
def test_a_usual_host_is_one(host: bytes) -> None:
    if USUAL_HOST.fullmatch(host):
        assert HOST.fullmatch(host)
        assert int(host.partition(b":")[2] or 0) <= 65535
