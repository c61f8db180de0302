"""Sockets side by side on one port: who gets which, and what is left when something fails."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from pounce.addresses import listen
from pounce.config import ServerConfig
from pounce.port_shares import PortShares
from pounce_asgi import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pounce.addresses import ListeningSockets

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux spreads connections over such sockets")


async def app(scope: object, receive: object, send: object) -> None: ...


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[ListeningSockets]:
    places = ("127.0.0.1:0", f"unix:{tmp_path}/s", "127.0.0.2:0")
    opened = listen(ServerConfig(app=app, bind=places), reuse_port=True)
    yield opened
    opened.close()


def test_each_worker_has_its_own_of_every_port(listening: ListeningSockets) -> None:
    shares = PortShares(listening.sockets, 3, 16)
    try:
        assert len(shares.sockets) == 7
        assert shares.has_common
        for worker_id in range(3):
            own = shares.of(worker_id)
            assert [sock.getsockname() for sock in own] == [
                *(sock.getsockname() for sock in listening.sockets if sock.family == socket.AF_INET),
                *(sock.getsockname() for sock in listening.sockets if sock.family == socket.AF_UNIX),
            ]
            assert own == tuple(shares.sockets[index] for index in shares.places[worker_id])
        assert len({index for places in shares.places for index in places}) == 7
        assert len(set(shares.places[0]) & set(shares.places[1])) == 1, "only the UNIX socket is common"
    finally:
        shares.close()
    assert {sock.fileno() for sock in shares.sockets} == {-1}


def test_a_unix_socket_alone_is_nothing_to_share(listening: ListeningSockets) -> None:
    unix = [sock for sock in listening.sockets if sock.family == socket.AF_UNIX]
    with pytest.raises(ConfigError, match="there is none"):
        PortShares(unix, 2, 16)


def test_what_was_not_made_for_it_is_named_and_nothing_is_left_open(listening: ListeningSockets) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"http://127.0.0.1:{port} cannot be shared"):
            PortShares([listening.sockets[0], other], 2, 16)
    # A socket left open would still take its part of the connections.
    address = listening.sockets[0].getsockname()
    listening.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)
