"""Connections that wait in a parking lot, and the transports that do."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from transport_doubles import BIG, Protocol
from watchers import tcp_pair

from pounce_workers.net.blocking_transport import BlockingTransport
from pounce_workers.net.deadlines import NEVER
from pounce_workers.net.one_shot import PolledOneShot, new_one_shot
from pounce_workers.net.parking import ParkingLot
from pounce_workers.net.readiness import SelectReadiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HANGS_AFTER = 10.0


class Place:
    """A lot, its attendant, and one connection in it."""

    def __init__(self, lot_on: Callable[[], Any], write_stall: float = 30.0) -> None:
        self.lot = ParkingLot(self, lot_on())
        self.wanted: list[BlockingTransport] = []
        server, self.client = tcp_pair()
        server.setblocking(False)
        self.client.settimeout(HANGS_AFTER)
        for sock in (server, self.client):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        self.transport = BlockingTransport(server, self.lot, peer=None, local=None, write_stall=write_stall)
        self.on_data: Callable[[Any, bytes], object] | None = None
        self.transport.start(lambda transport: Protocol(transport, self._on_data))
        self.protocol: Any = self.transport.protocol

    def _on_data(self, transport: Any, data: bytes) -> None:
        if self.on_data is not None:
            self.on_data(transport, data)

    def attend(self, transport: BlockingTransport) -> None:
        assert not transport.parked

    def ready(self, transport: BlockingTransport) -> None:
        assert not transport.parked
        self.wanted.append(transport)

    def turn_until(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + HANGS_AFTER
        while not true():
            assert time.monotonic() < end
            self.lot.turn(0.05)
            self.lot.expire(time.monotonic())

    def read_all(self) -> bytes:
        data = b""
        while part := self.client.recv(65536):
            data += part
        return data


@pytest.fixture(params=["best", "select"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    made = Place(new_one_shot if request.param == "best" else lambda: PolledOneShot(SelectReadiness()))
    yield made
    made.client.close()
    if not made.transport.lost:
        made.transport.abort()
    made.lot.close()


def test_one_with_something_to_read_is_handed_on_once_and_belongs_to_a_worker_until_it_is_parked(place: Place) -> None:
    place.lot.park(place.transport)
    place.lot.turn(0)
    assert not place.wanted
    place.client.send(b"abc")
    place.turn_until(lambda: place.wanted)
    place.lot.turn(0.01)
    assert place.wanted == [place.transport]
    assert not place.lot.claim(place.transport)
    place.transport.deadline = 0.0
    place.lot.expire(time.monotonic())
    assert place.protocol.calls == [], "its deadlines rest while a worker has it"
    data = place.transport.on_readable()
    assert data == b"abc"
    place.transport.deadline = NEVER
    place.lot.park(place.transport)
    place.client.close()
    place.turn_until(lambda: len(place.wanted) == 2)
    assert place.transport.on_readable() is None
    assert place.protocol.calls == ["eof"]


def test_a_deadline_expires_in_the_lot(place: Place) -> None:
    place.transport.deadline = time.monotonic() + 0.02
    place.lot.park(place.transport)
    place.turn_until(lambda: place.protocol.calls)
    assert place.protocol.calls == ["deadline"]
    assert place.transport.parked


def test_what_waits_is_sent_from_the_lot(place: Place) -> None:
    place.transport.write(BIG)
    assert place.transport.congested
    assert place.transport.sending
    place.transport.close()
    place.lot.park(place.transport)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(place.read_all()))
    reader.start()
    place.turn_until(lambda: place.transport.lost)
    reader.join(HANGS_AFTER)
    assert received == [BIG]
    assert place.protocol.calls == ["lost"]
    assert not place.wanted
    assert not list(place.lot.members())


def test_room_is_told_of_and_what_the_protocol_does_then_is_a_workers(place: Place) -> None:
    place.protocol.writable = lambda: place.transport.turns.call_soon(place.protocol.calls.append, "turn")
    place.transport.write(BIG)
    place.lot.park(place.transport)
    received = 0
    while not place.wanted:
        received += len(place.client.recv(65536))
        place.lot.turn(0)
    assert place.protocol.calls == []
    place.transport.turns.run()
    assert place.protocol.calls == ["turn"]


def test_a_lingering_end_is_the_lots(place: Place) -> None:
    place.transport.write(b"answer")
    place.transport.close(linger=True)
    place.lot.park(place.transport)
    assert place.read_all() == b"answer"
    place.client.send(bytes(50_000))
    place.client.shutdown(socket.SHUT_WR)
    place.turn_until(lambda: place.transport.lost)
    assert (place.protocol.calls, place.protocol.error, place.wanted) == (["lost"], None, [])


def test_a_client_that_resets_while_it_is_not_listened_to(place: Place) -> None:
    place.transport.pause_reading()
    place.lot.park(place.transport)
    place.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    place.client.close()
    # Reading is given up only when there is something: a worker looks, and parks it again.
    place.turn_until(lambda: place.wanted)
    assert place.transport.on_readable() is None
    place.lot.park(place.transport)
    if isinstance(place.lot._shots, PolledOneShot):
        return  # select() reports no failure that it was not asked for; the next write or deadline finds it
    place.turn_until(lambda: place.transport.lost)
    assert isinstance(place.protocol.error, ConnectionResetError)


def test_what_fails_takes_its_own_connection_only(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("on purpose")

    place.protocol.deadline_expired = fail
    place.transport.deadline = 0.0
    place.lot.park(place.transport)
    place.turn_until(lambda: place.transport.lost)
    assert place.protocol.calls == ["lost"]
    assert "on purpose" in caplog.text


def test_after_the_end_of_the_lot_connections_end(place: Place) -> None:
    place.lot.close()
    place.lot.park(place.transport)
    assert place.protocol.calls == ["lost"]


def test_a_socket_can_be_released_to_somebody_else(place: Place) -> None:
    place.lot.park(place.transport)
    assert place.lot.claim(place.transport)
    with place.transport.release() as sock:
        assert place.protocol.calls == ["lost"]
        assert not list(place.lot.members())
        place.client.send(b"x")
        place.lot.turn(0.01)
        assert not place.wanted
        assert sock.recv(1) == b"x"


# -- waiting on a transport ------------------------------------------------------------------------------------------


def test_a_thread_waits_for_bytes_for_the_end_and_for_the_time_limit(place: Place) -> None:
    place.client.send(b"abc")
    assert place.transport.receive(HANGS_AFTER)
    assert place.protocol.data == b"abc"
    assert not place.transport.receive(0.01)
    assert place.protocol.calls == ["data", "deadline"]
    timer = threading.Timer(0.02, place.client.send, [b"def"])
    timer.start()
    assert place.transport.receive(HANGS_AFTER)
    timer.join()
    assert place.protocol.data == b"abcdef"
    place.client.shutdown(socket.SHUT_WR)
    assert not place.transport.receive(HANGS_AFTER)
    assert place.protocol.calls[-1] == "eof"
    place.client.close()


def test_a_thread_waits_for_room(place: Place) -> None:
    place.transport.write(BIG)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(place.read_all()))
    reader.start()
    place.transport.await_room()
    assert not place.transport.congested
    assert place.protocol.calls == ["writable"]
    place.transport.close()
    while not place.transport.lost:
        place.transport._send_more()
    reader.join(HANGS_AFTER)
    assert received == [BIG]


def test_a_file_is_sent_when_sendfile_returns(place: Place, big_file: Any) -> None:
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(place.read_all()))
    reader.start()
    place.transport.write(b"head")
    done = place.transport.sendfile(big_file, 100, 2_000_000)
    assert done.result() == 2_000_000
    place.transport.close()
    reader.join(HANGS_AFTER)
    assert received == [b"head" + BIG[100:2_000_100]]


def test_a_client_that_reads_nothing_is_given_up() -> None:
    place = Place(new_one_shot, write_stall=0.05)
    with place.client:
        place.transport.write(BIG)
        place.transport.await_room()
        assert isinstance(place.protocol.error, TimeoutError)
        assert place.protocol.calls == ["lost"]
    place.lot.close()


def test_being_cut_off_ends_every_wait(place: Place, big_file: Any) -> None:
    def cut_soon() -> threading.Timer:
        timer = threading.Timer(0.02, place.transport.cut)
        timer.start()
        return timer

    timer = cut_soon()
    assert not place.transport.receive(HANGS_AFTER)
    assert place.protocol.calls == ["eof"]
    timer.join()
    done = place.transport.sendfile(big_file, 0, None)
    assert isinstance(done.exception(), OSError)
    place.transport.turns.run()
    assert place.protocol.calls == ["eof", "lost"]
    with pytest.raises(ConnectionResetError):
        place.read_all()
    place.transport.cut()
