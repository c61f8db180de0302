"""The memo: bounded, kept at second sight, and out of the way of heads that always differ."""

from __future__ import annotations

from pounce_http1 import HeaderFacts, HeaderMemo, RequestHead, RequestReader
from pounce_http1.header_block import Block
from pounce_http1.header_memo import MAX_BLOCK_BYTES
from pounce_http1.testing.case import get

BLOCK: Block = ((), HeaderFacts("1.1", None, False, True))


def _see(memo: HeaderMemo, block: bytes) -> bool:
    """One sight of a block, as a reader does it; whether it was known."""
    if memo.find(block) is not None:
        return True
    memo.offer(block, BLOCK)
    return False


def _read(reader: RequestReader, wire: bytes) -> RequestHead:
    reader.receive_data(wire)
    head = reader.maybe_next_event()
    assert isinstance(head, RequestHead)
    return head


def test_kept_at_second_sight() -> None:
    memo = HeaderMemo()
    assert [_see(memo, b"block") for _ in range(4)] == [False, False, True, True]
    assert (len(memo), memo.bytes) == (1, 5)


def test_large_blocks_are_not_kept() -> None:
    memo = HeaderMemo()
    for size, known in ((MAX_BLOCK_BYTES, True), (MAX_BLOCK_BYTES + 1, False)):
        block = b"x" * size
        _see(memo, block)
        _see(memo, block)
        assert _see(memo, block) is known


def test_bounded_in_entries_and_bytes() -> None:
    memo = HeaderMemo(max_entries=8, max_bytes=1000)
    for number in range(300):
        block = b"%0100d" % number
        for _ in range(40):  # more often than any rest lasts
            _see(memo, block)
        assert len(memo) <= 8
        assert memo.bytes == 100 * len(memo)
    memo = HeaderMemo(max_entries=1000, max_bytes=1000)
    for number in range(300):
        block = b"%0100d" % number
        for _ in range(40):
            _see(memo, block)
        assert memo.bytes <= 1000


def test_hostile_heads_do_not_grow_it() -> None:
    memo = HeaderMemo()
    reader = RequestReader(memo=memo)
    for number in range(3000):
        _read(reader, get(b"X-%d: %d" % (number, number)))
    assert (len(memo), memo.bytes) == (0, 0)


def test_hostile_heads_sent_twice_stay_in_bounds() -> None:
    memo = HeaderMemo(max_entries=16, max_bytes=2000)
    reader = RequestReader(memo=memo)
    for number in range(2000):
        for _ in range(2):
            _read(reader, get(b"X: %d" % number))
    assert len(memo) <= 16
    assert memo.bytes <= 2000


def test_misses_are_mostly_not_looked_up() -> None:
    """Ever-differing heads: after the memo lost its patience, one look-up in sixteen remains."""

    class Counted(dict[bytes, Block]):
        looked = 0

        def get(self, *arguments: object) -> None:  # type: ignore[override]
            self.looked += 1

    memo = HeaderMemo()
    memo._blocks = counted = Counted()
    for number in range(1632):
        _see(memo, b"%d" % number)
    assert counted.looked <= 32 + 1600 / 16 + 2


def test_recovers_after_a_storm_of_misses() -> None:
    memo = HeaderMemo()
    for number in range(1000):
        _see(memo, b"%d" % number)
    sights = 0
    while not _see(memo, b"block"):
        sights += 1
        assert sights < 100
    assert all(_see(memo, b"block") for _ in range(20))


def test_names_are_a_copy_for_each_worker() -> None:
    one, other = HeaderMemo(), HeaderMemo()
    assert one.names == other.names
    assert one.names is not other.names
    assert one.names[b"User-Agent"] == b"user-agent"
    assert one.names[b"X-Other"] == b"x-other"
    assert one.plain is not other.plain


def test_http_1_0_is_not_remembered_as_1_1() -> None:
    memo = HeaderMemo()
    reader = RequestReader(memo=memo)
    lines = (b"Connection: keep-alive",)
    old, new = get(*lines, start=b"GET / HTTP/1.0"), get(*lines)
    versions = [_read(reader, wire).http_version for wire in (new, new, new, old, new, old, old, old, new)]
    assert versions == ["1.1", "1.1", "1.1", "1.0", "1.1", "1.0", "1.0", "1.0", "1.1"]
