"""The rules of response fields that hold over every wire, and the memo that remembers them."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_doubles import encode_pair

from pounce_asgi import InvalidResponseHeader
from pounce_asgi.response_rules import (
    CONNECTION_CLOSE,
    CONTENT_LENGTH,
    DATE,
    IGNORED,
    MEMO_ENTRIES,
    MEMO_FIELD_BYTES,
    PLAIN,
    SERVER,
    HeaderMemo,
    allows_body,
    parse_content_length,
)

KINDS = [
    (b"content-type", b"text/plain", PLAIN),
    (b"set-cookie", b"a=1", PLAIN),
    (b"content-length", b"5", CONTENT_LENGTH),
    (b"Content-Length", b"5", CONTENT_LENGTH),
    (b"date", b"now", DATE),
    (b"server", b"mine", SERVER),
    (b"connection", b"close", CONNECTION_CLOSE),
    (b"Connection", b"keep-alive, Close", CONNECTION_CLOSE),
    (b"connection", b"keep-alive", IGNORED),
    (b"connection", b"closed", IGNORED),
    (b"transfer-encoding", b"chunked", IGNORED),
    (b"Transfer-Encoding", b"gzip", IGNORED),
    (b"keep-alive", b"timeout=5", IGNORED),
    (b"x-date", b"now", PLAIN),
]


@pytest.mark.parametrize(("name", "value", "kind"), KINDS)
def test_kinds(name: bytes, value: bytes, kind: int) -> None:
    memo: HeaderMemo[Any] = HeaderMemo(encode_pair)
    first = memo[name, value]
    assert (first[0], first[1]) == (kind, ((name, value),))
    assert memo[name, value] is first  # remembered


REFUSED: list[Any] = [
    (b"x", b"a\r\nset-cookie: b"),
    (b"x", b"a\nb"),
    (b"x", b"a\0b"),
    (b"x y", b"a"),
    (b"", b"a"),
    (b"x:", b"a"),
    ("x", b"a"),
    (b"x", "a"),
    (b"x", None),
    (b"x", 5),
    (b"x",),
    (b"x", b"y", b"z"),
    "xy",
    None,
    5,
]


@pytest.mark.parametrize("pair", REFUSED, ids=repr)
def test_what_cannot_be_sent_is_refused_each_time(pair: Any) -> None:
    memo: HeaderMemo[Any] = HeaderMemo(encode_pair)
    for _ in range(2):
        with pytest.raises(InvalidResponseHeader, match="response header"):
            memo[pair]
    assert not memo


@pytest.mark.parametrize(
    "pair",
    [[b"x", b"y"], (b"x", bytearray(b"y")), [bytearray(b"x"), memoryview(b"y")]],
    ids=["list", "bytearray", "memoryview"],
)
def test_other_forms_of_bytes_are_taken(pair: Any) -> None:
    memo: HeaderMemo[Any] = HeaderMemo(encode_pair)
    assert memo.unhashable(pair)[1] == ((b"x", b"y"),)


@pytest.mark.parametrize("pair", [[b"x", "y"], [b"x"], [[], b"y"], (b"x", {})], ids=["str", "one", "list", "dict"])
def test_other_forms_of_anything_else_are_not(pair: Any) -> None:
    memo: HeaderMemo[Any] = HeaderMemo(encode_pair)
    with pytest.raises(InvalidResponseHeader):
        memo.unhashable(pair)


def test_a_long_message_is_cut() -> None:
    memo: HeaderMemo[Any] = HeaderMemo(encode_pair)
    with pytest.raises(InvalidResponseHeader) as caught:
        memo[b"x", b"\n" * 100_000]
    assert len(str(caught.value)) < 500


def test_the_memory_is_bounded() -> None:
    memo: HeaderMemo[Any] = HeaderMemo(encode_pair)
    for number in range(3 * MEMO_ENTRIES):
        memo[b"etag", b"%d" % number]
        assert len(memo) <= MEMO_ENTRIES
    memo.clear()
    large = b"x" * MEMO_FIELD_BYTES
    assert memo[b"etag", large][1] == ((b"etag", large),)
    assert not memo


@pytest.mark.parametrize(("value", "length"), [(b"0", 0), (b"13", 13), (b"007", 7), (b"9" * 19, 10**19 - 1)])
def test_content_length(value: bytes, length: int) -> None:
    assert parse_content_length(value) == length


# int() would take most of these.
@pytest.mark.parametrize(
    "value",
    [b"", b"+5", b"-5", b" 5", b"5 ", b"5_0", b"0x5", b"5,5", b"5.0", "\u0663".encode(), b"five", b"9" * 20],
)
def test_no_content_length(value: bytes) -> None:
    with pytest.raises(InvalidResponseHeader, match="content-length"):
        parse_content_length(value)


@pytest.mark.parametrize(
    ("method", "status", "allowed"),
    [
        ("GET", 200, True),
        ("HEAD", 200, False),
        ("head", 200, True),  # methods are case-sensitive (RFC 9110, 9.1)
        ("GET", 103, False),
        ("GET", 204, False),
        ("GET", 304, False),
        ("GET", 205, True),
        ("POST", 404, True),
        ("HEAD", 500, False),
    ],
)
def test_where_a_body_is_allowed(method: str, status: int, allowed: bool) -> None:
    assert allows_body(method, status) is allowed
