"""Integers of QUIC: the examples of RFC 9000, A.1, and what goes in comes out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_h3.varint import LARGEST, encode_varint, maybe_varint


@pytest.mark.parametrize(
    ("octets", "number"),
    [
        ("c2197c5eff14e88c", 151288809941952652),
        ("9d7f3e7d", 494878333),
        ("7bbd", 15293),
        ("25", 37),
        ("4025", 37),
    ],
)
def test_examples(octets: str, number: int) -> None:
    data = bytes.fromhex(octets)
    assert maybe_varint(data, 0) == (number, len(data))
    for size in range(len(data)):
        assert maybe_varint(data[:size], 0) is None


@given(st.integers(0, LARGEST), st.binary(max_size=3), st.binary(max_size=3))
@settings(deadline=None)
def test_round_trip(number: int, before: bytes, after: bytes) -> None:
    octets = encode_varint(number)
    assert maybe_varint(before + octets + after, len(before)) == (number, len(before) + len(octets))
    assert maybe_varint(bytearray(octets), 0) == (number, len(octets))


@pytest.mark.parametrize(("number", "size"), [(63, 1), (64, 2), (16383, 2), (16384, 4), (2**30 - 1, 4), (2**30, 8)])
def test_the_shortest_form(number: int, size: int) -> None:
    assert len(encode_varint(number)) == size
