"""Fields of a request, without a connection: what becomes of those that are right. Many of the
wrong ones are cases of frames, in the packages of the wires.
"""

from __future__ import annotations

import pytest

from pounce_asgi import HeadLimits, RequestError
from pounce_asgi.multiplexed import MessageFault
from pounce_asgi.multiplexed.head_memo import MEMO_HEADS, HeadMemo
from pounce_asgi.multiplexed.request_head import RequestHead, read_head

LIMITS = HeadLimits()
GET = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"example.org")]
POST = [(b":method", b"POST"), *GET[1:]]


def read(*fields: tuple[bytes, bytes], ended: bool = True) -> RequestHead:
    return read_head([*(GET if ended else POST), *fields], LIMITS, version="2", ended=ended, extended=True)


def test_a_plain_request() -> None:
    head = read()
    assert (head.method, head.raw_path, head.query_string, head.http_version) == ("GET", b"/", b"", "2")
    assert head.headers == ((b"host", b"example.org"),)
    assert (head.content_length, head.has_body, head.expect_continue, head.accepts_trailers) == (None, False) + (
        False,
    ) * 2
    assert (head.priority, head.protocol) == (None, None)
    assert repr(head).startswith("<RequestHead GET b'/'")


def test_what_fields_say() -> None:
    head = read(
        (b"content-length", b"5"),
        (b"expect", b"100-Continue"),
        (b"te", b"Trailers"),
        (b"priority", b"u=1"),
        (b"priority", b"i"),
        ended=False,
    )
    assert (head.content_length, head.has_body, head.expect_continue, head.accepts_trailers) == (5, True, True, True)
    assert head.priority == b"u=1, i"


def test_no_body_needs_no_100() -> None:
    assert not read((b"expect", b"100-continue")).expect_continue


def test_host_comes_first() -> None:
    fields = [*GET[:3], (b"x", b"1"), (b"host", b"a.example"), (b"y", b"2")]
    head = read_head(fields, LIMITS, version="2", ended=True, extended=False)
    assert head.headers == ((b"host", b"a.example"), (b"x", b"1"), (b"y", b"2"))


def test_crumbs_become_a_cookie() -> None:
    head = read((b"a", b"1"), (b"cookie", b"x=1"), (b"b", b"2"), (b"cookie", b"y=2"), (b"cookie", b"z=3"))
    assert head.headers[1:] == ((b"a", b"1"), (b"cookie", b"x=1; y=2; z=3"), (b"b", b"2"))


def test_crumbs_count_together() -> None:
    with pytest.raises(RequestError) as caught:
        read(*[(b"cookie", b"x" * 4000)] * 5)
    assert caught.value.status == 431


def test_all_fields_count_together() -> None:
    with pytest.raises(RequestError) as caught:
        read(*[(b"x%d" % number, b"y" * 16_000) for number in range(5)])
    assert caught.value.status == 431


@pytest.mark.parametrize("extended", [True, False])
def test_extended_connect(extended: bool) -> None:
    fields = [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"websocket")]
    if extended:
        head = read_head(fields, LIMITS, version="2", ended=False, extended=True)
        assert (head.method, head.protocol, head.has_body) == ("CONNECT", b"websocket", False)
    else:
        with pytest.raises(MessageFault):
            read_head(fields, LIMITS, version="2", ended=False, extended=False)


def test_the_memo_gives_the_same_head() -> None:
    memo = HeadMemo(LIMITS, version="3", extended=False)
    assert memo.read(GET, ended=True) is memo.read(list(GET), ended=True)
    assert memo.read(GET, ended=True) is not memo.read(GET, ended=False)
    assert memo.read(GET, ended=False).has_body


def test_the_memo_is_bounded() -> None:
    memo = HeadMemo(LIMITS, version="3", extended=False)
    for number in range(3 * MEMO_HEADS):
        memo.read([*GET, (b"x", b"%d" % number)], ended=True)
    assert len(memo._ended) <= MEMO_HEADS
    large = [*GET, (b"x", b"y" * 4000)]
    assert memo.read(large, ended=True) is not memo.read(large, ended=True)


def test_the_memo_keeps_no_faults() -> None:
    memo = HeadMemo(LIMITS, version="3", extended=False)
    for _ in range(2):
        with pytest.raises(MessageFault):
            memo.read([*GET, (b"X", b"y")], ended=True)


def test_the_version_is_that_of_the_wire() -> None:
    memo = HeadMemo(LIMITS, version="3", extended=False)
    assert memo.read(GET, ended=True).http_version == "3"
    assert repr(memo.read(GET, ended=True)).startswith("<RequestHead GET b'/' HTTP/3 ")


WRONG = [
    ("a pseudo-field behind others", [*GET[:3], (b"x", b"y"), GET[3]]),
    ("twice the same", [*GET, GET[0]]),
    ("an unknown one", [*GET, (b":status", b"200")]),
    ("a control character in one", [*GET[:2], (b":path", b"/\n"), GET[3]]),
    ("upper case", [*GET, (b"X", b"y")]),
    ("a name that is empty", [*GET, (b"", b"y")]),
    ("a control character in a value", [*GET, (b"x", b"\0")]),
    ("connection", [*GET, (b"connection", b"close")]),
    ("te: gzip", [*GET, (b"te", b"gzip")]),
    ("no method", GET[1:]),
    (":protocol without CONNECT", [*GET, (b":protocol", b"websocket")]),
    ("CONNECT with a path", [(b":method", b"CONNECT"), *GET[1:]]),
    ("no path", [GET[0], GET[1], GET[3]]),
    ("two lengths", [*GET, (b"content-length", b"0"), (b"content-length", b"0")]),
    ("a length without a body", [*GET, (b"content-length", b"1")]),
]


@pytest.mark.parametrize("fields", [fields for _, fields in WRONG], ids=[name for name, _ in WRONG])
def test_malformed(fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(MessageFault):
        read_head(fields, LIMITS, version="3", ended=True, extended=True)
