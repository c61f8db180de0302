from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from body_decoders import Decoder, decode
from compression_doubles import text
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_compression import CODINGS, LEVELS, Compressor, available_codings, codec_for, codecs
from pounce_compression.installed import brotli_module, standard_zstd, zstandard_module

each_coding = pytest.mark.parametrize("coding", available_codings())
BODIES = [b"", b"x", text(1000), text(300_000), random.Random(1).randbytes(70_000)]


def test_what_the_tests_need_is_installed() -> None:
    assert available_codings() == CODINGS


@each_coding
@pytest.mark.parametrize("body", BODIES, ids=len)
def test_whole_bodies(coding: str, body: bytes) -> None:
    assert decode(coding, Compressor.once(coding, body)) == body


@each_coding
@pytest.mark.parametrize("level_at", [0, 1])
def test_lowest_and_highest_level(coding: str, level_at: int) -> None:
    level, body = LEVELS[coding][level_at], text(20_000)
    assert decode(coding, Compressor.once(coding, body, level=level)) == body
    stream = Compressor(coding, level=level)
    assert decode(coding, stream.compress(body) + stream.finish()) == body


@each_coding
@settings(deadline=None, max_examples=50)
@given(pieces=st.lists(st.binary(max_size=3000) | st.integers(0, 3000).map(text)), flushes=st.randoms())
def test_pieces_of_any_length_flushed_anywhere(coding: str, pieces: list[bytes], flushes: random.Random) -> None:
    stream, decoder, known = Compressor(coding), Decoder(coding), b""
    for position, piece in enumerate(pieces):
        known += decoder.feed(stream.compress(piece))
        if flushes.random() < 0.5:
            known += decoder.feed(stream.flush())
            assert known == b"".join(pieces[: position + 1])
    known += decoder.feed(stream.finish())
    assert known == b"".join(pieces)
    assert decoder.ended


@each_coding
def test_a_body_of_no_pieces_is_valid(coding: str) -> None:
    assert decode(coding, Compressor(coding).finish()) == b""


@each_coding
def test_many_threads_and_bodies_at_once(coding: str) -> None:
    codec, failed = codec_for(coding), []
    start = threading.Barrier(4)

    def work(seed: int) -> None:
        source = random.Random(seed)
        start.wait(10)
        for _ in range(15):
            body = text(source.randrange(20_000))
            streams = [codec.stream() for _ in range(3)]
            ready = [stream.compress(body) for stream in streams]
            whole = decode(coding, codec.compress(body))
            apart = [decode(coding, head + stream.finish()) for head, stream in zip(ready, streams, strict=True)]
            if [whole, *apart] != [body] * 4:
                failed.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []


def test_bodies_in_deflate_are_in_the_format_of_zlib() -> None:
    """RFC 9110, 8.4.1.2: not bare deflate data. RFC 1950, 2.2: 8 in the low bits, and a multiple of 31."""
    for body in (Compressor.once("deflate", b"hello"), Compressor("deflate").compress(b"")):
        assert body[0] & 0x0F == 8
        assert int.from_bytes(body[:2], "big") % 31 == 0


def test_windows_of_zstd_are_those_that_every_client_takes() -> None:
    """RFC 9659, 3: 8 MiB. Bytes 4 and 5 of a frame (RFC 8878, 3.1.1.1): a window, unless it is a single segment."""
    for level in (3, 17, 19):
        stream = Compressor("zstd", level=level)
        head = stream.compress(random.Random(2).randbytes(300_000)) + stream.flush()
        assert not head[4] & 0x20
        assert 10 + (head[5] >> 3) <= 23


@each_coding
def test_levels_out_of_range_are_named(coding: str) -> None:
    least, most = LEVELS[coding]
    for level in (least - 1, most + 1):
        with pytest.raises(ValueError, match=f"level {level} of {coding} is not within {least} and {most}"):
            Compressor(coding, level=level)


def test_unknown_codings_are_named() -> None:
    with pytest.raises(LookupError, match="'compress' is not one of zstd, br, gzip, deflate"):
        Compressor("compress")


def test_what_is_not_installed_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    for finder in ("brotli_module", "standard_zstd", "zstandard_module"):
        monkeypatch.setattr(codecs, finder, lambda: None)
    assert available_codings() == ("gzip", "deflate")
    with pytest.raises(LookupError, match=r"pip install 'pounce-compression\[br\]'"):
        codec_for("br", 2)
    with pytest.raises(LookupError, match="pip install 'zstandard'"):
        codec_for("zstd", 2)


def test_either_library_makes_zstd(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 3.14 on the standard library is preferred; whatever is there has to do."""
    made: list[Any] = []
    for level, finder in ((5, "standard_zstd"), (6, "zstandard_module")):
        if {"standard_zstd": standard_zstd, "zstandard_module": zstandard_module}[finder]() is None:
            continue
        with monkeypatch.context() as patch:
            if finder == "zstandard_module":
                patch.setattr(codecs, "standard_zstd", lambda: None)
            codec = codec_for("zstd", level)
        made.append(codec)
        stream = codec.stream()
        assert decode("zstd", stream.compress(text(9000)) + stream.finish()) == text(9000)
        assert decode("zstd", codec.compress(text(9000))) == text(9000)
    assert made


def test_brotli_is_one_of_two() -> None:
    module = brotli_module()
    assert module is not None
    assert module.__name__ in ("brotli", "brotlicffi")
