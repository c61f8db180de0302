"""Slow and odd input costs linear time. Bytes looked at are counted, so nothing depends on a clock."""

from __future__ import annotations

from typing import Any

import pytest

from pounce_http1 import Limits, RemoteProtocolError, RequestReader
from pounce_http1.body import ChunkedBody
from pounce_http1.partial_head import PartialHead

LARGE = Limits(
    limit_request_line=100_000,
    limit_request_field_size=100_000,
    limit_request_header_size=1_000_000,
    limit_request_fields=100_000,
    limit_chunk_extension=100_000,
    limit_trailer_size=100_000,
)


class Counting(bytearray):
    """Counts the bytes that searches and slices of it look at."""

    looked = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        found = super().find(sub, start)
        Counting.looked += (len(self) if found < 0 else found + 1) - start
        return found

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        Counting.looked += len(part) if isinstance(key, slice) else 1
        return part


@pytest.fixture(autouse=True)
def _fresh_count() -> None:
    Counting.looked = 0


@pytest.mark.parametrize(
    "wire",
    [
        b"GET /" + b"a" * 20_000,
        b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000,
        b"GET / HTTP/1.1\r\nX: " + b"\r" * 20_000,
    ],
    ids=["endless line", "endless field", "many fields", "carriage returns"],
)
def test_a_head_byte_by_byte(wire: bytes) -> None:
    partial = PartialHead(LARGE, b"")
    partial.data = Counting()
    for byte in wire:
        partial.data.append(byte)
        partial.advance()
    assert Counting.looked <= 6 * len(wire)


@pytest.mark.parametrize(
    "wire",
    [b"5;" + b"a" * 20_000, b"0\r\nX: " + b"a" * 20_000, b"0\r\n" + b"X: y\r\n" * 4000],
    ids=["extension", "trailer", "many trailers"],
)
def test_chunk_lines_byte_by_byte(wire: bytes) -> None:
    body = ChunkedBody(LARGE)
    body._line = Counting()
    for start in range(len(wire)):
        assert body.read(wire[start : start + 1], 0) == (None, 1)
    assert Counting.looked <= 6 * len(wire)


def test_pipelined_heads_that_need_the_careful_way_are_not_copied_as_a_whole() -> None:
    """Each of these begins with an empty line, which the fast ways leave to PartialHead."""
    sizes: list[int] = []
    original = PartialHead.__init__

    def counting(self: PartialHead, limits: Limits, data: bytes) -> None:
        sizes.append(len(data))
        original(self, limits, data)

    wire = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PartialHead, "__init__", counting)
        reader = RequestReader()
        reader.receive_data(wire)
        while reader.maybe_next_event() is not None:
            pass
    assert len(sizes) == 1000
    assert sum(sizes) == len(wire)


@pytest.mark.parametrize("digits", [5000, 60_000])
def test_long_numbers_are_refused_before_they_are_converted(digits: int) -> None:
    reader = RequestReader(LARGE)
    reader.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"1" * digits + b"\r\n\r\n")
    with pytest.raises(RemoteProtocolError, match="below 2"):
        reader.maybe_next_event()
