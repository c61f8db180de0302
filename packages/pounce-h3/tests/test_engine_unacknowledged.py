"""A client that acknowledges nothing, and makes us send: not much is kept for it, nor sent to where it is not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from quic_pair import CLIENT, LIBRARIES, Link

from pounce_h3.engine.flight_watch import FlightWatch

if TYPE_CHECKING:
    from pounce_h3.quic import Address

AIOQUIC = pytest.mark.skipif("aioquic" not in LIBRARIES, reason="the packets are made with aioquic's client")
ELSEWHERE: Address = ("203.0.113.9", 40_001)


class Silent:
    """A client of aioquic whose packets have frames of our own, and that hears nothing any more."""

    def __init__(self, library: str) -> None:
        from aioquic.tls import Epoch

        self.link = Link(library, client_library="aioquic")
        self.link.handshake()
        self.server = self.link.server
        self._client = self.link.client
        self._keys: Any = self._client._cryptos[Epoch.ONE_RTT]

    def send(self, frames: bytes, *, gap: int = 0, address: Address = CLIENT) -> int:
        """One packet, ``gap`` numbers after the one before; returned is its size."""
        number = self._client._packet_number + gap
        self._client._packet_number = number + 1
        head = bytes((0x41 | self._keys.key_phase << 2,)) + self._client._peer_cid.cid + number.to_bytes(2, "big")
        data = self._keys.encrypt_packet(head, frames, number)
        self.link.now += 0.0001
        self.server.receive([data], address, self.link.now)
        return len(data)

    def sent(self) -> list[tuple[bytes, Any]]:
        return list(self.server.datagrams_to_send(self.link.now))


@AIOQUIC
@pytest.mark.parametrize("library", LIBRARIES)
def test_answers_to_endless_path_challenges(library: str) -> None:
    """RFC 9000, 8.2.2 and 21.9. Each has to be answered, from wherever it comes."""
    client = Silent(library)
    for number in range(1000):
        # To another address an answer has 1200 bytes, as long as three times what came allows it.
        address = CLIENT if library == "qh3" else ("203.0.113.9", 40_001 + number % 3)
        client.send(b"".join(b"\x1a" + os.urandom(8) for _ in range(100)), address=address)
        client.sent()
        if client.link.user.end is not None:
            break
    end = client.link.user.end
    assert end is not None, "it goes on for ever"
    assert (end.code, end.by_peer) == (1, False)
    assert "not acknowledged" in end.reason


@AIOQUIC
def test_acknowledgements_are_not_kept() -> None:
    """A packet that leaves a gap is acknowledged at once (RFC 9000, 13.2.1), and may not be acknowledged ever."""
    client = Silent("aioquic")
    space = client.server._connection._space  # type: ignore[attr-defined]
    sent = most = 0
    for _ in range(1300):
        client.send(b"\x01\0\0", gap=1)
        sent += len(client.sent())
        most = max(most, len(space.sent_packets))
    assert sent >= 1300
    assert most <= 1024
    assert client.link.user.end is None


@AIOQUIC
def test_a_close_goes_to_where_the_client_is_known_to_be() -> None:
    """What came from elsewhere was answered with three times as much before."""
    client = Silent("aioquic")
    came = client.send(b"\x01\0\0", address=ELSEWHERE)
    went = sum(len(data) for data, address in client.sent() if address == ELSEWHERE)
    assert went > 2 * came
    client.server.close(0x101, "it is enough, and there is no room for saying so")
    sent = client.sent()
    assert [address for _, address in sent] == [CLIENT]
    client.send(b"\x01\0\0")
    assert client.sent() == sent, "it is repeated there"


@AIOQUIC
def test_a_close_is_not_repeated_to_an_address_that_is_not_proven() -> None:
    """RFC 9000, 8.1: whoever repeats a client's packet with another address makes us send there."""
    client = Silent("aioquic")
    came = client.send(b"\x01" + bytes(30), address=ELSEWHERE)
    client.server.close(0x101, "it is enough")
    went = sum(len(data) for data, address in client.sent() if address == ELSEWHERE)
    assert went, "it is told once"
    for _ in range(70):
        client.send(b"\x01\0\0")
        went += sum(len(data) for data, address in client.sent() if address == ELSEWHERE)
    assert went <= 3 * came


@pytest.mark.parametrize(
    ("flights", "flooded"),
    [
        ([(12_000, 12_000)], False),
        ([(12_000, 12_000), (280_000, 12_000)], False),
        ([(12_000, 12_000), (300_000, 12_000)], True),
        ([(900_000, 1_000_000), (900_000, 2_400)], False),
        ([(900_000, 1_000_000), (2_300_000, 2_400)], True),
    ],
)
def test_what_is_too_much(flights: list[tuple[int, int]], flooded: bool) -> None:
    watch = FlightWatch()
    assert [watch.flooded(*flight) for flight in flights][-1] is flooded
