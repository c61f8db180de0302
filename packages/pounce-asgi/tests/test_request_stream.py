"""The body as a file: every way to read it gives the same bytes, however they arrived, and a cut never looks whole."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_asgi import ClientGone, RequestStream

BODY = b"first line\nsecond\n\nlast without an end"


def stream_of(*pieces: bytes) -> RequestStream:
    left = iter(pieces)
    return RequestStream(more=lambda: next(left, b""))


def cut_off(*pieces: bytes) -> RequestStream:
    left = iter(pieces)

    def more() -> bytes:
        for piece in left:
            return piece
        raise ClientGone("cut off")

    return RequestStream(more=more)


FEEDINGS = [
    [BODY],
    [BODY[i : i + 1] for i in range(len(BODY))],
    *([BODY[:cut], BODY[cut:]] for cut in range(1, len(BODY))),
]

WAYS: dict[str, Any] = {
    "read()": lambda stream: stream.read(),
    "read(None)": lambda stream: stream.read(None),
    "read(1)": lambda stream: b"".join(iter(lambda: stream.read(1), b"")),
    "read(7)": lambda stream: b"".join(iter(lambda: stream.read(7), b"")),
    "read(1000)": lambda stream: stream.read(1000),
    "read1()": lambda stream: b"".join(iter(stream.read1, b"")),
    "read1(3)": lambda stream: b"".join(iter(lambda: stream.read1(3), b"")),
    "chunks": lambda stream: b"".join(stream.chunks()),
    "lines": lambda stream: b"".join(stream),
    "readlines": lambda stream: b"".join(stream.readlines()),
    "readline(4)": lambda stream: b"".join(iter(lambda: stream.readline(4), b"")),
    "mixed": lambda stream: stream.readline() + stream.read(3) + stream.read1(1) + stream.read(),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("pieces", FEEDINGS, ids=range(len(FEEDINGS)))
def test_every_way_gives_every_byte(pieces: list[bytes], way: Any) -> None:
    stream = stream_of(*pieces)
    assert way(stream) == BODY
    assert stream.read() == stream.read(5) == stream.read1() == stream.readline() == b""


@pytest.mark.parametrize("way", [WAYS[name] for name in WAYS if name != "read1()"])
def test_a_body_that_was_cut_off_never_looks_whole(way: Any) -> None:
    stream = cut_off(BODY[:12], BODY[12:15])
    for _ in range(2):
        with pytest.raises(OSError, match="cut off"):
            way(stream)


STEPS = st.lists(
    st.tuples(st.sampled_from(["read", "readline", "readlines"]), st.integers(-1, 12)),
    max_size=12,
)


@given(pieces=st.lists(st.binary(min_size=1, max_size=8).map(lambda data: data.replace(b"a", b"\n"))), steps=STEPS)
def test_it_reads_as_a_file_in_memory_does(pieces: list[bytes], steps: list[tuple[str, int]]) -> None:
    stream, model = stream_of(*pieces), io.BytesIO(b"".join(pieces))
    for name, size in steps:
        assert getattr(stream, name)(size) == getattr(model, name)(size)
    assert stream.read() == model.read()


def test_it_blocks_for_no_more_than_was_asked_for() -> None:
    stream = cut_off(b"line\nrest")
    assert stream.readline() == b"line\n"
    assert stream.read(4) == b"rest"
    assert stream.read(0) == stream.read1(0) == b""
    with pytest.raises(ClientGone):
        stream.read(1)


def test_the_source_is_not_asked_again_after_the_end() -> None:
    calls = []

    def more() -> bytes:
        calls.append(1)
        return b""

    stream = RequestStream(more=more)
    assert stream.read() == stream.read() == b""
    assert calls == [1]


def test_an_empty_one_and_one_of_bytes() -> None:
    assert RequestStream().read() == b""
    assert RequestStream(b"data").read() == b"data"
    assert RequestStream(b"data").readable()


def test_a_piece_that_is_read_whole_is_not_copied() -> None:
    piece = bytes(1000)
    assert stream_of(piece).read1() is piece
    assert next(stream_of(piece).chunks()) is piece
