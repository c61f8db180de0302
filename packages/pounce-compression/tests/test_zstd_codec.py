"""Contexts are used again, and never by two bodies at once."""

from __future__ import annotations

from typing import Any

import pytest
from body_decoders import decode
from compression_doubles import text

from pounce_compression import codec_for


@pytest.fixture
def codec() -> Any:
    # A level of its own for each test, so that nobody else's contexts are among the idle ones.
    codec = codec_for("zstd", 7)
    codec._idle.whole.clear()  # type: ignore[attr-defined]
    codec._idle.streams.clear()  # type: ignore[attr-defined]
    return codec


def test_a_context_of_whole_bodies_is_used_again(codec: Any) -> None:
    codec.compress(text(1000))
    (context,) = codec._idle.whole
    for size in (10, 100_000, 0, 5000):
        assert decode("zstd", codec.compress(text(size))) == text(size)
    assert codec._idle.whole == [context]


def test_the_length_of_a_whole_body_is_in_its_frame(codec: Any) -> None:
    """RFC 8878, 3.1.1.4: so that a client can make room for it at once."""
    for size in (300, 5000, 300):
        frame = codec.compress(text(size))
        assert frame[4] >> 6 or frame[4] & 0x20, "neither a content size of two bytes or more, nor a single segment"


def test_streams_use_contexts_that_were_finished(codec: Any) -> None:
    first = codec.stream()
    first.compress(b"one")
    second = codec.stream()
    assert first._context is not second._context
    kept = first._context
    first.finish()
    third = codec.stream()
    assert third._context is kept
    assert decode("zstd", third.compress(text(2000)) + third.finish()) == text(2000)
    assert decode("zstd", second.compress(b"two") + second.finish()) == b"two"


def test_a_stream_that_was_given_up_leaves_nothing_behind(codec: Any) -> None:
    abandoned = codec.stream()
    abandoned.compress(text(5000))
    assert codec._idle.streams == []
    stream = codec.stream()
    assert decode("zstd", stream.compress(b"clean") + stream.finish()) == b"clean"


def test_few_contexts_are_kept(codec: Any) -> None:
    streams = [codec.stream() for _ in range(20)]
    for stream in streams:
        stream.finish()
    assert len(codec._idle.streams) == 4


def test_the_codec_of_a_level_is_one_object() -> None:
    codec = codec_for("zstd", 7)
    assert codec_for("zstd", 7) is codec
