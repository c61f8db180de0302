"""Frames that are built here, and the payloads of those that are taken apart here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websocket_doubles import server_frames

from pounce_websocket.errors import InvalidPayload, ProtocolViolation
from pounce_websocket.frames import BINARY, CLOSE, NO_CODE, build_close, build_head, parse_close, unmask


@given(mask=st.binary(min_size=4, max_size=4), data=st.binary(max_size=2000))
def test_unmasking(mask: bytes, data: bytes) -> None:
    plain = unmask(mask, data)
    assert type(plain) is bytes
    assert plain == bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
    assert unmask(mask, plain) == data


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 511, 512, 513, 514, 515, 516])
def test_unmasking_at_the_borders(size: int) -> None:
    data = bytes(index * 7 & 255 for index in range(size))
    assert unmask(b"\x01\x02\x03\x80", data) == bytes(b ^ b"\x01\x02\x03\x80"[i % 4] for i, b in enumerate(data))


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "82 00"),
        (125, "82 7d"),
        (126, "82 7e 00 7e"),
        (65535, "82 7e ff ff"),
        (65536, "82 7f 00 00 00 00 00 01 00 00"),
        (2**40, "82 7f 00 00 01 00 00 00 00 00"),
    ],
)
def test_heads(size: int, head: str) -> None:
    assert build_head(BINARY, size) == bytes.fromhex(head)


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4999, "bye"), (1001, "ä" * 61), (NO_CODE, "")])
def test_close_frames_there_and_back(code: int, reason: str) -> None:
    (sent,) = server_frames(build_close(code, reason))
    assert sent.opcode == CLOSE & 15
    assert parse_close(sent.payload) == (code, reason)


@pytest.mark.parametrize(
    "payload", [b"\x03", b"\x00\x00", b"\x03\xed", b"\x03\xee", b"\x03\xf7", b"\x0b\xb7", b"\x13\x88"]
)
def test_close_payloads_that_break_the_protocol(payload: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_close(payload)


def test_a_reason_that_is_not_utf8() -> None:
    with pytest.raises(InvalidPayload):
        parse_close(b"\x03\xe8\xff")
