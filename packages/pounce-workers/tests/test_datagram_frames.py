"""What processes write to each other."""

from __future__ import annotations

import pytest

from pounce_asgi import DatagramPath
from pounce_workers.net.datagram_frames import Frame, FrameKind, read_frames, write_frame

PATH_4 = DatagramPath(("192.0.2.1", 9), ("198.51.100.1", 443), ("192.0.2.1", 9))
PATH_6 = DatagramPath(("fe80::1", 65535), ("fe80::2", 443), ("fe80::1%eth0", 65535, 7, 3), bytes(range(20)), 2)
FRAMES = [
    Frame(FrameKind.ASK, b"8 bytes!", PATH_4, b"data"),
    Frame(FrameKind.PASS, b"x" * 20, PATH_6, bytes(range(256)) * 8),
    Frame(FrameKind.MINE, b"8 bytes!"),
    Frame(FrameKind.NOT_MINE, b""),
    Frame(FrameKind.ASK, b"8 bytes!", PATH_4, b""),
]


def test_frames_come_back_as_they_were() -> None:
    message = b"".join(map(write_frame, FRAMES))
    again = list(read_frames(message))
    assert again == FRAMES
    assert isinstance(again[1].path.remote, tuple)  # type: ignore[union-attr]
    assert list(read_frames(b"")) == []


@pytest.mark.parametrize("message", [b"\x01", b"\x09" + bytes(7), write_frame(FRAMES[0])[:-1], b"\x01\x08" + b"x" * 40])
def test_what_is_no_frame_is_an_error(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"frame|FrameKind|JSON|codec|Expecting"):
        list(read_frames(message))
