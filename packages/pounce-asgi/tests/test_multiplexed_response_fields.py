"""Response fields as exchanges keep them, and the memo of their blocks."""

from __future__ import annotations

import pytest

from pounce_asgi.multiplexed import Fields, ResponseBlocks, encode_field
from pounce_asgi.multiplexed.response_fields import MEMO_HEADS


def render(status: int, fields: Fields) -> bytes:
    return b"%d" % status + b"".join(name + value for name, value in fields)


def test_it_is_bounded() -> None:
    blocks = ResponseBlocks(render)
    for number in range(3 * MEMO_HEADS):
        assert blocks[200, ((b"x", b"%d" % number),)]
    assert len(blocks) <= MEMO_HEADS
    large = (200, ((b"x", b"y" * 5000),))
    assert blocks[large] == blocks[large]
    assert large not in blocks


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        (b"X-A", b" b\t", ((b"x-a", b"b"),)),
        (b"Connection", b"upgrade", ()),
        (b"keep-alive", b"1", ()),
        (b"x", b"\xe4", ((b"x", b"\xe4"),)),
    ],
)
def test_fields(name: bytes, value: bytes, wanted: object) -> None:
    assert encode_field(name, value) == wanted


@pytest.mark.parametrize(("name", "value"), [(b"", b""), (b"a b", b""), (b":x", b""), (b"a", b"\r\nb"), (b"a", b"\0")])
def test_fields_that_may_not_be_sent(name: bytes, value: bytes) -> None:
    with pytest.raises(ValueError, match=r"the (name|value)"):
        encode_field(name, value)


def test_fields_of_other_types() -> None:
    with pytest.raises(TypeError):
        encode_field("a", b"b")  # type: ignore[arg-type]
