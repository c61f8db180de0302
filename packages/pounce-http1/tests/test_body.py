"""The body readers, by themselves."""

from __future__ import annotations

import pytest

from pounce_http1 import BodyChunk, EndOfBody, InvalidChunk, Limits
from pounce_http1.body import ChunkedBody, LengthBody


def test_length_takes_no_more_than_its_own() -> None:
    body = LengthBody(5)
    assert body.read(b"xxhel", 2) == (BodyChunk(b"hel"), 5)
    assert not body.settled
    assert body.read(b"", 0) == (None, 0)
    assert body.read(b"lo!!", 0) == (BodyChunk(b"lo"), 2)
    assert body.settled
    assert body.read(b"lo!!", 2) == (EndOfBody(), 2)


def test_a_whole_piece_is_not_copied() -> None:
    piece = bytes(1000)
    event, _ = LengthBody(5000).read(piece, 0)
    assert isinstance(event, BodyChunk)
    assert event.data is piece


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
