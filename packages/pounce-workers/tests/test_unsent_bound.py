"""The kernel takes little for a client that reads nothing, and as usual for one that reads."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
from loops import run_on

from pounce_workers import ServingLoop
from pounce_workers.net.deadlines import DeadlineSweeper
from pounce_workers.net.loop import poller_of
from pounce_workers.net.transport import SocketTransport
from pounce_workers.net.unsent_bound import UNSENT_BYTES, bound_unsent, lift_bound

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere connections do not inherit it")


def bound_of(sock: socket.socket) -> int:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """An accepted connection and its client, with a small buffer to read into."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        bound_unsent(listener)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listener.getsockname())
        ours, _ = listener.accept()
        with ours:
            ours.setblocking(False)
            client.setblocking(False)
            yield ours, client


def fill(sock: socket.socket) -> int:
    sent = 0
    while True:
        try:
            sent += sock.send(bytes(65536))
        except BlockingIOError:
            return sent


def test_who_is_accepted_has_it(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    assert bound_of(ours) == UNSENT_BYTES
    before = fill(ours)
    assert before <= UNSENT_BYTES + 2 * 65536  # and what the client's side has
    lift_bound(ours.setsockopt)
    assert fill(ours) > before


def test_it_is_for_tcp_only(tmp_path: Any) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        bound_unsent(listener)
        lift_bound(listener.setsockopt)


class Nobody:
    """A protocol that waits for room."""

    def __init__(self) -> None:
        self.went_on = asyncio.Event()

    def writable(self) -> None:
        self.went_on.set()

    def data_received(self, data: bytes) -> None:
        raise AssertionError(data)

    def connection_lost(self, error: OSError | None) -> None:
        pass


def test_it_ends_with_the_first_room(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, client = pair

    async def main() -> None:
        loop = asyncio.get_running_loop()
        transport = SocketTransport(
            ours,
            loop=loop,
            poller=poller_of(loop),
            sweeper=DeadlineSweeper(loop, 1.0),
            peer=None,
            local=None,
            write_stall=10.0,
        )
        nobody = Nobody()
        protocol: Any = nobody
        transport.start(lambda _: protocol)
        while not transport.congested:
            transport.write(bytes(65536))
        assert bound_of(ours) == UNSENT_BYTES
        reading = asyncio.ensure_future(_read(client))
        await nobody.went_on.wait()
        reading.cancel()
        assert bound_of(ours) != UNSENT_BYTES
        transport.abort()

    run_on(ServingLoop, main)


async def _read(client: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(client, 65536):
        pass
