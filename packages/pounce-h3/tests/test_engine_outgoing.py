"""How much a core of qh3 sends at once."""

from __future__ import annotations

import os
from typing import Any

import pytest
from quic_pair import CLIENT, LIBRARIES, Link

from pounce_h3.engine.qh3_outgoing import Outgoing

SMALL_AT_ONCE = 16


class Core:
    """Wants to send datagrams of these sizes."""

    pto_total = 0
    state = "connected"
    has_events = False

    def __init__(self, *sizes: int) -> None:
        self.sizes = list(sizes)

    def poll_transmit(self, now: float) -> tuple[bytes, Any] | None:
        return (bytes(self.sizes.pop(0)), CLIENT) if self.sizes else None


@pytest.mark.parametrize(
    ("sizes", "sent"),
    [
        ((), []),
        ((36,) * 16, [36] * 16),
        ((36,) * 500, [36] * 16),
        ((1200,) * 500, [1200] * 500),
        ((1200, 36) * 20 + (1200, 91), [1200, 36] * 16 + [1200] * 5 + [91]),
    ],
)
def test_small_datagrams_at_once(sizes: tuple[int, ...], sent: list[int]) -> None:
    core: Any = Core(*sizes)
    outgoing = Outgoing()
    assert [len(data) for data, _ in outgoing.take(core, 1.0)] == sent
    assert outgoing.take(core, 1.0) == []


@pytest.mark.skipif(not {"aioquic", "qh3"} <= set(LIBRARIES), reason="needs aioquic's client and qh3's server")
def test_a_flood_of_path_challenges() -> None:
    from aioquic.tls import Epoch

    link = Link("qh3", client_library="aioquic")
    link.handshake()
    keys = link.client._cryptos[Epoch.ONE_RTT]
    for _ in range(3):
        number = link.client._packet_number
        link.client._packet_number += 1
        head = bytes((0x41 | keys.key_phase << 2,)) + link.client._peer_cid.cid + number.to_bytes(2, "big")
        flood = b"".join(b"\x1a" + os.urandom(8) for _ in range(120))
        link.server.receive([keys.encrypt_packet(head, flood, number)], CLIENT, link.now)
        assert 1 <= len(link.server.datagrams_to_send(link.now)) <= SMALL_AT_ONCE
    link.client.send_stream_data(0, b"ask", True)
    link.turn()
    link.run(lambda: 0 in link.user.ended)
    link.server.send(0, b"answer", end=True)
    link.turn()
    link.run(lambda: link.got(0) == b"answer")
    assert link.user.end is None
