"""The memo: bounded, kept at second sight, and out of the way of heads that always differ."""

from __future__ import annotations

import pytest

from pounce_http1 import HeaderMemo, InvalidHost, RequestHead, RequestReader
from pounce_http1.header_memo import MAX_BLOCK_BYTES
from pounce_http1.testing.case import get


def _block(line: bytes) -> bytes:
    return b"HTTP/1.1\r\nHost: h\r\n" + line + b"\r\n\r\n"


def _see(memo: HeaderMemo, line: bytes) -> bool:
    """One sight of a block; whether it was known."""
    before = len(memo)
    assert memo.read(_block(line), 100) is not None
    return memo.holds and len(memo) == before


def _read(reader: RequestReader, wire: bytes) -> RequestHead:
    reader.receive_data(wire)
    head = reader.maybe_next_event()
    assert isinstance(head, RequestHead)
    return head


def test_kept_at_second_sight() -> None:
    memo = HeaderMemo()
    assert [_see(memo, b"X: y") for _ in range(4)] == [False, False, True, True]
    assert (len(memo), memo.kept_bytes) == (1, len(_block(b"X: y")))
    assert memo.read(_block(b"X: y"), 100) is memo.read(_block(b"X: y"), 100)


def test_large_blocks_are_not_kept() -> None:
    memo = HeaderMemo()
    around = len(_block(b""))
    for size, known in ((MAX_BLOCK_BYTES, True), (MAX_BLOCK_BYTES + 1, False)):
        line = b"X:" + b"x" * (size - around - 2)
        _see(memo, line)
        _see(memo, line)
        assert _see(memo, line) is known


def test_bounded_in_entries_and_bytes() -> None:
    memo = HeaderMemo(max_entries=8, max_bytes=1000)
    for number in range(300):
        for _ in range(40):  # more often than any rest lasts
            _see(memo, b"X: %0100d" % number)
        assert 0 < len(memo) <= 8
        assert memo.kept_bytes <= 1000


def test_what_is_not_right_is_not_kept() -> None:
    memo = HeaderMemo()
    for _ in range(4):
        assert memo.read(_block(b"X y"), 100) is None
        assert not memo.holds
        assert memo.read(_block(b"X: y"), 1) is None
        with pytest.raises(InvalidHost):
            memo.read(_block(b"Host: h"), 100)
    assert len(memo) == 0


def test_hostile_heads_do_not_grow_it() -> None:
    memo = HeaderMemo()
    reader = RequestReader(memo=memo)
    for number in range(3000):
        _read(reader, get(b"X-%d: %d" % (number, number)))
    assert (len(memo), memo.kept_bytes) == (0, 0)


def test_hostile_heads_sent_twice_stay_in_bounds() -> None:
    memo = HeaderMemo(max_entries=16, max_bytes=2000)
    reader = RequestReader(memo=memo)
    for number in range(2000):
        for _ in range(2):
            _read(reader, get(b"X: %d" % number))
    assert len(memo) <= 16
    assert memo.kept_bytes <= 2000


def test_misses_are_mostly_not_looked_up() -> None:
    """Ever-differing heads: after the memo lost its patience, one look-up in sixteen remains."""
    memo = HeaderMemo()
    looked = 0

    def get(key: bytes) -> None:
        nonlocal looked
        looked += 1

    memo._blocks.get = get  # type: ignore[assignment, misc]
    for number in range(1632):
        _see(memo, b"X: %d" % number)
    assert looked <= 32 + 1600 / 16 + 2


def test_recovers_after_a_storm_of_misses() -> None:
    memo = HeaderMemo()
    for number in range(1000):
        _see(memo, b"X: %d" % number)
    sights = 0
    while not _see(memo, b"X: y"):
        sights += 1
        assert sights < 100
    assert all(_see(memo, b"X: y") for _ in range(20))


def test_http_1_0_is_not_remembered_as_1_1() -> None:
    memo = HeaderMemo()
    reader = RequestReader(memo=memo)
    lines = (b"Connection: keep-alive",)
    old, new = get(*lines, start=b"GET / HTTP/1.0"), get(*lines)
    versions = [_read(reader, wire).http_version for wire in (new, new, new, old, new, old, old, old, new)]
    assert versions == ["1.1", "1.1", "1.1", "1.0", "1.1", "1.0", "1.0", "1.0", "1.1"]
