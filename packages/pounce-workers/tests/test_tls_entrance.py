"""From acceptance to the protocol that was agreed on, under the transport of async workers, on every loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest
from loops import OURS, run_on
from tls_doubles import V12, V13, VERSIONS, MemoryClient, client_thread, ktls, server_context
from transport_doubles import ManualSweeper, Protocol
from watchers import tcp_pair

from pounce_workers.net.loop import poller_of
from pounce_workers.net.movable_transport import MovableTransport
from pounce_workers.net.tls_engines import wrap_tls
from pounce_workers.net.tls_entrance import TlsEntrance, TlsEntrances
from pounce_workers.net.tls_socket import TlsSocket
from pounce_workers.net.transport import SocketTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

CONTEXT = server_context("h2", "http/1.1")
KTLS_CONTEXT = ktls(server_context("h2", "http/1.1"))
TEN_MIB = random.Random(3).randbytes(1 << 20) * 10
every_version = pytest.mark.parametrize("version", VERSIONS)


class House:
    """A worker, as far as TLS is concerned: transports, entrances, and the protocols behind them."""

    def __init__(self, context: ssl.SSLContext = CONTEXT) -> None:
        self.loop = asyncio.get_running_loop()
        self.sweeper = ManualSweeper()
        self.context = context
        self.entrances = TlsEntrances(lambda *what: self.choice(*what), clock=self.sweeper)
        self.on_data: Callable[[SocketTransport, bytes], object] = lambda transport, data: transport.write(data)
        self.choice: Callable[..., Any] = self.choose
        self.greeting = b""
        self.chosen: list[str | None] = []
        self.protocols: list[Protocol] = []
        self.transports: list[SocketTransport] = []
        self.news = asyncio.Event()
        self.clients: list[socket.socket] = []

    def choose(self, transport: SocketTransport, alpn: str | None) -> Any:
        self.chosen.append(alpn)
        protocol = Protocol(transport, self.on_data)
        self.protocols.append(protocol)
        if self.greeting:
            transport.write(self.greeting)
        self.news.set()
        return protocol

    async def enters(self, count: int = 1) -> Protocol:
        while len(self.protocols) < count:
            self.news.clear()
            await self.news.wait()
        return self.protocols[-1]

    def accept(self, sock: Any, kind: type[SocketTransport] = SocketTransport) -> SocketTransport:
        """What a worker does with a connection."""
        transport = kind(
            wrap_tls(sock, self.context),
            loop=self.loop,
            poller=poller_of(self.loop),
            sweeper=self.sweeper,  # type: ignore[arg-type]
            peer=("192.0.2.7", 51234),
            local=None,
            write_stall=30.0,
        )
        self.transports.append(transport)
        transport.start(self.entrances.connect)
        return transport

    def connect(self, **options: Any) -> socket.socket:
        """A new connection; the client's end of it."""
        server, client = tcp_pair()
        self.clients.append(client)
        self.accept(server, **options)
        return client

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for transport in self.transports:
            transport.abort()


@contextlib.asynccontextmanager
async def house(**options: Any) -> AsyncIterator[House]:
    made = House(**options)
    try:
        yield made
    finally:
        made.close()
        await asyncio.sleep(0)
        assert not made.sweeper.members
        assert not made.entrances.members


@pytest.fixture
def in_house(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> Callable[..., None]:
    """Runs a scenario with a house on every loop."""
    return lambda scenario, **options: _run(make_loop, scenario, **options)


@pytest.fixture
def at_home() -> Callable[..., None]:
    """Runs a scenario with a house on our own loop."""
    return lambda scenario, **options: _run(OURS["serving"], scenario, **options)


def _run(make_loop: Any, scenario: Callable[[House], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with house(**options) as made:
            await scenario(made)

    run_on(make_loop, main)


async def ends(client: Any) -> None:
    """The thread of a client has done what it wanted."""
    await asyncio.to_thread(client.join, 10)
    assert not client.is_alive()
    assert client.errors == []


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until it is so."""
    while not true():  # noqa: ASYNC110 - those who change it tell nobody
        await asyncio.sleep(0)


def blocking(sock: socket.socket) -> socket.socket:
    sock.settimeout(10)
    return sock


both_engines = pytest.mark.parametrize("context", [CONTEXT, KTLS_CONTEXT], ids=["memory", "ktls"])


@every_version
@both_engines
def test_a_client_is_served(in_house: Callable[..., None], version: ssl.TLSVersion, context: ssl.SSLContext) -> None:
    async def scenario(it: House) -> None:
        def talk(tls: ssl.SSLSocket) -> None:
            for word in (b"one", b"two", b"three"):
                tls.sendall(word)
                assert tls.recv(100) == word
            tls.unwrap().close()

        client = client_thread(blocking(it.connect()), version, talk, alpn=["http/1.1"])
        protocol = await it.enters()
        assert it.transports[0].scheme == "https"
        assert it.transports[0].protocol is protocol
        await protocol.hears("eof")
        it.transports[0].close()
        await ends(client)
        assert protocol.data == b"onetwothree"
        assert it.chosen == ["http/1.1"]

    in_house(scenario, context=context)


@every_version
@both_engines
def test_a_protocol_may_speak_first(
    in_house: Callable[..., None], version: ssl.TLSVersion, context: ssl.SSLContext
) -> None:
    async def scenario(it: House) -> None:
        it.greeting = b"SETTINGS"

        def talk(tls: ssl.SSLSocket) -> None:
            assert tls.recv(100) == b"SETTINGS"
            tls.sendall(b"thanks")
            assert tls.recv(100) == b"thanks"

        client = client_thread(blocking(it.connect()), version, talk, alpn=["h2"])
        await ends(client)
        assert it.chosen == ["h2"]

    in_house(scenario, context=context)


@every_version
@both_engines
def test_a_big_upload_and_a_big_download(
    at_home: Callable[..., None], version: ssl.TLSVersion, context: ssl.SSLContext
) -> None:
    async def scenario(it: House) -> None:
        it.on_data = lambda *_: None
        big = TEN_MIB if context is CONTEXT else TEN_MIB[: 1 << 20]

        def talk(tls: ssl.SSLSocket) -> None:
            tls.sendall(big)
            got = bytearray()
            while len(got) < len(big):
                got += tls.recv(1 << 18)
            assert got == big

        client = client_thread(blocking(it.connect()), version, talk)
        protocol = await it.enters()
        received = bytearray()

        def take(data: bytes) -> None:
            received.extend(data)
            it.news.set()

        it.transports[0].deliver = take
        received += protocol.data
        while len(received) < len(big):
            it.news.clear()
            await it.news.wait()
        assert received == big
        it.transports[0].write(big)
        assert it.transports[0].congested, (protocol.calls, protocol.error)
        await protocol.hears("writable")
        await ends(client)

    at_home(scenario, context=context)


@both_engines
def test_a_file(in_house: Callable[..., None], big_file: Any, context: ssl.SSLContext) -> None:
    async def scenario(it: House) -> None:
        whole = big_file.read()

        def talk(tls: ssl.SSLSocket) -> None:
            got = bytearray()
            while part := tls.recv(1 << 18):
                got += part
            assert bytes(got) == b"<" + whole + b">"

        client = client_thread(blocking(it.connect()), V13, talk)
        await it.enters()
        transport = it.transports[0]
        transport.write(b"<")
        done = transport.sendfile(big_file, 0, None)
        transport.write(b">")
        transport.close()
        await ends(client)
        assert await done == len(whole)

    in_house(scenario, context=context)


@both_engines
def test_a_slow_reader_holds_up_the_application_and_nobody_else(
    in_house: Callable[..., None], context: ssl.SSLContext
) -> None:
    async def scenario(it: House) -> None:
        it.on_data = lambda transport, data: transport.write(data * 4_000_000 if data == b"x" else data)
        slow = MemoryClient()
        sock = it.connect()
        await _shake_hands(it, slow, sock)
        await it.loop.sock_sendall(sock, slow.encrypt(b"x"))
        protocol = await it.enters()
        await protocol.hears("data")
        transport = it.transports[0]
        assert transport.congested

        def talk(tls: ssl.SSLSocket) -> None:
            tls.sendall(b"a")
            assert tls.recv(1) == b"a"

        await ends(client_thread(blocking(it.connect()), V13, talk))
        assert "writable" not in protocol.calls
        got = 0
        while got < 4_000_000:
            slow.turn(await it.loop.sock_recv(sock, 1 << 16))
            got += len(slow.received)
            slow.received = b""
        await protocol.hears("writable")
        assert not transport.congested

    in_house(scenario, context=context)


async def _shake_hands(it: House, client: MemoryClient, sock: socket.socket) -> None:
    out = client.turn()
    while not client.shaken:
        await it.loop.sock_sendall(sock, out)
        out = client.turn(await it.loop.sock_recv(sock, 65536))
    await it.loop.sock_sendall(sock, out)
    if client.tls.version() == "TLSv1.2":
        return
    await it.enters()


def test_a_request_that_comes_with_the_end_of_the_handshake(in_house: Callable[..., None]) -> None:
    async def scenario(it: House) -> None:
        client, sock = MemoryClient(V13), it.connect()
        await it.loop.sock_sendall(sock, client.turn())
        last = b""
        while not client.shaken:
            last = client.turn(await it.loop.sock_recv(sock, 65536))
        await it.loop.sock_sendall(sock, last + client.encrypt(b"GET"))
        protocol = await it.enters()
        await protocol.hears("data")
        assert protocol.data == b"GET"
        client.turn(await it.loop.sock_recv(sock, 65536))
        while client.received != b"GET":
            client.turn(await it.loop.sock_recv(sock, 65536))

    in_house(scenario)


# -- handshakes that come to nothing ---------------------------------------------------------------------------------


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG and "pounce" in record.name]
    return [record.getMessage() for record in caplog.records if record.name == "pounce.worker"]


@both_engines
def test_a_silent_client_has_its_time(
    in_house: Callable[..., None], caplog: pytest.LogCaptureFixture, context: ssl.SSLContext
) -> None:
    caplog.set_level(logging.DEBUG, "pounce.worker")

    async def scenario(it: House) -> None:
        sock = it.connect()
        half = it.connect()
        await it.loop.sock_sendall(half, MemoryClient().turn()[:50])
        it.sweeper.pass_time(9.9)
        assert len(it.entrances.members) == 2
        it.sweeper.pass_time(0.2)
        assert await it.loop.sock_recv(sock, 1) == b""
        with contextlib.suppress(ConnectionResetError):
            assert await it.loop.sock_recv(half, 1) == b""
        assert not it.entrances.members

    in_house(scenario, context=context)
    assert _said(caplog) == ["No TLS handshake with 192.0.2.7:51234: it took too long"] * 2


@every_version
@both_engines
def test_a_client_that_resets(
    in_house: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    version: ssl.TLSVersion,
    context: ssl.SSLContext,
) -> None:
    caplog.set_level(logging.DEBUG, "pounce.worker")

    async def scenario(it: House) -> None:
        sock = it.connect()
        await it.loop.sock_sendall(sock, MemoryClient(version).turn())
        assert await it.loop.sock_recv(sock, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        await until(lambda: not it.entrances.members)
        assert it.transports[0].closing

    in_house(scenario, context=context)
    (line,) = _said(caplog)
    assert "reset" in line or "closed" in line


@both_engines
def test_a_client_that_leaves(
    in_house: Callable[..., None], caplog: pytest.LogCaptureFixture, context: ssl.SSLContext
) -> None:
    caplog.set_level(logging.DEBUG, "pounce.worker")

    async def scenario(it: House) -> None:
        early, late = it.connect(), it.connect()
        early.close()
        await it.loop.sock_sendall(late, MemoryClient().turn())
        assert await it.loop.sock_recv(late, 65536)
        late.shutdown(socket.SHUT_WR)
        await until(lambda: not it.entrances.members)

    in_house(scenario, context=context)
    assert len(_said(caplog)) == 2


@both_engines
def test_a_client_that_trusts_nobody(
    in_house: Callable[..., None], caplog: pytest.LogCaptureFixture, context: ssl.SSLContext
) -> None:
    caplog.set_level(logging.DEBUG, "pounce.worker")

    async def scenario(it: House) -> None:
        def connect(sock: socket.socket) -> None:
            with pytest.raises(ssl.SSLCertVerificationError):
                ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")

        await asyncio.to_thread(connect, blocking(it.connect()))
        await until(lambda: not it.entrances.members)
        assert it.chosen == []

    in_house(scenario, context=context)
    (line,) = _said(caplog)
    assert "unknown ca" in line


@both_engines
@pytest.mark.parametrize("cut", [1, 3, 1000])
def test_http_in_the_clear_is_told_so(
    in_house: Callable[..., None], caplog: pytest.LogCaptureFixture, cut: int, context: ssl.SSLContext
) -> None:
    caplog.set_level(logging.DEBUG, "pounce.worker")
    request = b"POST /secret HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n" + bytes(100_000)

    async def scenario(it: House) -> None:
        sock = it.connect()
        await it.loop.sock_sendall(sock, request[:cut])
        answer = await it.loop.sock_recv(sock, 65536)
        await it.loop.sock_sendall(sock, request[cut:])
        while part := await it.loop.sock_recv(sock, 65536):  # no reset, though it is still sending
            answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert f"content-length: {len(body)}".encode() in head
        assert b"https://" in body
        assert it.chosen == []

    in_house(scenario, context=context)
    assert _said(caplog) == ["No TLS handshake with 192.0.2.7:51234: it does not speak TLS but HTTP"]


def test_a_full_socket_within_the_handshake(in_house: Callable[..., None]) -> None:
    class Reluctant(socket.socket):
        """Takes little, and not always."""

        calls = 0

        def send(self, data: Any, flags: int = 0) -> int:
            self.calls += 1
            if self.calls % 3:
                raise BlockingIOError
            return super().send(data[:100], flags)

    async def scenario(it: House) -> None:
        server, client = tcp_pair()
        it.clients.append(client)
        it.accept(Reluctant(fileno=server.detach()))

        def talk(tls: ssl.SSLSocket) -> None:
            tls.sendall(b"x" * 1000)
            got = b""
            while len(got) < 1000:
                got += tls.recv(1000)

        await ends(client_thread(blocking(client), V13, talk))

    in_house(scenario)


# -- what a protocol may do at once ----------------------------------------------------------------------------------


def test_a_protocol_that_closes_at_once(at_home: Callable[..., None]) -> None:
    async def scenario(it: House) -> None:
        def choose(transport: SocketTransport, _: str | None) -> Any:
            protocol = Protocol(transport, None)
            it.protocols.append(protocol)
            it.news.set()
            transport.write(b"no room")
            transport.close(linger=True)
            return protocol

        it.choice = choose

        def talk(tls: ssl.SSLSocket) -> None:
            assert tls.recv(100) == b"no room"
            assert tls.recv(100) == b""

        await ends(client_thread(blocking(it.connect()), V13, talk))
        protocol = await it.enters()
        await protocol.hears("lost")
        assert protocol.calls == ["lost"]

    at_home(scenario)


def test_a_protocol_that_aborts_at_once(at_home: Callable[..., None]) -> None:
    async def scenario(it: House) -> None:
        def choose(transport: SocketTransport, _: str | None) -> Any:
            protocol = Protocol(transport, None)
            it.protocols.append(protocol)
            it.news.set()
            transport.abort()
            return protocol

        it.choice = choose
        client, sock = MemoryClient(V13), it.connect()
        await _shake_hands(it, client, sock)
        protocol = await it.enters()
        await protocol.hears("lost")

    at_home(scenario)


def test_a_choice_that_fails_ends_the_connection(at_home: Callable[..., None]) -> None:
    async def scenario(it: House) -> None:
        def choose(*_: object) -> Any:
            raise LookupError("no such protocol")

        it.choice = choose
        unforeseen: list[Any] = []
        it.loop.set_exception_handler(lambda _, context: unforeseen.append(context.get("exception")))
        client, sock = MemoryClient(V12), it.connect()
        await it.loop.sock_sendall(sock, client.turn())
        while not client.shaken:
            try:
                out = client.turn(await it.loop.sock_recv(sock, 65536))
            except ConnectionResetError:
                break
            with contextlib.suppress(ConnectionError):
                await it.loop.sock_sendall(sock, out)
        await until(lambda: unforeseen)
        assert [type(error) for error in unforeseen] == [LookupError]
        assert it.transports[0].closing

    at_home(scenario)


@pytest.mark.parametrize("early", [True, False])
@both_engines
def test_a_connection_is_given_away_by_its_socket(
    in_house: Callable[..., None], early: bool, context: ssl.SSLContext
) -> None:
    async def scenario(it: House) -> None:
        other = House(context)
        given: list[Any] = []

        def choose(transport: SocketTransport, alpn: str | None) -> None:
            assert alpn == "h2"
            given.append(transport.detach())
            it.news.set()

        it.choice = choose
        client, sock = MemoryClient(V13, ["h2"]), it.connect()
        await it.loop.sock_sendall(sock, client.turn())
        last = b""
        while not client.shaken:
            last = client.turn(await it.loop.sock_recv(sock, 65536))
        await it.loop.sock_sendall(sock, last + (client.encrypt(b"PRI") if early else b""))
        while not given:
            it.news.clear()
            await it.news.wait()
        assert it.transports[0].closing
        assert it.chosen == []
        transport = other.accept(given[0])
        assert other.chosen == ["h2"]
        assert transport.scheme == "https"
        await it.loop.sock_sendall(sock, client.encrypt(b" * HTTP/2.0" if early else b"PRI * HTTP/2.0"))
        await other.protocols[0].receives(14)
        assert other.protocols[0].data == b"PRI * HTTP/2.0"
        while client.received != b"PRI * HTTP/2.0":
            client.turn(await it.loop.sock_recv(sock, 65536))
        other.close()
        await asyncio.sleep(0)

    in_house(scenario, context=context)


def test_a_connection_moves_within_its_handshake(in_house: Callable[..., None]) -> None:
    async def scenario(it: House) -> None:
        other = House()
        client, sock = MemoryClient(V13), it.connect()
        await it.loop.sock_sendall(sock, client.turn())
        out = client.turn(await it.loop.sock_recv(sock, 65536))
        assert isinstance(it.transports[0].protocol, TlsEntrance)
        other.accept(it.transports[0].detach())
        await it.loop.sock_sendall(sock, out + client.encrypt(b"x"))
        protocol = await other.enters()
        await protocol.hears("data")
        assert it.chosen == []
        other.close()
        await asyncio.sleep(0)

    in_house(scenario)


@both_engines
def test_a_movable_transport(in_house: Callable[..., None], context: ssl.SSLContext) -> None:
    async def scenario(it: House) -> None:
        client, sock = MemoryClient(V13), it.connect(kind=MovableTransport)
        await _shake_hands(it, client, sock)
        transport: Any = it.transports[0]
        transport.leave()
        await it.loop.sock_sendall(sock, client.encrypt(b"hello"))
        transport.enter(it.loop, poller_of(it.loop), it.sweeper)
        transport.watch()
        await it.protocols[0].hears("data")
        while client.received != b"hello":
            client.turn(await it.loop.sock_recv(sock, 65536))

    in_house(scenario, context=context)


def test_the_end_of_the_worker(at_home: Callable[..., None]) -> None:
    async def scenario(it: House) -> None:
        drained = it.connect()
        it.entrances.begin_drain()
        assert await it.loop.sock_recv(drained, 1) == b""
        aborted = it.connect()
        it.entrances.abort()
        with pytest.raises(ConnectionResetError):
            await it.loop.sock_recv(aborted, 1)
        await asyncio.sleep(0)

    at_home(scenario)


# -- many ------------------------------------------------------------------------------------------------------------


@every_version
def test_many_handshakes_beside_a_connection_that_is_served(
    at_home: Callable[..., None], version: ssl.TLSVersion
) -> None:
    async def scenario(it: House) -> None:
        enough = threading.Event()
        answered: list[int] = []

        def talk(tls: ssl.SSLSocket) -> None:
            while not enough.is_set():
                tls.sendall(b"x")
                assert tls.recv(1) == b"x"
                answered.append(len(it.chosen))

        served = client_thread(blocking(it.connect()), version, talk)
        await it.enters()
        others = [(MemoryClient(version), it.connect()) for _ in range(200)]
        await asyncio.gather(*(_shake_hands(it, client, sock) for client, sock in others))
        await it.enters(201)
        enough.set()
        await ends(served)
        assert any(1 <= done < 201 for done in answered), "it had to wait for all of them"

    at_home(scenario)


def test_no_callback_stays_behind(at_home: Callable[..., None]) -> None:
    """Nothing for the garbage collector, which stops all threads on free-threaded builds."""

    async def scenario(it: House) -> None:
        client, sock = MemoryClient(V13), it.connect()
        await _shake_hands(it, client, sock)
        tls: Any = it.transports[0].sock
        assert isinstance(tls, TlsSocket)
        assert tls.on_handshake is None
        it.transports[0].close()
        assert tls.on_stuck is None

    at_home(scenario)
