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


class Marked(bytes):
    """As a library may have, to mark what it has checked."""


@pytest.mark.parametrize("seen_before", [False, True])
@pytest.mark.parametrize("make", [Marked, memoryview])
def test_what_equals_bytes_is_taken_whether_those_were_seen_or_not(make: Any, seen_before: bool) -> None:
    heads = memo()
    if seen_before:
        heads[(TYPE,)]
    head = heads[((make(TYPE[0]), make(TYPE[1])),)]
    assert head.fields == (TYPE,)
    assert {type(part) for pair in head.fields for part in pair} == {bytes}


def test_many_fields_take_linear_time() -> None:
    copied = 0

    class Counting(bytes):
        """Rendered lines that tell how much is copied when they are put together one by one."""

        def __add__(self, other: Any) -> Counting:
            nonlocal copied
            copied += len(self) + len(other)
            return Counting(bytes(self) + other)

    heads: HeadMemo[Any] = HeadMemo(HeaderMemo(lambda name, value: Counting(name + value)), b"")
    pairs = tuple((b"x", b"%d" % number) for number in range(2000))
    assert len(heads[pairs].fields) == sum(1 + len(value) for _, value in pairs)
    assert copied == 0
