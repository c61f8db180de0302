"""Engines whose probe timeouts come while acknowledgements are on their way (RFC 9002, 6.2)."""

from __future__ import annotations

from typing import Any

import pytest
from quic_pair import CLIENT, LIBRARIES, SERVER, Link

STREAMS = 100
ANSWER = b"a" * 1000


def asked(library: str) -> Link:
    """Every stream of a connection has been asked, and answered as far as the congestion window goes."""
    link = Link(library)
    link.handshake()
    link.user.on_data = lambda stream_id, _data, _ended: link.server.send(stream_id, ANSWER, end=True)
    for _ in range(STREAMS):
        link.client.send_stream_data(link.client.get_next_available_stream_id(), b"ask", True)
    link.turn()
    link.run(lambda: len(link.user.ended) == STREAMS)
    return link


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("probes", [1, 2, 3])
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one by one"])
def test_acknowledgements_after_probes(library: str, probes: int, at_once: bool) -> None:
    """The copies that probes made, and did not send yet, are of streams that turn out to be done."""
    link = asked(library)
    link.delay = 0.001
    late: list[bytes] = []
    while probes:
        timer = link.server.timer
        assert timer is not None
        while link._flying:
            link.now = link._flying[0][0]
            _, _, up, data, _ = link._flying.pop(0)
            if up:
                late.append(data)
            else:
                link.client.receive_datagram(data, SERVER, link.now)
            link.turn()
            link._flying.sort()
        late += link.intercept()
        link.now = max(link.now, timer)
        before = link.datagrams_down
        link.server.expire(link.now)
        link.turn()
        probes -= link.datagrams_down > before
    for batch in [late] if at_once else [[one] for one in late]:
        link.server.receive(batch, CLIENT, link.now)
        link.turn()
    link.run(lambda: all(link.got(4 * number) == ANSWER for number in range(STREAMS)))
    link.run(seconds=1)
    assert link.user.end is None
    connection: Any = link.server._connection
    assert not [each for each in connection._streams if not each & 2]
