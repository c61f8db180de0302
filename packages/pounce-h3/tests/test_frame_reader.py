"""Frames of one stream, however their bytes arrive."""

from __future__ import annotations

import pytest
from h3_doubles import frame
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_h3 import ConnectionFault
from pounce_h3.frame_reader import PASSED, PASSED_BYTES, TOO_LARGE, FrameReader
from pounce_h3.frames import DATA, HEADERS, REQUEST_FRAMES

BOUND = 100
frames = st.lists(
    st.tuples(st.sampled_from([DATA, HEADERS, 0x21, 0x4000]), st.binary(max_size=150)), min_size=1, max_size=8
)


def meant(kind: int, payload: bytes) -> tuple[int, bytes]:
    if kind == HEADERS and len(payload) > BOUND:
        return TOO_LARGE, b""
    return (kind, payload) if kind in (DATA, HEADERS) else (PASSED, b"")


@given(frames, st.data())
@settings(deadline=None)
def test_any_way_to_arrive(sent: list[tuple[int, bytes]], data: st.DataObject) -> None:
    """The same frames come out; pieces of body make up the body; never more is kept than the bound and a header."""
    wire = b"".join(frame(kind, payload) for kind, payload in sent)
    reader = FrameReader(REQUEST_FRAMES, BOUND)
    found: list[tuple[int, bytes]] = []
    while wire:
        size = data.draw(st.integers(1, len(wire)))
        reader.receive_data(wire[:size])
        wire = wire[size:]
        while (one := reader.next_frame()) is not None:
            found.append(one)
        assert reader.kept <= BOUND + 16
        assert reader.unfinished or not reader.kept
    assert not reader.unfinished
    wanted = [meant(*one) for one in sent]
    assert [one for one in found if one[0] != DATA] == [one for one in wanted if one[0] != DATA]
    assert b"".join(payload for kind, payload in found if kind == DATA) == b"".join(
        payload for kind, payload in wanted if kind == DATA
    )


def test_what_is_huge_is_not_kept() -> None:
    reader = FrameReader(REQUEST_FRAMES, BOUND)
    reader.receive_data(frame(0x21, b"")[:1] + b"\xc0\0\0\x10\0\0\0\0")
    assert reader.next_frame() == (PASSED, b"")
    said = 0
    for _ in range(100):
        reader.receive_data(bytes(10_000))
        while (one := reader.next_frame()) is not None:
            assert one == (PASSED, b"")
            said += 1
        assert reader.kept == 0
    assert reader.unfinished
    assert said == 1_000_000 // PASSED_BYTES


@pytest.mark.parametrize("size", [1, 7, PASSED_BYTES - 1, PASSED_BYTES, 5 * PASSED_BYTES + 3, 10**6])
@pytest.mark.parametrize(("kind", "told"), [(0x21, PASSED), (HEADERS, TOO_LARGE)])
def test_what_is_passed_over_is_said_as_often_however_it_arrives(size: int, kind: int, told: int) -> None:
    reader = FrameReader(REQUEST_FRAMES, BOUND)
    wire = frame(kind, bytes(2 * PASSED_BYTES)) + frame(kind, bytes(3 * PASSED_BYTES - 1)) + frame(DATA, b"x")
    found = []
    for begin in range(0, len(wire), size):
        reader.receive_data(wire[begin : begin + size])
        while (one := reader.next_frame()) is not None:
            found.append(one)
    again = [(PASSED, b"")] * 2
    assert found == [(told, b""), *again, (told, b""), *again, (DATA, b"x")]
    assert not reader.unfinished


@pytest.mark.parametrize("kind", [2, 3, 4, 5, 6, 7, 8, 9, 0xD, 0xF0700, 0xF0701])
def test_what_may_not_come_is_refused_by_its_header(kind: int) -> None:
    reader = FrameReader(REQUEST_FRAMES, BOUND)
    reader.receive_data(frame(kind, bytes(64))[:-64])
    with pytest.raises(ConnectionFault) as caught:
        reader.next_frame()
    assert caught.value.code == 0x105
