"""Transport parameters with other numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_h3.engine.transport_parameters import replaced
from pounce_h3.varint import encode_varint, maybe_varint

kinds = st.integers(0, 2**62 - 1)
numbers = st.integers(0, 2**62 - 1)


def written(parameters: dict[int, bytes]) -> bytes:
    return b"".join(encode_varint(kind) + encode_varint(len(value)) + value for kind, value in parameters.items())


def read(block: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    end = 0
    while end < len(block):
        kind, end = maybe_varint(block, end) or pytest.fail("no kind")
        size, end = maybe_varint(block, end) or pytest.fail("no size")
        assert kind not in found  # RFC 9000, 7.4
        found[kind] = block[end : end + size]
        end += size
    return found


@given(
    st.dictionaries(st.one_of(st.integers(0, 20), kinds), st.binary(max_size=80)),
    st.dictionaries(st.one_of(st.integers(0, 20), kinds), numbers, max_size=4),
)
def test_all_others_stay_as_they_are(parameters: dict[int, bytes], ours: dict[int, int]) -> None:
    assert read(replaced(written(parameters), ours)) == parameters | {
        kind: encode_varint(number) for kind, number in ours.items()
    }


@pytest.mark.parametrize("block", [b"\x40", b"\x01", b"\x01\x80\x00"])
def test_what_ends_too_early(block: bytes) -> None:
    with pytest.raises(ValueError, match="too early"):
        replaced(block, {})
