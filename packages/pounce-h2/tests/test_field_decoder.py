"""Blocks of HPACK: hpack is the judge of what they mean, and of what they do not."""

from __future__ import annotations

import pytest
from hpack import Decoder, Encoder, HPACKError, OversizedHeaderListError
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_h2.errors import COMPRESSION_ERROR, ConnectionFault, Flood
from pounce_h2.field_decoder import FieldDecoder

MOST = 5000

fields = st.tuples(
    st.sampled_from([b":method", b"cookie", b"x"]) | st.binary(max_size=150),
    st.sampled_from([b"GET", b"", b"v" * 1000]) | st.binary(max_size=300),
)


@settings(max_examples=100, deadline=None)
@given(
    blocks=st.lists(st.tuples(st.lists(fields, max_size=6), st.booleans(), st.integers(0, 4096)), max_size=6),
    resized=st.booleans(),
)
def test_what_an_encoder_says_is_understood(
    blocks: list[tuple[list[tuple[bytes, bytes]], bool, int]], resized: bool
) -> None:
    encoder, decoder = Encoder(), FieldDecoder(100_000)
    for said, huffman, size in blocks:
        if resized:
            encoder.header_table_size = size
        assert decoder.decode(encoder.encode(said, huffman=huffman)) == said


pieces = st.binary(max_size=12) | st.sampled_from(
    [
        b"\x82",  # a field of the static table
        b"\xbe",  # the latest of the dynamic one
        b"\xc0",
        b"\x20",  # no table
        b"\x3f\xe1\x1f",  # the whole table
        b"\x3f\xe2\x1f",  # more than that
        b"\x40\x01x\x7f\xe9\x06" + b"v" * 1000,  # remembered
        b"\x40\x01x\x7f\xa9\x1f" + b"v" * 4136,  # too large for the table
        b"\x10\x01x\x01y",  # never to be remembered
        b"\x0f\x00\x01y",  # a name of the static table
        b"\x40\x81\xf2\x81\xf2",  # Huffman's
        b"\x00\x81\x00\x00",  # and what is none
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(pieces, max_size=5).map(b"".join), max_size=4))
def test_whatever_comes_means_what_hpack_says(blocks: list[bytes]) -> None:
    decoder, judge = FieldDecoder(MOST), Decoder(MOST)
    for block in blocks:
        try:
            expected = list(judge.decode(block, raw=True))
        except OversizedHeaderListError:
            with pytest.raises(ConnectionFault):  # or what is behind that is broken
                decoder.decode(block)
            return
        except HPACKError:
            with pytest.raises(ConnectionFault) as caught:
                decoder.decode(block)
            assert caught.value.code == COMPRESSION_ERROR or isinstance(caught.value, Flood)
            return
        assert decoder.decode(block) == expected


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_block_that_is_cut_off(cut: int) -> None:
    block = b"\x40\x03abc\x7f\x01" + b"v" * 128
    assert FieldDecoder(MOST).decode(block) == [(b"abc", b"v" * 128)]
    for short in (block[:cut], block[:-cut]):
        with pytest.raises(ConnectionFault, match="cut off") as caught:
            FieldDecoder(MOST).decode(short)
        assert caught.value.code == COMPRESSION_ERROR


def test_numbers_end() -> None:
    for block in (b"\xff" + b"\x80" * 50_000 + b"\x01", b"\x00\x7f" + b"\xff" * 50_000):
        with pytest.raises(ConnectionFault, match="no end") as caught:
            FieldDecoder(MOST).decode(block)
        assert caught.value.code == COMPRESSION_ERROR


def test_the_limit_is_exact() -> None:
    for size, too_much in ((MOST - 33, False), (MOST - 32, True)):
        block = Encoder().encode([(b"x", b"\x00" * size)], huffman=False)
        decoder = FieldDecoder(MOST)
        if too_much:
            with pytest.raises(Flood):
                decoder.decode(block)
        else:
            assert len(decoder.decode(block)) == 1


def test_a_bomb_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte names a field of 4 KB, again and again; and what Huffman's code hides is not undone at all."""
    decoder = FieldDecoder(MOST)
    assert len(decoder.decode(b"\x40\x01x\x7f\xbd\x1d" + b"a" * 3900)) == 1
    with pytest.raises(Flood):
        decoder.decode(b"\xbe" * 15_000)
    monkeypatch.setattr("pounce_h2.field_decoder.decode_huffman", None)
    with pytest.raises(Flood):
        FieldDecoder(MOST).decode(b"\x00\x01x\xff\xa9\xbc\x03" + bytes(57_000))
