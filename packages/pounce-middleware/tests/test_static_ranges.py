"""The Range field of RFC 9110, 14."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_middleware.static.ranges import MOST_RANGES, Unsatisfiable, parse_range


@pytest.mark.parametrize(
    ("value", "pieces"),
    [
        ("bytes=0-9", [(0, 10)]),
        ("bytes=0-0", [(0, 1)]),
        ("BYTES=5-", [(5, 100)]),
        ("bytes=-1", [(99, 100)]),
        ("bytes=-500", [(0, 100)]),
        ("bytes=90-1000", [(90, 100)]),
        ("bytes= 0-1 , 5-6", [(0, 2), (5, 7)]),
        ("bytes=50-51,0-1", [(50, 52), (0, 2)]),  # in the order asked for
        ("bytes=,0-1,,", [(0, 2)]),
        ("bytes=0-1,200-300", [(0, 2)]),  # those that exist
        ("bytes=0-4,5-9", [(0, 10)]),  # they touch
        ("bytes=0-4,3-9,20-29", [(0, 10), (20, 30)]),
        ("bytes=0-4,10-14,3-11", [(0, 15)]),
        # Ignored: the whole is sent.
        ("bytes", None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=5", None),
        ("bytes=-", None),
        ("bytes=9-5", None),
        ("bytes=a-b", None),
        ("bytes=0x1-2", None),
        ("bytes=1 -2", None),
        ("bytes=\u0661-2", None),
        ("bytes=0-" + "9" * 5000, None),
        ("lines=0-9", None),
        ("bytes=0-99,0-99", None),  # more than the whole
        ("bytes=0-,0-,0-", None),
        ("bytes=" + ",".join(f"{n * 2}-{n * 2}" for n in range(MOST_RANGES + 1)), None),
    ],
)
def test_ranges_of_a_hundred_bytes(value: str, pieces: list[tuple[int, int]] | None) -> None:
    assert parse_range(value, 100) == pieces


@pytest.mark.parametrize(("value", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-0", 0), ("bytes=-5", 0)])
def test_ranges_beyond_the_end(value: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(value, size)


@given(
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120)), min_size=1, max_size=20),
    st.integers(0, 100),
)
def test_pieces_lie_inside_and_apart(pairs: list[tuple[int, int]], size: int) -> None:
    value = "bytes=" + ",".join(f"{min(pair)}-{max(pair)}" for pair in pairs)
    try:
        pieces = parse_range(value, size)
    except Unsatisfiable:
        assert all(min(pair) >= size for pair in pairs)
        return
    for piece in pieces or ():
        assert 0 <= piece.start < piece.end <= size
    asked = {byte for low, high in map(sorted, pairs) for byte in range(low, min(high + 1, size))}
    if pieces is not None:
        sent = [byte for piece in pieces for byte in range(piece.start, piece.end)]
        assert sorted(sent) == sorted(asked)


@given(st.text(alphabet="bytes=0123456789-, ", max_size=60))
def test_no_text_raises_anything_else(value: str) -> None:
    try:
        parse_range(value, 50)
    except Unsatisfiable:
        return
