"""QPACK: both directions with each library, blocked blocks, errors with their codes, blocks that would explode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from quic_pair import LIBRARIES

from pounce_h3.qpack import BLOCKED, CAPACITY, QpackDecoder, QpackEncoder, QpackError, SectionTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS = [(encoder, decoder) for encoder in LIBRARIES for decoder in LIBRARIES]
FIELDS = [
    (b":status", b"200"),
    (b"content-type", b"text/html"),
    (b"x-own", b"something of ours"),
    (b"server", b"pounce"),
]


def test_without_a_table() -> None:
    encoder = QpackEncoder()
    block = encoder.block(0, FIELDS)
    assert QpackDecoder().fields(0, block) == FIELDS
    assert encoder.take_encoder_stream() == b""
    encoder.apply_settings(0, 0)
    assert encoder.take_encoder_stream() == b""
    assert encoder.block(4, tuple(FIELDS)) == block


@pytest.mark.parametrize(("of_encoder", "of_decoder"), PAIRS)
def test_with_a_table(of_encoder: str, of_decoder: str) -> None:
    encoder, decoder = QpackEncoder(library=of_encoder), QpackDecoder(library=of_decoder)
    encoder.apply_settings(CAPACITY, BLOCKED)
    sizes = []
    for number in range(50):
        block = encoder.block(number * 4, FIELDS)
        assert decoder.receive_encoder_stream(encoder.take_encoder_stream()) == []
        assert decoder.fields(number * 4, block) == FIELDS
        encoder.receive_decoder_stream(decoder.take_decoder_stream())
        sizes.append(len(block))
    assert sizes[-1] < 12 < sizes[0]


@pytest.mark.parametrize(("of_encoder", "of_decoder"), PAIRS)
def test_blocked(of_encoder: str, of_decoder: str) -> None:
    encoder, decoder = QpackEncoder(library=of_encoder), QpackDecoder(library=of_decoder)
    encoder.apply_settings(CAPACITY, BLOCKED)
    blocks = {number * 4: encoder.block(number * 4, FIELDS) for number in range(4)}
    instructions = encoder.take_encoder_stream()
    waiting = [stream_id for stream_id, block in blocks.items() if decoder.fields(stream_id, block) is None]
    assert len(waiting) >= 2
    assert decoder.blocked == set(waiting)
    decoder.cancel(waiting[0])
    decoder.cancel(400)
    assert decoder.receive_encoder_stream(instructions) == waiting[1:]
    for stream_id in waiting[1:]:
        assert decoder.resume(stream_id) == FIELDS
    assert not decoder.blocked
    assert not decoder._cancelled
    control = decoder.take_decoder_stream()
    assert 0x40 | waiting[0] in control  # Stream Cancellation
    encoder.receive_decoder_stream(control)
    assert decoder.take_decoder_stream() == b""


@pytest.mark.parametrize("library", LIBRARIES)
def test_too_many_blocked(library: str) -> None:
    decoder = QpackDecoder(CAPACITY, 2, library=library)
    block = b"\x02\x00\x80"  # wants the first entry of the table
    assert decoder.fields(0, block) is None
    assert decoder.fields(4, block) is None
    with pytest.raises(QpackError) as caught:
        decoder.fields(8, block)
    assert caught.value.code == QpackError.DECOMPRESSION_FAILED


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("code", "where", "data"),
    [
        (0x200, "block", b""),
        (0x200, "block", b"\x00"),
        (0x200, "block", b"\xff" * 30),
        (0x200, "block", b"\x00\x00\x80"),  # an entry of an empty table
        (0x200, "block", b"\x00\x00\xff\xff\xff\xff\x7f"),  # no such static entry
        (0x200, "block", b"\x00\x00\x23abc"),  # a name without its value
        (0x201, "encoder", b"\x3f\xe1\xff\x7f"),  # a capacity above ours
        (0x201, "encoder", b"\x80\x01a"),  # a name of an empty table
        (0x201, "encoder", b"\xff" * 20),
        (0x202, "decoder", b"\x84"),  # acknowledges what was never sent
        (0x202, "decoder", b"\x01"),  # more insertions than there were
        (0x202, "decoder", b"\xff" * 20),
    ],
)
def test_errors(library: str, code: int, where: str, data: bytes) -> None:
    read: dict[str, Callable[[bytes], object]] = {
        "block": lambda data: QpackDecoder(library=library).fields(0, data),
        "encoder": QpackDecoder(library=library).receive_encoder_stream,
        "decoder": QpackEncoder(library=library).receive_decoder_stream,
    }
    with pytest.raises(QpackError) as caught:
        read[where](data)
    assert caught.value.code == code


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_block_that_would_explode(library: str) -> None:
    decoder = QpackDecoder(library=library)
    value = b"v" * 4000
    insert = b"\x3f\xe1\x1f" + b"\x41a" + b"\x7f" + bytes([0x80 | (4000 - 127) & 0x7F, (4000 - 127) >> 7]) + value
    assert decoder.receive_encoder_stream(insert) == []
    assert decoder.fields(0, b"\x02\x00" + b"\x80" * 200) == [(b"a", value)] * 200
    with pytest.raises(SectionTooLarge):
        decoder.fields(4, b"\x02\x00" + b"\x80" * 300)


@pytest.mark.parametrize("library", LIBRARIES)
def test_large_fields(library: str) -> None:
    encoder, decoder = QpackEncoder(library=library), QpackDecoder(library=library)
    encoder.apply_settings(CAPACITY, BLOCKED)
    for number, size in enumerate((3, 8, 127, 1000, 2000, 5000, 50_000, 3)):
        fields = [(b"n" * min(size, 300), b"v" * size), (b"a", b"b")]
        if size == 2000:
            fields = [(b"n%d" % each, b"some value") for each in range(130)]
        block = encoder.block(number * 4, fields)
        decoder.receive_encoder_stream(encoder.take_encoder_stream())
        assert decoder.fields(number * 4, block) == fields
        encoder.receive_decoder_stream(decoder.take_decoder_stream())


@pytest.mark.parametrize("library", LIBRARIES)
def test_values_that_are_no_text(library: str) -> None:
    encoder, fields = QpackEncoder(library=library), [(b"a", b"caf\xe9 \xff"), (b"b", b"c")]
    encoder.apply_settings(CAPACITY, BLOCKED)
    block = encoder.block(0, fields)
    if library == "aioquic":
        assert QpackDecoder(library=library).fields(0, block) == fields
    else:  # it reads UTF-8 only, but what it cannot write goes out as it is
        assert b"\x21a\x06caf\xe9 \xff" in block
        with pytest.raises(QpackError):
            QpackDecoder(library=library).fields(0, block)
    block = encoder.block(4, fields[1:])
    decoder = QpackDecoder(library=library)
    decoder.receive_encoder_stream(encoder.take_encoder_stream())
    assert decoder.fields(4, block) == fields[1:]
