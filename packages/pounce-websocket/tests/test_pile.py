"""Bytes in pieces come out as they went in, and take no more memory than they are."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_websocket.pile import Pile

pieces = st.lists(
    st.binary(max_size=20) | st.integers(4000, 9000).map(lambda size: bytes(i & 255 for i in range(size))), max_size=9
)


@settings(max_examples=100, deadline=None)
@given(first=pieces, second=pieces, most=st.integers(1, 10_000), at_once=st.booleans())
def test_what_went_in_comes_out(first: list[bytes], second: list[bytes], most: int, at_once: bool) -> None:
    pile, taken = Pile(), b""
    for piece in first:
        pile.add(piece)
    for _ in range(3):
        taken += pile.take(most)
    for piece in second:
        pile.add(piece)
    whole = b"".join(first + second)
    assert pile.size == len(whole) - len(taken)
    if at_once:
        taken += pile.take_all()
    while pile.size:
        piece = pile.take(most)
        assert 0 < len(piece) <= most
        taken += piece
    assert taken == whole
    assert pile.take(most) == pile.take_all() == b""


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_it_takes_hardly_more_than_what_is_in_it(size: int) -> None:
    pile, source = Pile(), bytes(1_000_000)
    tracemalloc.start()
    try:
        for start in range(0, len(source), size):
            pile.add(source[start : start + size])
        assert tracemalloc.get_traced_memory()[0] < 1_100_000
    finally:
        tracemalloc.stop()
