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
from pounce_websocket.pile import Pile

LIMIT = 100_000
TURN = 20_000
TAIL = b"\x00\x00\xff\xff"


def mirrored(parameters: DeflateParameters) -> DeflateParameters:
    """The parameters with which the other side's compressor can be played by ours."""
    return DeflateParameters(
        parameters.client_no_context_takeover,
        parameters.server_no_context_takeover,
        max(9, parameters.client_window_bits),
        parameters.server_window_bits,
    )


def inflate(inflater: Inflater, pieces: list[bytes], most: int = TURN) -> bytes:
    """All of a message that came in pieces."""
    pile = Pile()
    for piece in pieces:
        pile.add(piece)
    content: list[bytes] = []
    while not content or inflater.under_way:
        content.append(inflater.some(pile, most))
        assert len(content[-1]) <= most
    assert not pile.size
    return b"".join(content)


def cut_up(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@settings(max_examples=60, deadline=None)
@given(
    messages=st.lists(
        st.binary(max_size=3000) | st.sampled_from([b"", b"abc" * 500, b"\0" * 50_000, b"xyz" * 30_000]), max_size=5
    ),
    single=st.booleans(),
    bits=st.integers(8, 15),
    cut=st.integers(1, 5000),
    most=st.integers(200, TURN),
)
def test_what_goes_in_comes_out(messages: list[bytes], single: bool, bits: int, cut: int, most: int) -> None:
    parameters = DeflateParameters(client_no_context_takeover=single, client_window_bits=bits)
    deflater, inflater = Deflater(mirrored(parameters)), Inflater(parameters, LIMIT)
    for message in messages:
        data = deflater.message(message)
        assert inflate(inflater, cut_up(data, cut), most) == message


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
    assert inflate(inflater, [first]) == message
    with pytest.raises(InvalidPayload):
        inflate(inflater, [second])


def test_the_window_that_was_agreed_on_is_kept_to() -> None:
    far = bytes(range(256)) * 2 + bytes(1000) + bytes(range(256)) * 2
    data = Deflater(DeflateParameters(server_window_bits=9)).message(far)
    assert zlib.decompressobj(-9).decompress(data + TAIL) == far


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb = Deflater(DeflateParameters()).message(b"\0" * 100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(MessageTooBig):
            Inflater(DeflateParameters(), 1_000_000).begin(bomb, 10**9)
        with pytest.raises(MessageTooBig):
            inflate(Inflater(DeflateParameters(), 1_000_000), [bomb], 10**9)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [1, TURN - 1, TURN, TURN + 1, LIMIT - 1, LIMIT])
@pytest.mark.parametrize("cut", [1, 7, 100, 10**9])
def test_a_message_up_to_the_limit_in_turns(size: int, cut: int) -> None:
    deflater, inflater = Deflater(DeflateParameters()), Inflater(DeflateParameters(), LIMIT)
    for _ in range(2):  # the second refers to the first
        assert inflate(inflater, cut_up(deflater.message(bytes(size)), cut)) == bytes(size)


@pytest.mark.parametrize("size", [0, 1, TURN - 1, TURN, TURN + 1, LIMIT])
@pytest.mark.parametrize("shape", ["zeros", "random"])
def test_a_message_that_came_at_once(size: int, shape: str) -> None:
    deflater, inflater = Deflater(DeflateParameters()), Inflater(DeflateParameters(), LIMIT)
    message = bytes(size) if shape == "zeros" else random.Random(1).randbytes(size)
    for _ in range(2):
        content = [inflater.begin(deflater.message(message), TURN)]
        assert len(content[0]) == min(size, TURN)
        while inflater.under_way:
            content.append(inflater.some(Pile(), TURN))
        assert b"".join(content) == message


@pytest.mark.parametrize("cut", [1, 100, 10**9])
def test_the_limit_holds_in_turns(cut: int) -> None:
    data, inflater = Deflater(DeflateParameters()).message(b"\0" * (LIMIT + 1)), Inflater(DeflateParameters(), LIMIT)
    with pytest.raises(MessageTooBig):
        inflate(inflater, cut_up(data, cut))


def test_what_becomes_nothing_is_not_taken_at_once() -> None:
    """Empty blocks cost their time, however little comes of them."""
    pile, inflater = Pile(), Inflater(DeflateParameters(), LIMIT)
    pile.add(b"\x00\x00\x00\xff\xff" * 100_000 + b"\x00")
    turns = 0
    while not turns or inflater.under_way:
        before = pile.size
        assert inflater.some(pile, TURN) == b""
        assert inflater.idle_bytes - 4 <= before - pile.size <= 32_768
        turns += 1
    assert turns > 15


def test_many_ends_of_streams_are_not_followed() -> None:
    with pytest.raises(InvalidPayload):
        Inflater(DeflateParameters(), LIMIT).begin(b"\x03\x00" * 10_000, LIMIT)
    with pytest.raises(InvalidPayload):
        inflate(Inflater(DeflateParameters(), LIMIT), [b"\x03\x00" * 10_000] * 9)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_whatever_comes_is_a_message_or_an_error_of_ours(pieces: list[bytes]) -> None:
    inflater, at_once = Inflater(DeflateParameters(), 10_000), Inflater(DeflateParameters(), 10_000)
    try:
        content = inflate(inflater, pieces)
    except (InvalidPayload, MessageTooBig) as error:
        with pytest.raises(type(error)):
            at_once.begin(b"".join(pieces), TURN)
        return
    assert len(content) <= 10_000
    assert at_once.begin(b"".join(pieces), TURN) == content
