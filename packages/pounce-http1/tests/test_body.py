"""The body readers, by themselves."""

from __future__ import annotations

import pytest

from pounce_http1 import BodyChunk, ChunkExtensionTooLong, EndOfBody, InvalidChunk, Limits
from pounce_http1.body import ChunkedBody


def test_chunked_takes_no_more_than_its_own() -> None:
    body = ChunkedBody(Limits())
    wire = b"3\r\nabc\r\n1;x\r\nd\r\n0\r\nA: b\r\n\r\nGET"
    assert body.read(wire, 0) == (BodyChunk(b"abcd"), len(wire) - 3)
    assert body.settled
    assert body.read(wire, len(wire) - 3) == (EndOfBody(((b"a", b"b"),)), len(wire) - 3)


def test_chunked_keeps_only_an_unfinished_line() -> None:
    body = ChunkedBody(Limits())
    assert body.read(b"1000;abc", 0) == (None, 8)
    assert body.buffered == 8
    assert body.read(b"\r\n" + bytes(4000), 0) == (BodyChunk(bytes(4000)), 4002)
    assert body.buffered == 0


def test_chunked_hands_out_content_before_its_error() -> None:
    body = ChunkedBody(Limits())
    event, _ = body.read(b"1\r\naXX", 0)
    assert event == BodyChunk(b"a")
    assert body.settled
    for _ in range(2):
        with pytest.raises(InvalidChunk, match="CRLF"):
            body.read(b"", 0)


WHOLE = b"3\r\nabc\r\n" * 4 + b"1\r\nd\r\n" + b"0\r\n\r\n"


def test_chunked_as_a_whole() -> None:
    body = ChunkedBody(Limits())
    assert body.read_whole(b"GET" + WHOLE, 3) == b"abcabcabcabcd"
    assert body.settled


@pytest.mark.parametrize(
    "wire",
    [
        WHOLE[:-1],
        WHOLE[1:],
        WHOLE + b"G",
        WHOLE.replace(b"1\r", b"1;\r"),
        WHOLE.replace(b"0\r\n", b"0\r\nX: y\r\n"),
        b"",
    ],
    ids=["unfinished", "malformed", "more", "extension", "trailer", "nothing"],
)
def test_what_is_not_nothing_but_chunks_is_left_to_the_events(wire: bytes) -> None:
    body = ChunkedBody(Limits())
    assert body.read_whole(wire, 0) is None
    assert not body.settled
    assert body.buffered == 0


def test_chunks_of_one_size_after_an_extension_pay_for_it_with_their_content_alone() -> None:
    limits = Limits(limit_chunk_extension=20)
    wire = b"1;" + b"a" * 16 + b"\r\nx\r\n" + b"2\r\nxx\r\n" * 5
    for last, fails in ((b"1;" + b"a" * 12, False), (b"1;" + b"a" * 15, True)):
        body = ChunkedBody(limits)
        assert body.read(wire + last, 0)[0] == BodyChunk(b"x" * 11)
        if fails:
            with pytest.raises(ChunkExtensionTooLong):
                body.read(b"", 0)
        else:
            assert body.read(b"", 0)[0] is None
