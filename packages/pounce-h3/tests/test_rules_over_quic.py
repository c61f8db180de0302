"""Clients that break rules on purpose, over the whole of HTTP/3: what each is told, and that nobody else suffers.

What a library's client cannot be made to send is made by hand, which works with aioquic alone: the core of qh3 lets
nobody in.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from far_apps import Site
from far_end import LIBRARIES, FarEnd
from fixed_clock import run
from link import Conditions, Network
from quic_clients import Http3Client, RawClient, varint
from raw_packets import long_packet, send_frames, stream_frame
from rule_cases import CONNECTION_CASES, STREAM_CASES, Case

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CONTROL: Final = 2
SETTINGS: Final = b"\x00\x04\x00"
GET: Final = b"\x01\x10\x00\x00\xd1\xd7\xc1\x50\x09localhost"
"""A whole request, by QPACK's static table."""

libraries = pytest.mark.parametrize("library", LIBRARIES)
by_hand = pytest.mark.skipif("aioquic" not in LIBRARIES, reason="AIOQUIC IS NOT INSTALLED: it has not run")


def beside_a_neighbour(library: str, act: Callable[[RawClient, FarEnd], Awaitable[None]], **settings: Any) -> FarEnd:
    """Let a client misbehave while another one waits for its answer, which it gets, and asks again afterwards."""
    ends: list[FarEnd] = []

    async def scenario() -> None:
        site = Site()
        network = Network(Conditions(delay=0.002))
        far = FarEnd(network, site, library=library, **settings)
        ends.append(far)
        neighbour = Http3Client(network, library)
        await neighbour.connected()
        waiting = neighbour.answer(neighbour.begin("/wait"))
        client = RawClient(network, library)
        await client.connected()
        await asyncio.sleep(0.1)
        await act(client, far)
        site.go.set()
        await waiting.over.wait()
        assert (waiting.status, waiting.body) == (200, b"done")
        assert (await neighbour.ask("/")).body == b"hello /"
        await neighbour.closed()
        if not client.ended.is_set():
            await client.closed()
        await far.emptied()
        await far.stopped()

    run(scenario())
    return ends[0]


async def ended(client: RawClient) -> int:
    """The code with which the server ended the connection, at once."""
    async with asyncio.timeout(1):
        await client.ended.wait()
    assert client.end is not None
    return int(client.end[0])


def named(cases: list[Case]) -> list[Any]:
    return [pytest.param(case, id=f"{case.name} ({case.clause})") for case in cases]


# -- HTTP/3 and QPACK ------------------------------------------------------------------------------------------------


@libraries
@pytest.mark.parametrize("case", named(CONNECTION_CASES))
def test_the_connection_ends(case: Case, library: str) -> None:
    async def act(client: RawClient, far: FarEnd) -> None:
        if case.settings:
            client.send(CONTROL, SETTINGS)
        for stream_id, data, end in case.pieces:
            client.send(stream_id, data, end=end)
        assert await ended(client) == case.code

    far = beside_a_neighbour(library, act)
    assert [status for status, _ in far.host.refused] == [0]


@libraries
@pytest.mark.parametrize("case", named(STREAM_CASES))
def test_the_stream_ends(case: Case, library: str) -> None:
    async def act(client: RawClient, far: FarEnd) -> None:
        client.send(CONTROL, SETTINGS)
        for stream_id, data, end in case.pieces:
            client.send(stream_id, data, end=end)
        await asyncio.sleep(0.1)
        assert client.end is None
        assert client.resets == {0: case.code}
        assert client.stops in ({}, {0: case.code})
        client.send(4, GET, end=True)
        await asyncio.sleep(0.1)
        assert client.received[4].endswith(b"hello /")
        assert 4 in client.finished

    beside_a_neighbour(library, act)


@libraries
def test_requests_right_behind_the_handshake_are_not_early_data(library: str) -> None:
    """They arrive in one batch with the end of the handshake."""

    async def scenario() -> None:
        network = Network()
        far = FarEnd(network, Site(), library=library)
        client = Http3Client(network, library)
        await client.connected()
        assert (await client.ask("/echo", body=b"x")).status == 200
        await client.closed()
        await far.emptied()
        await far.stopped()

    run(scenario())


@libraries
def test_critical_streams_may_not_be_reset(library: str) -> None:
    async def act(client: RawClient, far: FarEnd) -> None:
        client.send(CONTROL, SETTINGS)
        client.quic.reset_stream(CONTROL, 0x10C)
        client.flush()
        assert await ended(client) == 0x104  # H3_CLOSED_CRITICAL_STREAM

    beside_a_neighbour(library, act)


# -- QUIC ------------------------------------------------------------------------------------------------------------

FRAME_CASES: Final = [
    # name, clause of RFC 9000, frames, code
    ("an unknown frame", "12.4", b"\x21", 0x7),
    ("HANDSHAKE_DONE", "19.20", b"\x1e", 0xA),
    ("NEW_TOKEN", "19.7", b"\x07\x01t", 0xA),
    ("a stream of the server", "19.8", stream_frame(1, b"x"), 0x5),
    ("a stream that the server sends on", "19.8", stream_frame(3, b"x"), 0x5),
    ("RESET_STREAM of what the server sends on", "19.4", b"\x04\x03\x00\x00", 0x5),
    ("STOP_SENDING of what the client sends on", "19.5", b"\x05\x02\x00", 0x5),
    ("MAX_STREAM_DATA of what the client sends on", "19.10", b"\x11\x02\x01", 0x5),
    ("a stream beyond the limit", "4.6", stream_frame(4 * 1000, b"x"), 0x4),
    ("a unidirectional stream beyond the limit", "4.6", stream_frame(4 * 1000 + 2, b"x"), 0x4),
    ("more than a stream's window", "4.1", stream_frame(0, b"x", offset=262_144), 0x3),
    ("an offset beyond all", "19.8", stream_frame(0, b"xx", offset=2**62 - 1), 0x7),
    ("data behind the end", "4.5", stream_frame(0, b"x", offset=9, end=True) + stream_frame(0, b"y", offset=20), 0x6),
    ("two ends", "4.5", stream_frame(0, b"x", offset=9, end=True) + stream_frame(0, b"", offset=20, end=True), 0x6),
    ("RESET_STREAM before what came", "4.5", stream_frame(0, b"x", offset=9) + b"\x04\x00\x00\x05", 0x6),
    ("an ID that was never given is given back", "19.16", b"\x19\x30", 0xA),
    ("IDs that end before they began", "19.15", b"\x18\x01\x02\x08" + b"i" * 8 + b"t" * 16, 0xA),
    ("an ID of no length", "19.15", b"\x18\x01\x00\x00" + b"t" * 16, 0x7),
    ("MAX_STREAMS beyond all", "19.11", b"\x12" + varint(2**60 + 1), 0x7),
    ("a frame that is cut off", "12.4", b"\x11\x00", 0x7),
]


@by_hand
@pytest.mark.parametrize(
    ("frames", "code"),
    [pytest.param(frames, code, id=f"{name} ({clause})") for name, clause, frames, code in FRAME_CASES],
)
def test_frames_that_are_not_allowed(frames: bytes, code: int) -> None:
    async def act(client: RawClient, far: FarEnd) -> None:
        client.send(CONTROL, SETTINGS)
        await asyncio.sleep(0.1)
        send_frames(client, frames)
        assert await ended(client) == code

    beside_a_neighbour("aioquic", act)


@libraries
def test_more_than_the_windows_allow_waits_at_the_client(library: str) -> None:
    """What a client sends and the application does not read is bounded by the windows, and the client is told."""

    async def act(client: RawClient, far: FarEnd) -> None:
        client.send(CONTROL, SETTINGS)
        post = b"\x01\x16\x00\x00\xd4\xd7\x51\x05/wait\x50\x09localhost"
        for stream_id in range(0, 40, 4):
            client.send(stream_id, post + b"\x00" + varint(200_000) + bytes(200_000))
        await asyncio.sleep(5)
        assert client.end is None
        assert client.network.up.bytes_sent < 1_500_000, "ten bodies of 200 kB fit into a window of 1 MiB?"
        await client.closed()

    beside_a_neighbour(library, act)


# -- first flights ---------------------------------------------------------------------------------------------------

STRANGER: Final = ("198.51.100.99", 4433)


def answers_to(datagrams: list[bytes], library: str, **settings: Any) -> list[bytes]:
    """What a stranger gets for these; and a proper client is served at the same time."""
    answers: list[bytes] = []

    async def scenario() -> None:
        network = Network(Conditions(delay=0.002))
        far = FarEnd(network, Site(), library=library, **settings)
        network.clients[STRANGER] = answers.extend
        client = Http3Client(network, library)
        await client.connected()
        for data in datagrams:
            network.up.send(data, STRANGER)
        await asyncio.sleep(0.1)
        assert (await client.ask("/")).body == b"hello /"
        assert far.host.came <= 1 + len(datagrams)
        await client.closed()
        await far.emptied()
        await far.stopped()

    run(scenario())
    return answers


@libraries
def test_another_version_is_negotiated(library: str) -> None:
    (answer,) = answers_to([long_packet(version=0x1A2A3A4A, destination=b"d" * 8)], library)
    assert answer[0] & 0x80
    assert answer[1:5] == bytes(4)  # RFC 9000, 17.2.1
    assert answer[5:23] == b"\x08" + b"s" * 8 + b"\x08" + b"d" * 8
    versions = {int.from_bytes(answer[at : at + 4], "big") for at in range(23, len(answer), 4)}
    assert 1 in versions
    assert 0x1A2A3A4A not in versions


@libraries
@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x00",
        b"\xc0",
        b"\xc0\x00\x00\x00\x01",
        b"\xc0\x00\x00\x00\x01\xff" + bytes(1300),
        long_packet(size=1199),
        long_packet(version=0x1A2A3A4A, size=1199),
        long_packet(version=0),
        long_packet(),
        long_packet(destination=b"short"),
        long_packet(destination=b"d" * 21),
        long_packet(0xD0),
        long_packet(0xE0),
        long_packet(0xF0),
        long_packet(token=b"t" * 40),
        b"\x40" + bytes(20),
    ],
    ids=[
        "nothing",
        "an octet",
        "the beginning of a head",
        "a version and no IDs",
        "an ID that is too long",
        "a short Initial",
        "a short one of another version",
        "a negotiation of versions",
        "an Initial that is noise",
        "an Initial for an ID that is too short",
        "an Initial for an ID that is too long",
        "early data of nobody",
        "a handshake of nobody",
        "a retry",
        "a token that is noise",
        "a short packet of nobody, too small for an answer",
    ],
)
def test_what_is_not_answered(datagram: bytes, library: str) -> None:
    assert answers_to([datagram] * 3, library) == []


@libraries
def test_a_packet_of_nobody_is_answered_with_a_smaller_reset(library: str) -> None:
    """RFC 9000, 10.3: it looks like a packet, and cannot make two servers answer each other for ever."""
    (answer,) = answers_to([b"\x40" + b"i" * 8 + bytes(91)], library)
    assert answer[0] & 0xC0 == 0x40
    assert 21 <= len(answer) < 100


@libraries
def test_a_token_of_another_address_is_worth_nothing(library: str) -> None:
    """RFC 9000, 8.1.3."""
    retries: list[bytes] = []

    async def scenario() -> None:
        network = Network(Conditions(delay=0.002))
        far = FarEnd(network, Site(), library=library, quic_retry="always")
        network.clients[STRANGER] = retries.extend
        network.up.send(long_packet(destination=b"d" * 8), STRANGER)
        await asyncio.sleep(0.1)
        (retry,) = retries
        assert retry[0] & 0xF0 == 0xF0
        source = retry[15 : 15 + retry[14]]
        token = retry[15 + retry[14] : -16]
        other = ("203.0.113.1", 1)
        answered: list[bytes] = []
        network.clients[other] = answered.extend
        network.up.send(long_packet(destination=source, token=token), other)
        await asyncio.sleep(0.1)
        assert far.host.came == 0
        assert [answer[0] & 0xF0 for answer in answered] in ([], [0xF0])
        await far.stopped()

    run(scenario())
