"""The priority field (RFC 9218, 4 and 5; RFC 8941)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_asgi.multiplexed import Priority, parse_priority


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"", Priority(3, False)),
        (b"u=0", Priority(0, False)),
        (b"u=7, i", Priority(7, True)),
        (b"i", Priority(3, True)),
        (b"i=?1,u=2", Priority(2, True)),
        (b"i=?0", Priority(3, False)),
        (b"u=1, u=5", Priority(5, False)),
        (b"u=8", Priority(3, False)),
        (b"u=-1", Priority(3, False)),
        (b"u=03", Priority(3, False)),
        (b"u=1.5", Priority(3, False)),
        (b"u=a, i", Priority(3, True)),
        (b"i=1", Priority(3, False)),
        (b"x=5, u=1;a=b", Priority(1, False)),
        (b"u", Priority(3, False)),
        (b"U=1", Priority(3, False)),
        (b"u=1,,", Priority(3, False)),
        (b"\xff\xfe", Priority(3, False)),
        (b"u=1," * 100, Priority(3, False)),
    ],
)
def test_values(value: bytes, wanted: Priority) -> None:
    assert parse_priority(value) == wanted


def test_what_is_not_said_stays() -> None:
    assert parse_priority(b"i", Priority(1, False)) == Priority(1, True)
    assert parse_priority(b"u=5", Priority(1, True)) == Priority(5, True)


@given(st.binary(max_size=300))
def test_anything(value: bytes) -> None:
    """Never an error, always a priority that exists."""
    assert 0 <= parse_priority(value).urgency <= 7
