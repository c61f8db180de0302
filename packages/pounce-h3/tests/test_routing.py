"""Headers in clear, and the IDs of a server."""

from __future__ import annotations

import pytest
from endpoint_doubles import initial, short

from pounce_h3.routing import (
    CONNECTION_ID_SIZE,
    ConnectionIds,
    PacketKind,
    destination_of,
    read_long_header,
    version_negotiation,
)

VERSIONS = (1, 0x6B3343CF)
ID = b"8 bytes!"


@pytest.mark.parametrize(
    ("data", "destination"),
    [
        (short(ID), ID),
        (initial(ID), ID),
        (initial(b"x" * 20), b"x" * 20),
        (initial(b""), b""),
        (b"", b""),
        (b"\x41", b""),
        (b"\x41abc", b"abc"),
        (b"\xc0\0\0\0\1", b""),
        (b"\xc0\0\0\0\1\x08ab", b"ab"),
    ],
)
def test_the_destination_is_found_without_reading_more(data: bytes, destination: bytes) -> None:
    assert destination_of(data) == destination


@pytest.mark.parametrize(
    ("version", "bits", "kind"),
    [
        (1, 0, PacketKind.INITIAL),
        (1, 1, PacketKind.EARLY),
        (1, 2, PacketKind.HANDSHAKE),
        (1, 3, PacketKind.RETRY),
        (0x6B3343CF, 1, PacketKind.INITIAL),
        (0x6B3343CF, 2, PacketKind.EARLY),
        (0x6B3343CF, 3, PacketKind.HANDSHAKE),
        (0x6B3343CF, 0, PacketKind.RETRY),
        (0x1A2A3A4A, 0, PacketKind.UNKNOWN),
        (0, 0, PacketKind.NEGOTIATION),
    ],
)
def test_the_kind_of_packet_depends_on_the_version(version: int, bits: int, kind: PacketKind) -> None:
    head = bytes((0xC0 | bits << 4,)) + version.to_bytes(4, "big") + b"\x08" + ID + b"\x03abc\0"
    header = read_long_header(head, VERSIONS)
    assert header is not None
    assert header[:4] == (kind, version, ID, b"abc")


@pytest.mark.parametrize("token", [b"", b"t", b"t" * 63, b"t" * 64, b"t" * 900])
def test_the_token_of_an_initial_is_found(token: bytes) -> None:
    header = read_long_header(initial(ID, token=token), VERSIONS)
    assert header is not None
    assert header.token == token


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing"),
        (b"\xc0\0\0\0\1", "cut off before the IDs"),
        (b"\xc0\0\0\0\1\x08abc\0\0", "cut off within an ID"),
        (initial(ID)[:17], "cut off before the token"),
        (initial(ID, token=b"t" * 100)[:60], "cut off within the token"),
        (short(ID), "a short header"),
        (bytes((initial(ID)[0] & 0xBF,)) + initial(ID)[1:], "the fixed bit is 0 (RFC 9000, 17.2)"),
        (initial(b"x" * 21), "an ID above 20 bytes (RFC 9000, 17.2)"),
        (initial(ID, b"x" * 21), "an ID above 20 bytes (RFC 9000, 17.2)"),
        (initial(b"seven b"), "the first ID of a client has 8 bytes at least (RFC 9000, 7.2)"),
    ],
)
def test_what_is_no_long_header_is_dropped(data: bytes, why: str) -> None:
    assert read_long_header(data, VERSIONS) is None, why


def test_ids_of_other_versions_may_be_long() -> None:
    header = read_long_header(initial(b"x" * 255, b"y" * 255, version=0xABCD), VERSIONS)
    assert header is not None
    assert (header.destination_id, header.source_id) == (b"x" * 255, b"y" * 255)


def test_every_cut_of_a_header_is_read_without_an_error() -> None:
    whole = initial(ID, token=b"t" * 70, size=100)
    for end in range(len(whole)):
        read_long_header(whole[:end], VERSIONS)
        destination_of(whole[:end])


def test_version_negotiation_swaps_the_ids_and_names_our_versions() -> None:
    header = read_long_header(initial(b"x" * 30, b"y" * 5, version=0xABCD), VERSIONS)
    assert header is not None
    answer = version_negotiation(header, VERSIONS)
    assert answer[0] & 0x80
    assert answer[1:] == b"\0\0\0\0\x05" + b"y" * 5 + b"\x1e" + b"x" * 30 + b"\0\0\0\1\x6b\x33\x43\xcf"


def test_our_ids_are_known_again_with_the_same_key_only() -> None:
    ids = ConnectionIds(b"k" * 32)
    made = {ids.new() for _ in range(500)}
    assert len(made) == 500
    assert all(len(one) == CONNECTION_ID_SIZE and ConnectionIds(b"k" * 32).ours(one) for one in made)
    others = ConnectionIds(b"o" * 32)
    assert sum(others.ours(one) for one in made) <= 2  # one in 65,536
    assert not ids.ours(b"")
    assert not ids.ours(next(iter(made)) + b"x")
