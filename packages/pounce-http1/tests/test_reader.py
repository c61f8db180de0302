"""What the case table cannot show of RequestReader: its own state between calls. Both engines have this surface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pounce_http1 import (
    BodyChunk,
    EndOfBody,
    HeaderMemo,
    HeadersTooLarge,
    IncompleteRequest,
    InvalidChunk,
    Limits,
    LocalProtocolError,
    RemoteProtocolError,
    RequestHead,
    RequestReader,
)
from pounce_http1.testing.case import get, post

h11_engine = pytest.importorskip("pounce_http1.h11_engine")

Make = Callable[..., Any]
GET = get()
POST = post(b"Content-Length: 5", body=b"hello")
CHUNKED = post(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\nX: y\r\n\r\n")


@pytest.fixture(params=[RequestReader, h11_engine.H11RequestReader], ids=["fast", "h11"])
def make(request: pytest.FixtureRequest) -> Make:
    return request.param  # type: ignore[no-any-return]


def events(reader: Any) -> list[Any]:
    return list(iter(reader.maybe_next_event, None))


def kinds(reader: Any) -> list[type]:
    return [type(event) for event in events(reader)]


def test_nothing_in_nothing_out(make: Make) -> None:
    reader = make()
    assert reader.maybe_next_event() is None
    assert reader.buffered == 0
    reader.receive_eof()
    assert reader.maybe_next_event() is None


def test_events_of_a_get(make: Make) -> None:
    reader = make()
    reader.receive_data(GET)
    assert kinds(reader) == [RequestHead]
    assert reader.buffered == 0


def test_events_of_a_post(make: Make) -> None:
    reader = make()
    reader.receive_data(POST)
    head, chunk, end = events(reader)
    assert (head.method, head.content_length, head.has_body) == ("POST", 5, True)
    assert chunk == BodyChunk(b"hello")
    assert end == EndOfBody()


def test_chunks_that_are_there_come_as_one(make: Make) -> None:
    reader = make()
    reader.receive_data(post(b"Transfer-Encoding: chunked", body=b"1\r\na\r\n2;x\r\nbc\r\n1\r\nd"))
    assert [event.data for event in events(reader)[1:]] == [b"abcd"]
    reader.receive_data(b"\r\n0\r\n\r\n")
    assert events(reader) == [EndOfBody()]


def test_content_before_an_error_is_handed_out(make: Make) -> None:
    reader = make()
    reader.receive_data(post(b"Transfer-Encoding: chunked", body=b"1\r\na\r\nx\r\n"))
    assert isinstance(reader.maybe_next_event(), RequestHead)
    assert reader.maybe_next_event() == BodyChunk(b"a")
    with pytest.raises(RemoteProtocolError):
        reader.maybe_next_event()


def test_trailers(make: Make) -> None:
    reader = make()
    reader.receive_data(CHUNKED)
    assert events(reader)[-1] == EndOfBody(((b"x", b"y"),))


@pytest.mark.parametrize("wire", [GET, POST, CHUNKED], ids=["get", "post", "chunked"])
def test_buffered_counts_what_no_event_has_taken(make: Make, wire: bytes) -> None:
    reader = make()
    reader.receive_data(wire[:10])
    assert reader.buffered == 10
    assert reader.maybe_next_event() is None
    assert reader.buffered == 10
    reader.receive_data(wire[10:] + GET)
    assert reader.buffered == len(wire + GET)
    assert len(events(reader)) in (2, 4)
    assert reader.buffered == 0


def test_an_empty_line_before_a_request_is_not_waiting() -> None:
    reader = RequestReader()
    reader.receive_data(b"\r\n")
    assert reader.maybe_next_event() is None
    assert reader.buffered == 0


def test_take_unread_after_an_upgrade(make: Make) -> None:
    reader = make()
    reader.receive_data(get(b"Connection: upgrade", b"Upgrade: websocket") + b"\x81\x85frame")
    head = reader.maybe_next_event()
    assert head.upgrade == b"websocket"
    reader.receive_data(b" and more")
    assert reader.take_unread() == b"\x81\x85frame and more"
    assert reader.take_unread() == b""
    assert reader.buffered == 0


def test_take_unread_of_half_a_head(make: Make) -> None:
    reader = make()
    reader.receive_data(GET[:20])
    assert reader.maybe_next_event() is None
    assert reader.take_unread() == GET[:20]


@pytest.mark.parametrize("wire", [GET[:-1], POST[:-1], CHUNKED[:-1], b"G"])
def test_eof_in_a_request(make: Make, wire: bytes) -> None:
    reader = make()
    reader.receive_data(wire)
    events(reader)
    with pytest.raises(IncompleteRequest) as first:
        reader.receive_eof()
    assert first.value.status == 400
    with pytest.raises(IncompleteRequest):
        reader.maybe_next_event()


@pytest.mark.parametrize("wire", [GET[:-1], POST[:-1], CHUNKED[:-1]])
def test_eof_before_the_bytes_were_looked_at(make: Make, wire: bytes) -> None:
    reader = make()
    reader.receive_data(wire)
    reader.receive_eof()
    with pytest.raises(IncompleteRequest):
        events(reader)


@pytest.mark.parametrize("wire", [GET, POST, CHUNKED, GET + POST])
def test_eof_with_whole_requests_unread(make: Make, wire: bytes) -> None:
    reader = make()
    reader.receive_data(wire)
    reader.receive_eof()
    assert events(reader)


@pytest.mark.parametrize("wire", [POST, CHUNKED])
def test_eof_when_only_the_end_of_the_body_is_unread(make: Make, wire: bytes) -> None:
    reader = make()
    reader.receive_data(wire)
    reader.maybe_next_event()
    assert reader.maybe_next_event() == BodyChunk(b"hello")
    reader.receive_eof()
    assert isinstance(reader.maybe_next_event(), EndOfBody)


def test_eof_after_half_a_head_was_completed_unseen(make: Make) -> None:
    reader = make()
    reader.receive_data(GET[:20])
    assert reader.maybe_next_event() is None
    reader.receive_data(GET[20:])
    reader.receive_eof()
    assert kinds(reader) == [RequestHead]


def test_data_after_eof_is_our_mistake(make: Make) -> None:
    reader = make()
    reader.receive_eof()
    with pytest.raises(LocalProtocolError):
        reader.receive_data(b"x")


def test_what_is_handed_out_is_bytes_and_does_not_change(make: Make) -> None:
    reader = make()
    mutable = bytearray(post(b"Content-Length: 5", b"X: y", body=b"hello"))
    reader.receive_data(mutable)
    mutable[:] = b"\0" * len(mutable)
    head, chunk, _ = events(reader)
    parts = [head.target, head.raw_path, head.query_string, head.host, chunk.data, *sum(head.headers, ())]
    assert {type(part) for part in parts} == {bytes}
    assert (head.target, head.host, chunk.data) == (b"/", b"a.example", b"hello")
    assert isinstance(head.headers, tuple)


def test_the_same_error_again_and_nothing_else() -> None:
    reader = RequestReader()
    reader.receive_data(post(b"Transfer-Encoding: chunked", body=b"x\r\n") + GET)
    reader.maybe_next_event()
    with pytest.raises(InvalidChunk) as first:
        reader.maybe_next_event()
    for _ in range(3):
        reader.receive_data(GET)
        with pytest.raises(InvalidChunk) as again:
            reader.maybe_next_event()
        assert again.value is first.value
    depth = 0
    trace = again.value.__traceback__
    while trace is not None:
        depth, trace = depth + 1, trace.tb_next
    assert depth < 6, "the traceback grows with each call"


def test_readers_with_other_limits_cannot_share_a_memo(make: Make) -> None:
    memo = HeaderMemo()
    make(Limits(), memo)
    make(Limits(), memo)
    with pytest.raises(ValueError, match="equal limits"):
        make(Limits(limit_request_fields=5), memo)


def test_a_remembered_block_shares_its_fields() -> None:
    reader = RequestReader(memo=HeaderMemo())
    heads = []
    for path in (b"/a", b"/b", b"/c", b"/d"):
        reader.receive_data(get(start=b"GET %b HTTP/1.1" % path))
        heads.append(reader.maybe_next_event())
    assert [head.raw_path for head in heads if isinstance(head, RequestHead)] == [b"/a", b"/b", b"/c", b"/d"]
    assert heads[2].fields is heads[3].fields  # type: ignore[union-attr]
    assert heads[0].headers == heads[3].headers  # type: ignore[union-attr]


def test_a_block_remembered_on_one_connection_is_known_on_another() -> None:
    memo = HeaderMemo()
    fields = []
    for _ in range(3):
        reader = RequestReader(memo=memo)
        reader.receive_data(GET)
        fields.append(reader.maybe_next_event().fields)  # type: ignore[union-attr]
    assert fields[1] is fields[2]


def test_a_remembered_block_that_is_cut() -> None:
    reader = RequestReader(memo=HeaderMemo())
    for cut in range(1, len(GET)):
        reader.receive_data(GET[:cut])
        assert reader.maybe_next_event() is None
        reader.receive_data(GET[cut:] + GET)
        assert kinds(reader) == [RequestHead, RequestHead]


def test_limit_is_met_while_bytes_arrive() -> None:
    limits = Limits(limit_request_header_size=1000, limit_request_fields=1000)
    reader = RequestReader(limits)
    reader.receive_data(b"GET / HTTP/1.1\r\n")
    most = 0

    def endless() -> None:
        nonlocal most
        for _ in range(10_000):
            reader.receive_data(b"X: y\r\n")
            assert reader.maybe_next_event() is None
            most = max(most, reader.buffered)

    with pytest.raises(HeadersTooLarge):
        endless()
    assert 900 < most <= 16 + 1000


def test_reprs_are_short_and_printable() -> None:
    reader = RequestReader()
    reader.receive_data(post(b"Content-Length: 5000", body=b"\x1b" * 5000))
    head, chunk, end = events(reader)
    assert "POST" in repr(head)
    assert len(repr(chunk)) < 400
    assert repr(chunk).isprintable()
    assert repr(end) == "EndOfBody([])"
    assert chunk == BodyChunk(b"\x1b" * 5000)
    assert chunk != end
    assert len({chunk, BodyChunk(b"\x1b" * 5000), end, EndOfBody()}) == 2


@pytest.mark.parametrize("rest", [b"", b" ", b"\0", b"\0\0", b"\r\n", b"\r\n\r\n", b"HTTP/1.1", b"HTTP/1.1\r\n\r\n"])
def test_nothing_is_taken_for_known_before_it_was_seen(rest: bytes) -> None:
    reader = RequestReader()
    try:
        head = reader.receive_head(b"GET / " + rest)
    except RemoteProtocolError:
        head = None
    assert head is None


def test_a_whole_piece_of_a_body_is_not_copied() -> None:
    reader = RequestReader()
    reader.receive_data(post(b"Content-Length: 5000"))
    assert isinstance(reader.maybe_next_event(), RequestHead)
    piece = bytes(1000)
    reader.receive_data(piece)
    event = reader.maybe_next_event()
    assert isinstance(event, BodyChunk)
    assert event.data is piece


@pytest.mark.parametrize("wire", [POST, post(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n")])
def test_a_body_that_is_there_is_taken_at_once(wire: bytes) -> None:
    reader: Any = RequestReader()
    for large in (b"", b"x" * 5000):
        head = reader.receive_head(wire.replace(b"\r\n\r\n", b"\r\nX: " + large + b"\r\n\r\n", 1))
        assert head is not None
        assert head.has_body
        assert not reader.idle
        assert reader.take_body() == b"hello"
        assert reader.idle
        assert reader.take_body() is None
        assert reader.maybe_next_event() is None


@pytest.mark.parametrize("wire", [POST[:-1], CHUNKED, CHUNKED[:-8]])
def test_a_body_that_is_not_all_there_or_has_more_to_tell_comes_in_events(make: Make, wire: bytes) -> None:
    reader = make()
    assert reader.receive_head(wire).has_body
    assert reader.take_body() is None
    assert reader.maybe_next_event() == BodyChunk(b"hello"[: 4 if wire == POST[:-1] else 5])


def test_nothing_is_taken_where_no_body_is(make: Make) -> None:
    reader = make()
    assert reader.take_body() is None
    reader.receive_data(GET[:-1])
    assert reader.maybe_next_event() is None
    assert reader.take_body() is None
    reader.receive_data(GET[-1:])
    assert kinds(reader) == [RequestHead]


def test_what_follows_a_body_that_was_taken_waits() -> None:
    reader: Any = RequestReader()
    assert reader.receive_head(POST + GET) is not None
    assert reader.take_body() == b"hello"
    assert not reader.idle
    assert reader.buffered == len(GET)
    assert kinds(reader) == [RequestHead]
    assert reader.idle
