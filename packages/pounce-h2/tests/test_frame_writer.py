"""Frames as bytes, taken apart again by hyperframe."""

from __future__ import annotations

import pytest
from h2_doubles import parse_frames
from hyperframe.frame import ContinuationFrame, GoAwayFrame, HeadersFrame, PushPromiseFrame, SettingsFrame

from pounce_h2 import frame_writer as writer


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 1000, 70_000])
@pytest.mark.parametrize("end", [True, False])
def test_heads_of_any_size(size: int, end: bool) -> None:
    block = bytes(index % 251 for index in range(size))
    first, *rest = parse_frames(writer.head_frames(3, block, 100, end=end))
    assert isinstance(first, HeadersFrame)
    assert all(isinstance(one, ContinuationFrame) for one in rest)
    assert first.data + b"".join(one.data for one in rest) == block  # type: ignore[attr-defined]
    assert ("END_STREAM" in first.flags) is end
    assert ["END_HEADERS" in one.flags for one in (first, *rest)] == [False] * len(rest) + [True]
    assert {one.stream_id for one in (first, *rest)} == {3}
    assert all(one.body_len <= 100 for one in (first, *rest))


def test_promises() -> None:
    first, rest = parse_frames(writer.promise_frames(1, 2, b"x" * 150, 100))
    assert isinstance(first, PushPromiseFrame)
    assert first.promised_stream_id == 2
    assert len(first.data) + len(rest.data) == 150  # type: ignore[attr-defined]


def test_the_others() -> None:
    wire = (
        writer.SETTINGS_ACK
        + writer.reset_frame(5, 8)
        + writer.window_frame(0, 2**31 - 1)
        + writer.ping_frame(b"12345678", ack=True)
        + writer.goaway_frame(2**31 - 1, 11, b"calm")
        + writer.body_header(3, 7, end=True)
        + b"abc"
    )
    ack, reset, window, ping, goaway, body = parse_frames(wire)
    assert isinstance(ack, SettingsFrame)
    assert "ACK" in ack.flags
    assert (reset.stream_id, reset.error_code) == (5, 8)  # type: ignore[attr-defined]
    assert (window.stream_id, window.window_increment) == (0, 2**31 - 1)  # type: ignore[attr-defined]
    assert (ping.opaque_data, "ACK" in ping.flags) == (b"12345678", True)  # type: ignore[attr-defined]
    assert isinstance(goaway, GoAwayFrame)
    assert (goaway.last_stream_id, goaway.error_code, goaway.additional_data) == (2**31 - 1, 11, b"calm")
    assert (body.data, "END_STREAM" in body.flags) == (b"abc", True)  # type: ignore[attr-defined]
