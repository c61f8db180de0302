"""Blocks that are nearly the same as before are read as if they were new."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_http1 import HeaderFacts, HeaderMemo, RemoteProtocolError
from pounce_http1.block_reader import BlockReader
from pounce_http1.header_block import Block, parse_block
from pounce_http1.likeness import Likeness
from pounce_http1.vocabulary import Vocabulary

WORDS = Vocabulary()
LINES = [b"Host: h", b"Accept: */*", b"X-Id: 1", b"Connection: close", b"Content-Length: 5"]
OTHERS = [b"Host: i", b"Accept: a", b"X-Id: 0", b"Connection: keep-alive", b"Content-Length: 6"]


def wire(*lines: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return version + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def changed(index: int, *lines: bytes) -> bytes:
    """The usual block with these lines in place of one."""
    return wire(*LINES[:index], *lines, *LINES[index + 1 :])


def between(old: bytes, new: bytes) -> Likeness | None:
    block = parse_block(new, 100, WORDS)
    assert block is not None
    return Likeness.between(old, new, block, WORDS)


def equal(one: Block | None, other: Block | None) -> bool:
    if one is None or other is None:
        return one is other
    return one[0] == other[0] and all(
        getattr(one[1], name) == getattr(other[1], name) for name in HeaderFacts.__slots__
    )


@pytest.mark.parametrize("index", range(len(LINES)))
@pytest.mark.parametrize(
    "lines",
    [(), (b"X-Id: 2",), (b"x-id:3", b"Y: z"), (b"Content-Length: 7",), (b"Expect: 100-continue",), (b"Host: other",)],
    ids=str,
)
def test_what_is_alike_is_read_as_if_it_were_new(index: int, lines: tuple[bytes, ...]) -> None:
    likeness = between(wire(*LINES), changed(index, OTHERS[index]))
    assert likeness is not None
    data = changed(index, *lines)
    try:
        new = parse_block(data, 100, WORDS)
    except RemoteProtocolError as error:
        with pytest.raises(type(error)):
            likeness.read(data, 100, WORDS)
    else:
        assert new is not None
        assert equal(likeness.read(data, 100, WORDS), new)


@pytest.mark.parametrize(
    "line", [b"", b"X", b": y", b" X: y", b"X: y ", b"X: y\n", b"X: y\rZ: z", b"X: \0", b"X: y\r\n\r\nY: z"]
)
def test_what_is_no_field_line_is_left_to_others(line: bytes) -> None:
    likeness = between(wire(*LINES), changed(2, b"X-Id: 0"))
    assert likeness is not None
    assert likeness.read(changed(2, line), 100, WORDS) is None
    assert likeness.read(changed(2, b"X: y", line), 100, WORDS) is None


def test_ends_that_would_overlap_are_not_alike() -> None:
    likeness = between(wire(b"Host: h", b"A: 1", b"B: 1"), wire(b"Host: h", b"A: 2", b"B: 1"))
    assert likeness is not None
    assert likeness.read(wire(b"Host: h", b"B: 1"), 100, WORDS) is not None
    assert likeness.read(wire(b"Host: h"), 100, WORDS) is None
    same = between(wire(b"A: 1", b"Host: h", b"A: 1"), wire(b"A: 1", b"Host: h", b"X: y", b"A: 1"))
    assert same is not None
    assert same.read(wire(b"A: 1"), 100, WORDS) is None


def test_too_many_fields() -> None:
    likeness = between(wire(*LINES), changed(2, b"X-Id: 0"))
    assert likeness is not None
    assert likeness.read(changed(2, b"X-Id: 1"), len(LINES), WORDS) is not None
    for line in (b"X-Id: 1", b"Content-Length: 7"):
        assert likeness.read(changed(2, line), len(LINES) - 1, WORDS) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (wire(*LINES), wire(LINES[0], b"A: b", b"C: d", b"E: f")),
        (wire(*LINES, version=b"HTTP/1.0"), wire(*LINES)),
        (wire(*LINES, version=b"HTTP/1.0"), wire(*LINES, version=b"HTTP/1.0")),
        (b"", wire(*LINES)),
    ],
)
def test_what_has_little_in_common_is_not_alike(old: bytes, new: bytes) -> None:
    assert between(old, new) is None


def _reader() -> BlockReader:
    return BlockReader(HeaderMemo(), 100)


def test_a_connection_is_left_alone_after_some_lessons_in_vain() -> None:
    reader = _reader()
    compared = 0

    def count(*_: object) -> None:
        nonlocal compared
        compared += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Likeness, "between", count)
        for number in range(100):
            assert reader.read(wire(b"Host: h", b"A%d: b" % number, b"B%d: c" % number)) is not None
    assert compared == 3
    assert reader._last is None


def test_a_likeness_is_learnt_from_two_blocks_and_anew_when_it_is_lost() -> None:
    reader = _reader()
    for one in (b"Accept: a", b"Accept: b", b"Accept: c"):
        for number in range(20):
            block = reader.read(wire(b"Host: h", one, b"X-Id: %d" % number, b"User-Agent: u"))
            assert block is not None
            assert block[0][2] == (b"x-id", b"%d" % number)
            assert block[1] is reader._memo.words.plain
            assert not reader.holds
            if number > 1:
                assert reader._likeness is not None
                assert reader._last is None


def test_large_blocks_are_not_kept() -> None:
    reader = _reader()
    for number in range(4):
        assert reader.read(wire(b"Host: h", b"X-Id: %d" % number, b"A: " + b"a" * 2048)) is not None
        assert reader._last is None
        assert reader._likeness is None


def test_a_block_that_the_memo_holds_may_be_expected_again() -> None:
    reader = _reader()
    assert [(reader.read(wire(*LINES)), reader.holds)[1] for _ in range(4)] == [False, True, True, True]


FIELD = st.sampled_from(
    [
        b"Host: h",
        b"Host: i",
        b"A: b",
        b"A: c",
        b"Content-Length: 1",
        b"Content-Length: 2",
        b"Connection: close",
        b"X",
        b"X: ",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(FIELD, max_size=5), max_size=12), st.booleans())
def test_one_reader_reads_as_many(blocks: list[list[bytes]], old: bool) -> None:
    """Whatever came before, a block is read as by a reader that never saw one."""
    reader = _reader()
    for index, lines in enumerate(blocks):
        data = wire(b"User-Agent: u", *lines, b"Accept: a", version=b"HTTP/1.0" if old and index % 3 else b"HTTP/1.1")
        try:
            new = parse_block(data, 100, WORDS)
        except RemoteProtocolError as error:
            with pytest.raises(type(error)):
                reader.read(data)
        else:
            assert equal(reader.read(data), new)
