"""Integers within octets: the examples of RFC 7541, C.1."""

from __future__ import annotations

import pytest

from pounce_asgi.multiplexed import encode_integer


@pytest.mark.parametrize(
    ("first", "bits", "number", "wanted"),
    [
        (0, 5, 10, b"\x0a"),
        (0, 5, 1337, b"\x1f\x9a\x0a"),
        (0, 8, 42, b"\x2a"),
        (0xC0, 6, 63, b"\xff\x00"),
        (0x20, 3, 6, b"\x26"),
        (0x20, 3, 7, b"\x27\x00"),
    ],
)
def test_examples(first: int, bits: int, number: int, wanted: bytes) -> None:
    assert encode_integer(first, bits, number) == wanted
