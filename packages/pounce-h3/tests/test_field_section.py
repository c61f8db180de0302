"""How large a block can become."""

from __future__ import annotations

import pytest

from pounce_h3.field_section import largest_size


@pytest.mark.parametrize(
    ("block", "size"),
    [
        (b"", 0),
        (b"\x00", 0),
        (b"\x00\x00", 0),
        (b"\x00\x00\xd1", 64),  # static
        (b"\x02\x00\x80\x80", 2000),  # dynamic
        (b"\x02\x00\x10", 1000),  # dynamic, from the base on
        (b"\x00\x00\xff\x80\x01", 64),  # a longer integer
        (b"\x00\x00\x51\x0aaaaaaaaaaa", 64 + 17),  # static name, ten bytes
        (b"\x02\x00\x41\x0aaaaaaaaaaa", 1000 + 17),
        (b"\x02\x00\x01\x0aaaaaaaaaaa", 1000 + 17),
        (b"\x00\x00\x22aa\x0aaaaaaaaaaa", 4 + 17),
        (b"\x02\x00\x80\x51", 1000),  # cut off
    ],
)
def test_largest_size(block: bytes, size: int) -> None:
    assert largest_size(block, 1000) == size


def test_no_more_is_looked_at_than_needed() -> None:
    bomb = b"\x02\x00" + b"\x80" * 100_000
    assert largest_size(bomb, 4096, enough=10_000) == 3 * 4096
    assert largest_size(b"\x00\x00" + b"\xd1" * 1000, 0, lines=1000) == 64_000
    assert largest_size(b"\x00\x00" + b"\xd1" * 1001, 0, lines=1000) == float("inf")
