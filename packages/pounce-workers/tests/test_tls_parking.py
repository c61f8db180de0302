"""TLS under blocking workers: the parking thread shakes hands, and a worker hears of a connection with its request."""

from __future__ import annotations

import contextlib
import queue
import random
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tls_doubles import V13, VERSIONS, MemoryClient, client_thread, ktls, server_context
from transport_doubles import Protocol
from watchers import tcp_pair

from pounce_workers.net.blocking_transport import BlockingTransport
from pounce_workers.net.one_shot import PolledOneShot, new_one_shot
from pounce_workers.net.parking import ParkingLot
from pounce_workers.net.readiness import SelectReadiness
from pounce_workers.net.rewound_socket import rewind
from pounce_workers.net.tls_engines import wrap_tls
from pounce_workers.net.tls_entrance import TlsEntrances

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

HANGS_AFTER = 30.0
CONTEXT = server_context("http/1.1")
KTLS_CONTEXT = ktls(server_context("http/1.1"))
BIG = random.Random(9).randbytes(1 << 20) * 10
every_version = pytest.mark.parametrize("version", VERSIONS)


class Place:
    """A lot with its thread, one worker, and what they were asked for, in which thread."""

    def __init__(self, lot_on: Callable[[], Any], context: ssl.SSLContext, timeout: float = HANGS_AFTER) -> None:
        self.context = context
        self.big = BIG if context is CONTEXT else BIG[: 1 << 20]
        self.lot = ParkingLot(self, lot_on())
        self.entrances = TlsEntrances(self._choose, clock=self.lot.clock, handshake_timeout=timeout)
        self.answer: Callable[[BlockingTransport, bytes], object] = lambda transport, data: transport.write(data)
        self.protocols: list[Protocol] = []
        self.threads: list[str] = []
        self.clients: list[socket.socket] = []
        self.wanted: queue.SimpleQueue[BlockingTransport | None] = queue.SimpleQueue()
        self.handed_out = 0
        self.errors: list[BaseException] = []
        self._ends = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(run,), name=name, daemon=True)
            for run, name in ((self._park, "parking"), (self._work, "worker"))
        ]
        for thread in self._threads:
            thread.start()

    def _choose(self, transport: Any, _: str | None) -> Any:
        protocol = Protocol(transport, self._on_data)
        self.protocols.append(protocol)
        return protocol

    def _on_data(self, transport: Any, data: bytes) -> None:
        self.threads.append(threading.current_thread().name)
        self.answer(transport, data)

    def attend(self, transport: BlockingTransport) -> None:
        assert not transport.parked

    def ready(self, transport: BlockingTransport) -> None:
        assert not transport.entering, "its handshake would hold a worker"
        self.handed_out += 1
        self.wanted.put(transport)

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - it belongs to the test
            self.errors.append(error)

    def _park(self) -> None:
        while not self._ends.is_set():
            self.lot.turn(0.01)
            self.lot.expire(time.monotonic())

    def _work(self) -> None:
        while (transport := self.wanted.get()) is not None:
            if transport.turns:
                transport.turns.run()
            elif (data := transport.on_readable()) is not None:
                transport.deliver(data)
            self.lot.settle(transport)

    def connect(self) -> tuple[BlockingTransport, socket.socket]:
        server, client = tcp_pair()
        client.settimeout(HANGS_AFTER)
        self.clients.append(client)
        return self.take_in(wrap_tls(server, self.context)), client

    def take_in(self, sock: socket.socket) -> BlockingTransport:
        transport = BlockingTransport(sock, self.lot, peer=None, local=None, write_stall=HANGS_AFTER)
        transport.start(self.entrances.connect)
        self.lot.settle(transport)
        return transport

    def await_that(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + HANGS_AFTER
        while not true():
            assert time.monotonic() < end
            assert not self.errors
            time.sleep(0.001)

    def close(self) -> None:
        self._ends.set()
        self.lot.wake()
        self.wanted.put(None)
        for thread in self._threads:
            thread.join(HANGS_AFTER)
        for transport in self.lot.members():
            transport.abort()
            transport.turns.run()
        for client in self.clients:
            client.close()
        self.lot.close()
        assert not self.errors
        assert not self.entrances.members


@pytest.fixture(params=["best", "select", "ktls"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    on = (lambda: PolledOneShot(SelectReadiness())) if request.param == "select" else new_one_shot
    made = Place(on, KTLS_CONTEXT if request.param == "ktls" else CONTEXT)
    yield made
    made.close()


def _done(client: Any) -> None:
    client.join(HANGS_AFTER)
    assert not client.is_alive()
    assert client.errors == []


@every_version
def test_a_client_is_served(place: Place, version: ssl.TLSVersion) -> None:
    transport, sock = place.connect()

    def talk(tls: ssl.SSLSocket) -> None:
        place.await_that(lambda: place.protocols)
        assert place.handed_out == 0
        for word in (b"one", b"two", b"three"):
            tls.sendall(word)
            assert tls.recv(100) == word

    _done(client_thread(sock, version, talk))
    assert set(place.threads) == {"worker"}
    assert transport.scheme == "https"


def test_a_request_that_comes_with_the_end_of_the_handshake_is_a_worker_s(place: Place) -> None:
    _, sock = place.connect()
    client = MemoryClient(V13)
    sock.sendall(client.turn())
    last = b""
    while not client.shaken:
        last = client.turn(sock.recv(65536))
    sock.sendall(last + client.encrypt(b"GET"))
    while client.received != b"GET":
        client.turn(sock.recv(65536))
    assert place.threads == ["worker"]


def test_a_silent_client_holds_nobody() -> None:
    place = Place(new_one_shot, CONTEXT, timeout=0.05)
    transport, sock = place.connect()
    sock.sendall(MemoryClient().turn()[:20])
    with contextlib.suppress(ConnectionResetError):  # there were bytes that nobody read
        assert sock.recv(1) == b""
    place.await_that(lambda: transport.lost)
    assert place.handed_out == 0
    place.close()


def test_http_in_the_clear_is_told_so_by_the_parking_thread(place: Place) -> None:
    _, sock = place.connect()
    sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    answer = b""
    while part := sock.recv(65536):
        answer += part
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert place.handed_out == 0


@pytest.mark.parametrize("end", ["close", "reset", "garbage"])
def test_clients_that_end_within_the_handshake(place: Place, end: str) -> None:
    transport, sock = place.connect()
    sock.sendall(b"\x16garbage" if end == "garbage" else MemoryClient().turn()[:100])
    if end == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    if end != "garbage":
        sock.close()
    place.await_that(lambda: transport.lost)
    assert place.handed_out == 0


@every_version
def test_a_big_download_and_a_file(place: Place, version: ssl.TLSVersion, tmp_path: Any) -> None:
    path = tmp_path / "big"
    big = place.big
    path.write_bytes(big)

    def answer(transport: BlockingTransport, _: bytes) -> None:
        transport.write(big)
        transport.await_room()  # the worker waits for the client
        assert not transport.congested
        with path.open("rb") as file:
            assert transport.sendfile(file, 0, None).result() == len(big)
        transport.close()

    place.answer = answer

    def talk(tls: ssl.SSLSocket) -> None:
        tls.sendall(b"GET")
        got = bytearray()
        while part := tls.recv(1 << 18):
            got += part
        assert got == big + big

    _, sock = place.connect()
    _done(client_thread(sock, version, talk))


@every_version
def test_a_big_upload(place: Place, version: ssl.TLSVersion) -> None:
    received, big = bytearray(), place.big

    def answer(transport: BlockingTransport, data: bytes) -> None:
        received.extend(data)
        place.answer = lambda _, more: received.extend(more)
        while len(received) < len(big):
            assert transport.receive(HANGS_AFTER)  # the worker waits for the client
        transport.write(b"thanks")

    place.answer = answer

    def talk(tls: ssl.SSLSocket) -> None:
        tls.sendall(big)
        assert tls.recv(100) == b"thanks"

    _, sock = place.connect()
    _done(client_thread(sock, version, talk))
    assert received == big


def test_a_connection_is_released_and_taken_in_again_with_bytes_that_were_read(place: Place) -> None:
    transport, sock = place.connect()
    client = MemoryClient(V13)
    sock.sendall(client.turn())
    while not client.shaken:
        sock.sendall(client.turn(sock.recv(65536)))
    place.await_that(lambda: place.protocols)
    place.await_that(lambda: transport.parked)
    assert place.lot.claim(transport)
    released = transport.release()
    place.take_in(rewind(released, b"put back "))
    while client.received != b"put back ":
        client.turn(sock.recv(65536))
    sock.sendall(client.encrypt(b"and more"))
    while client.received != b"put back and more":
        client.turn(sock.recv(65536))
    assert place.threads == ["worker", "worker"]
    assert len(place.protocols) == 2


def test_many_handshakes_while_a_worker_is_busy(place: Place) -> None:
    """Nobody needs a worker to get to the point of asking."""
    held, entered = threading.Event(), threading.Event()

    def answer(transport: BlockingTransport, data: bytes) -> None:
        entered.set()
        assert held.wait(HANGS_AFTER)
        transport.write(data)

    place.answer = answer

    def talk(tls: ssl.SSLSocket) -> None:
        tls.sendall(b"x")
        assert tls.recv(1) == b"x"

    first = client_thread(place.connect()[1], V13, talk)
    assert entered.wait(HANGS_AFTER)
    ends = [(MemoryClient(V13), place.connect()[1]) for _ in range(30)]
    for client, sock in ends:
        out = client.turn()
        while not client.shaken:
            sock.sendall(out)
            out = client.turn(sock.recv(65536))
        sock.sendall(out)
    place.await_that(lambda: len(place.protocols) == 31)
    held.set()
    _done(first)
