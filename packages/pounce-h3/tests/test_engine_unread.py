"""Engines whose application reads nothing: what the client gives up must be known, and memory bounded."""

from __future__ import annotations

import pytest
from quic_pair import LIBRARIES, Link

from pounce_asgi import Http3Settings

pytestmark = pytest.mark.parametrize("library", LIBRARIES)

WINDOW = 400_000
UPLOADS = (0, 4, 8)


def filled(library: str) -> Link:
    """The client has sent as much as it may, and nobody has read of it."""
    link = Link(library, settings=Http3Settings(h3_stream_window=200_000, h3_connection_window=WINDOW))
    link.handshake()
    link.user.consumes = False
    for stream_id in UPLOADS:
        link.client.send_stream_data(stream_id, b"u" * 1_000_000, True)
        link.turn()
    link.run(seconds=10)
    assert not link.user.ended
    return link


def told(link: Link) -> int:
    return sum(map(len, link.user.received.values()))


def test_unread_bytes_are_bounded(library: str) -> None:
    link = filled(library)
    assert WINDOW * 0.8 <= told(link) <= WINDOW
    assert link.up < WINDOW * 1.5


def test_what_the_client_gives_up_is_told_at_once(library: str) -> None:
    link = filled(library)
    for stream_id in link.user.received:
        link.client.reset_stream(stream_id, 0x10C)
        link.client.stop_stream(stream_id, 0x10C)
    link.turn()
    link.run(lambda: {each for each, _ in link.user.stops} == set(link.user.received), seconds=1)
    assert len(link.user.stops) == len(link.user.received)
    for stream_id in link.user.received:
        link.server.reset(stream_id, 0x10C)
        link.server.stop(stream_id, 0x10C)
    link.user.consumes = True
    link.turn()
    asked = link.client.get_next_available_stream_id()
    link.client.send_stream_data(asked, b"ask", True)
    link.turn()
    link.run(lambda: asked in link.user.ended, seconds=2)
    link.run(seconds=5)
    assert len(link.user.stops) == len(set(link.user.stops))
    assert link.user.end is None


def test_what_fits_the_window_hides_nothing(library: str) -> None:
    """Two bodies that nobody reads, which the window of the connection has room for."""
    link = Link(library, settings=Http3Settings())
    link.handshake()
    link.user.consumes = False
    for stream_id in (0, 4):
        link.client.send_stream_data(stream_id, b"u" * 400_000, False)
    link.turn()
    link.run(seconds=5)
    link.client.send_stream_data(8, b"ask", True)
    link.turn()
    link.run(lambda: 8 in link.user.ended, seconds=1)
    link.client.reset_stream(4, 0x10C)
    link.turn()
    link.run(seconds=1)
    assert link.user.resets == [(4, 0x10C)]
