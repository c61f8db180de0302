"""Bytes into frames: cut anywhere they are the same frames, and no more than one of them is kept."""

from __future__ import annotations

import pytest
from frame_cases import frame
from hypothesis import given
from hypothesis import strategies as st

from pounce_h2 import ConnectionFault, Flood
from pounce_h2.frame_reader import PREFACE, Frame, FrameReader

SETTINGS = frame(4, 0, 0)


def read(pieces: list[bytes], max_frame: int = 16_384, max_block: int = 1000) -> list[Frame]:
    reader = FrameReader(max_frame, max_block)
    frames = []
    for piece in pieces:
        reader.receive_data(piece)
        while (one := reader.next_frame()) is not None:
            frames.append(one)
    return frames


payloads = st.binary(max_size=60)
good = st.one_of(
    st.tuples(st.just(0), st.sampled_from([0, 1]), st.sampled_from([1, 3]), payloads),
    st.tuples(st.just(1), st.sampled_from([4, 5]), st.sampled_from([1, 3]), payloads),
    st.tuples(st.just(6), st.sampled_from([0, 1]), st.just(0), st.binary(min_size=8, max_size=8)),
    st.tuples(st.just(0x77), st.integers(0, 255), st.integers(0, 9), payloads),
)


@given(st.lists(good, max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_cuts_do_not_matter(frames: list[tuple[int, int, int, bytes]], cuts: list[int]) -> None:
    wire = PREFACE + SETTINGS + b"".join(frame(*parts) for parts in frames)
    pieces, rest, index = [], wire, 0
    while rest:
        size = cuts[index % len(cuts)]
        pieces.append(rest[:size])
        rest, index = rest[size:], index + 1
    wanted = [(4, 0, 0, b"", 0), *[(*parts, len(parts[3])) for parts in frames]]
    assert read(pieces) == read([wire]) == wanted


def test_a_block_is_one_frame() -> None:
    wire = PREFACE + SETTINGS + frame(1, 1, 1, b"ab") + frame(9, 0, 1) + frame(9, 4, 1, b"cd") + frame(0, 1, 1, b"x")
    assert read([wire])[1:] == [(1, 1, 1, b"abcd", 4), (0, 1, 1, b"x", 1)]


def test_padding_and_its_size() -> None:
    wire = PREFACE + SETTINGS + frame(0, 8, 1, b"\x02ab\0\0") + frame(0, 8, 1, b"\x01\0") + frame(1, 0xC, 1, b"\0ab")
    assert read([wire])[1:] == [(0, 8, 1, b"ab", 5), (0, 8, 1, b"", 2), (1, 0xC, 1, b"ab", 3)]


def test_padding_in_a_block_of_several_frames() -> None:
    wire = PREFACE + SETTINGS + frame(1, 8, 1, b"\x01ab\0") + frame(9, 4, 1, b"cd")
    assert read([wire])[1:] == [(1, 8, 1, b"abcd", 4)]


@pytest.mark.parametrize("size", [1001, 16_384])
def test_a_block_has_a_bound(size: int) -> None:
    with pytest.raises(Flood):
        read([PREFACE + SETTINGS + frame(1, 0, 1, bytes(size))])


def test_nothing_but_one_frame_is_kept() -> None:
    reader = FrameReader(16_384, 1000)
    reader.receive_data(PREFACE + SETTINGS + frame(0, 0, 1, bytes(10_000)) * 10 + frame(0, 0, 1, bytes(5000))[:-1])
    while reader.next_frame() is not None:
        pass
    assert len(reader._held) == 5008
    assert reader._data == b""


def test_what_is_unfinished() -> None:
    reader = FrameReader(16_384, 1000)
    seen = [reader.unfinished]
    for piece in (PREFACE[:3], PREFACE[3:], SETTINGS, frame(0, 0, 5, b"abc")[:8], frame(0, 0, 5, b"abc")[8:11], b"c"):
        reader.receive_data(piece)
        while reader.next_frame() is not None:
            pass
        seen.append(reader.unfinished)
    assert seen == [None, 0, None, None, 0, 5, None]
    reader.receive_data(frame(1, 0, 7, b"abc"))
    assert reader.next_frame() is None
    assert reader.unfinished == 0


@pytest.mark.parametrize(
    "wire", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", b"G", PREFACE + frame(4, 1, 0), PREFACE + frame(6, 0, 0)]
)
def test_other_beginnings(wire: bytes) -> None:
    with pytest.raises(ConnectionFault):
        read([wire])
