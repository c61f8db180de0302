"""Blocks that were seen before mean what the table says now, whatever came between: hpack is the judge."""

from __future__ import annotations

from hpack import Decoder, Encoder
from hypothesis import given
from hypothesis import strategies as st

from pounce_h2.block_memo import BLOCKS, BlockMemo

fields = st.tuples(st.sampled_from([b"a", b"b", b":path", b"accept"]), st.sampled_from([b"", b"1", b"2", b"x" * 900]))
blocks = st.lists(st.lists(fields, max_size=4), max_size=30)


@given(blocks, st.booleans())
def test_it_says_what_hpack_says(lists: list[list[tuple[bytes, bytes]]], huffman: bool) -> None:
    encoder, judge, decoder = Encoder(), Decoder(), Decoder()
    memo = BlockMemo(lambda block: list(decoder.decode(block, raw=True)))
    for one in lists:
        block = encoder.encode(one, huffman=huffman)
        assert list(memo.fields_of(block)) == list(judge.decode(block, raw=True)) == one


def test_the_same_is_not_undone_again() -> None:
    calls: list[bytes] = []

    def decode(block: bytes) -> list[tuple[bytes, bytes]]:
        calls.append(block)
        return [(b"a", block)]

    memo = BlockMemo(decode)
    assert memo.fields_of(b"\x82\x84") is memo.fields_of(b"\x82\x84")
    assert calls == [b"\x82\x84"]
    memo.fields_of(b"\x40\x01a\x01b")
    memo.fields_of(b"\x82\x84")
    assert len(calls) == 3


def test_it_is_bounded() -> None:
    memo = BlockMemo(lambda block: [])
    for number in range(5 * BLOCKS):
        memo.fields_of(bytes([0x80 + number]))
    memo.fields_of(b"\x82" * 1000)
    assert len(memo._blocks) <= BLOCKS
    assert all(len(block) <= 64 for block in memo._blocks)
