"""Compression: what goes in comes out, with and without memory of the messages before, and in bounds."""

from __future__ import annotations

import random
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_websocket.deflate import Deflater, Inflater
from pounce_websocket.errors import InvalidPayload, MessageTooBig
from pounce_websocket.extension_offers import DeflateParameters

LIMIT = 100_000
TAIL = b"\x00\x00\xff\xff"


def mirrored(parameters: DeflateParameters) -> DeflateParameters:
    """The parameters with which the other side's compressor can be played by ours."""
    return DeflateParameters(
        parameters.client_no_context_takeover,
        parameters.server_no_context_takeover,
        max(9, parameters.client_window_bits),
        parameters.server_window_bits,
    )


@settings(max_examples=60, deadline=None)
@given(
    messages=st.lists(
        st.binary(max_size=3000) | st.sampled_from([b"", b"abc" * 500, b"\0" * 50_000, b"xyz" * 30_000]), max_size=5
    ),
    single=st.booleans(),
    bits=st.integers(8, 15),
    cut=st.integers(1, 500),
)
def test_what_goes_in_comes_out(messages: list[bytes], single: bool, bits: int, cut: int) -> None:
    parameters = DeflateParameters(client_no_context_takeover=single, client_window_bits=bits)
    deflater, inflater = Deflater(mirrored(parameters)), Inflater(parameters, LIMIT)
    for message in messages:
        data = deflater.message(message)
        pieces = [inflater.feed(data[i : i + cut]) for i in range(0, len(data), cut)]
        assert b"".join(pieces) + inflater.finish() == message


@pytest.mark.parametrize(("single", "same"), [(False, False), (True, True)])
def test_messages_are_compressed_alone_if_that_was_promised(single: bool, same: bool) -> None:
    deflater = Deflater(DeflateParameters(server_no_context_takeover=single))
    message = bytes(range(256)) * 8
    first, second = deflater.message(message), deflater.message(message)
    assert (first == second) is same
    assert zlib.decompressobj(-12).decompress(first + TAIL) == message
    if single:
        assert zlib.decompressobj(-12).decompress(second + TAIL) == message


def test_an_inflater_forgets_if_that_was_promised() -> None:
    deflater = Deflater(DeflateParameters())
    message = bytes(range(256)) * 8
    first, second = deflater.message(message), deflater.message(message)
    inflater = Inflater(DeflateParameters(client_no_context_takeover=True), LIMIT)
    assert inflater.message(first) == message
    with pytest.raises(InvalidPayload):
        inflater.message(second)


def test_the_window_that_was_agreed_on_is_kept_to() -> None:
    far = bytes(range(256)) * 2 + bytes(1000) + bytes(range(256)) * 2
    data = Deflater(DeflateParameters(server_window_bits=9)).message(far)
    assert zlib.decompressobj(-9).decompress(data + TAIL) == far


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb = Deflater(DeflateParameters()).message(b"\0" * 100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(MessageTooBig):
            Inflater(DeflateParameters(), 1_000_000).message(bomb)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [16_384, 16_385, 100_000, 1_000_000])
@pytest.mark.parametrize("cut", [1, 7, 100, 10**9])
def test_the_beginning_of_a_bomb_waits_as_it_came(size: int, cut: int) -> None:
    """It is decompressed as far as its client has sent something for it; all of it is there in the end."""
    deflater, inflater = Deflater(DeflateParameters()), Inflater(DeflateParameters(), size)
    for _ in range(2):  # the second refers to the first
        data = deflater.message(b"\0" * size)
        held = 0
        for sent in range(0, len(data), cut):
            held += len(inflater.feed(data[sent : sent + cut]))
            assert held <= 16_384 + 4 * min(sent + cut, len(data))
        assert held + len(inflater.finish()) == size


def test_what_hardly_shrinks_is_decompressed_as_it_comes() -> None:
    message = random.Random(1).randbytes(300_000)
    data, inflater = Deflater(DeflateParameters()).message(message), Inflater(DeflateParameters(), 300_000)
    pieces = [inflater.feed(data[start : start + 5000]) for start in range(0, len(data), 5000)]
    assert b"".join(pieces) + inflater.finish() == message
    assert sum(map(len, pieces)) > 290_000


@pytest.mark.parametrize("cut", [1, 100, 10**9])
def test_what_waits_is_held_to_the_limit(cut: int) -> None:
    data, inflater = Deflater(DeflateParameters()).message(b"\0" * 100_001), Inflater(DeflateParameters(), 100_000)
    for start in range(0, len(data), cut):
        inflater.feed(data[start : start + cut])
    with pytest.raises(MessageTooBig):
        inflater.finish()


def test_many_ends_of_streams_are_not_followed() -> None:
    with pytest.raises(InvalidPayload):
        Inflater(DeflateParameters(), LIMIT).message(b"\x03\x00" * 10_000)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_whatever_comes_is_a_message_or_an_error_of_ours(pieces: list[bytes]) -> None:
    inflater = Inflater(DeflateParameters(), 10_000)
    try:
        content = b"".join(inflater.feed(piece) for piece in pieces) + inflater.finish()
    except (InvalidPayload, MessageTooBig):
        return
    assert len(content) <= 10_000
