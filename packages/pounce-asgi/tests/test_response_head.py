"""Remembered response heads: looked at once, bounded, and right for every form in which fields are given."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_doubles import encode_pair

from pounce_asgi.errors import InvalidResponseHeader
from pounce_asgi.response_head import MEMO_HEAD_BYTES, MEMO_HEADS, HeadMemo
from pounce_asgi.response_rules import HeaderMemo


def memo() -> HeadMemo[Any]:
    return HeadMemo(HeaderMemo(encode_pair), ())


TYPE = (b"content-type", b"text/plain")
LENGTH = (b"content-length", b"5")


@pytest.mark.parametrize(
    ("pairs", "fields", "sized", "declared", "flags"),
    [
        ((), (), (), None, ""),
        ((TYPE,), (TYPE,), (TYPE,), None, ""),
        ((LENGTH, TYPE), (TYPE,), (TYPE, LENGTH), 5, ""),
        ((LENGTH, LENGTH), (), (LENGTH,), 5, ""),
        (((b"connection", b"close"), TYPE), (TYPE,), (TYPE,), None, "close"),
        (((b"transfer-encoding", b"chunked"),), (), (), None, ""),
        (((b"date", b"then"),), ((b"date", b"then"),), ((b"date", b"then"),), None, "date"),
        (((b"server", b"mine"),), ((b"server", b"mine"),), ((b"server", b"mine"),), None, "server"),
    ],
)
def test_what_a_head_says(pairs: Any, fields: Any, sized: Any, declared: int | None, flags: str) -> None:
    head = memo()[pairs]
    assert (head.fields, head.sized, head.declared) == (fields, sized, declared)
    assert (head.close, head.own_date, head.own_server) == (flags == "close", flags == "date", flags == "server")


def test_a_head_is_looked_at_once() -> None:
    heads = memo()
    assert heads[(TYPE,)] is heads[(TYPE,)]


def test_lists_and_other_bytes_are_taken() -> None:
    heads = memo()
    with pytest.raises(TypeError):
        heads[([b"content-type", bytearray(b"text/plain")],)]  # type: ignore[index]
    assert heads.unhashable(([b"content-type", bytearray(b"text/plain")],)).fields == (TYPE,)


@pytest.mark.parametrize(
    "pairs",
    [((b"x y", b"1"),), ((b"x", b"a\r\nb: c"),), (LENGTH, (b"content-length", b"6")), ((b"x",),), (("x", "y"),)],
)
def test_what_may_not_be_sent_is_refused_each_time(pairs: Any) -> None:
    heads = memo()
    for _ in range(2):
        with pytest.raises(InvalidResponseHeader):
            heads[pairs]
    assert not heads


def test_the_memory_is_bounded() -> None:
    heads = memo()
    for number in range(3 * MEMO_HEADS):
        assert heads[((b"etag", b"%d" % number),)].fields == ((b"etag", b"%d" % number),)
        assert len(heads) <= MEMO_HEADS
    heads.clear()
    large = ((b"set-cookie", b"x" * MEMO_HEAD_BYTES),)
    assert heads[large].fields == large
    assert not heads  # sent, and not kept
