"""From acceptance to the end of the PROXY header, under the transport of async workers, on every loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from typing import TYPE_CHECKING, Any

import pytest
from loops import run_on
from proxy_headers import addresses, binary
from tls_doubles import server_context
from transport_doubles import ManualSweeper, Protocol
from watchers import tcp_pair

from pounce_workers.net.loop import poller_of
from pounce_workers.net.proxy_entrance import HEADER_TIMEOUT, ProxyEntrances, ProxyHeaderSocket
from pounce_workers.net.tls_engines import wrap_tls
from pounce_workers.net.tls_entrance import TlsEntrances
from pounce_workers.net.transport import SocketTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n"
BINARY = binary(rest=addresses())
REQUEST = b"GET / HTTP/1.1\r\n\r\n"
LB = ("10.0.0.1", 51234)
HERE = ("10.0.0.2", 8000)


class House:
    """A worker, as far as PROXY headers are concerned."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.sweeper = ManualSweeper()
        self.entrances = ProxyEntrances(self.go_on, clock=self.sweeper, trusts=lambda host: host in ("10.0.0.1", None))
        self.tls: TlsEntrances | None = None
        self.served: list[Protocol] = []
        self.headers: list[Any] = []
        self.transports: list[SocketTransport] = []
        self.clients: list[socket.socket] = []
        self.news = asyncio.Event()

    def new_transport(self, sock: Any, peer: Any, local: Any) -> SocketTransport:
        transport = SocketTransport(
            sock,
            loop=self.loop,
            poller=poller_of(self.loop),
            sweeper=self.sweeper,  # type: ignore[arg-type]
            peer=peer,
            local=local,
            write_stall=30.0,
        )
        self.transports.append(transport)
        return transport

    def go_on(self, sock: Any, peer: Any, local: Any, header: Any) -> None:
        self.headers.append(header)
        if self.tls is None:
            self.new_transport(sock, peer, local).start(self.serve)
        else:
            self.new_transport(wrap_tls(sock, server_context()), peer, local).start(self.tls.connect)

    def serve(self, transport: SocketTransport, *_: object) -> Any:
        protocol = Protocol(transport, lambda transport, data: transport.write(data))
        self.served.append(protocol)
        self.news.set()
        return protocol

    def connect(self, *, peer: Any = LB, first: bytes = b"") -> socket.socket:
        """A new connection, on which something may have come already; the client's end of it."""
        server, client = tcp_pair()
        server.setblocking(False)
        client.setblocking(False)
        self.clients.append(client)
        if first:
            client.send(first)
        self.new_transport(ProxyHeaderSocket(server), peer, HERE).start(self.entrances.connect)
        return client

    async def serves(self) -> Protocol:
        await self.news.wait()
        return self.served[-1]

    async def ended(self, client: socket.socket) -> bytes:
        """What the client got before its connection ended, in order or not."""
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while part := await self.loop.sock_recv(client, 4096):
                data += part
        return data


@contextlib.asynccontextmanager
async def house() -> AsyncIterator[House]:
    made = House()
    try:
        yield made
    finally:
        for client in made.clients:
            client.close()
        for transport in made.transports:
            transport.abort()
        await asyncio.sleep(0)
        assert not made.sweeper.members
        assert not made.entrances.members


@pytest.fixture
def in_house(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> Callable[..., None]:
    """Runs a scenario with a house on every loop."""

    def run(scenario: Callable[[House], Awaitable[None]]) -> None:
        async def main() -> None:
            async with house() as made:
                await scenario(made)

        run_on(make_loop, main)

    return run


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.WARNING, logger="pounce.worker")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("header", [LINE, BINARY], ids=["line", "binary"])
@pytest.mark.parametrize("together", [True, False])
def test_the_client_is_the_one_of_the_header(in_house: Any, warnings: Any, header: bytes, together: bool) -> None:
    async def scenario(here: House) -> None:
        client = here.connect(first=header + REQUEST if together else b"")
        if not together:
            for byte in header:
                await here.loop.sock_sendall(client, bytes([byte]))
                await asyncio.sleep(0)
            await here.serves()
            await here.loop.sock_sendall(client, REQUEST)
        protocol = await here.serves()
        await protocol.receives(len(REQUEST))
        assert protocol.data == REQUEST
        assert protocol.transport.peer == ("192.0.2.7", 4711)
        assert protocol.transport.local == ("198.51.100.1", 443)
        assert here.headers[0].relayed
        assert here.sweeper.members == {protocol.transport}
        assert await here.loop.sock_recv(client, 100) == REQUEST

    in_house(scenario)
    assert warnings() == []


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", binary(0x20, 0)])
def test_a_proxy_that_speaks_for_itself(in_house: Any, header: bytes) -> None:
    async def scenario(here: House) -> None:
        here.connect(first=header)
        transport = (await here.serves()).transport
        assert (transport.peer, transport.local) == (LB, HERE)
        assert not here.headers[0].relayed

    in_house(scenario)


def test_over_unix_sockets(in_house: Any) -> None:
    async def scenario(here: House) -> None:
        here.connect(peer=None, first=binary(family=0x31, rest=bytes(108) + b"/run/x".ljust(108, b"\0")))
        transport = (await here.serves()).transport
        assert (transport.peer, transport.local) == (None, ("/run/x", None))

    in_house(scenario)


def test_tls_begins_after_it(in_house: Any) -> None:
    async def scenario(here: House) -> None:
        here.tls = TlsEntrances(here.serve, clock=here.sweeper)
        client = here.connect(first=LINE)
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(sock=client, ssl=context, server_hostname="localhost")
        writer.write(REQUEST)
        assert await reader.readexactly(len(REQUEST)) == REQUEST
        transport = (await here.serves()).transport
        assert transport.peer == ("192.0.2.7", 4711)
        assert transport.scheme == "https"
        writer.transport.abort()
        assert not here.tls.members

    in_house(scenario)


# What is sent, and what the line in the log ends with.
REFUSED = [
    (REQUEST, "it sent no PROXY header"),
    (b"\x16\x03\x01\x02\x00", "it sent no PROXY header"),
    (b"PROXY TCP4 nonsense\r\n", "it sent a malformed PROXY line"),
    (b"PROXY TCP4 " + b"1" * 200, "it sent a PROXY line longer than 107 bytes"),
    (binary(0x2F), "it sent an unknown version or command in a PROXY header: 0x2f"),
]


@pytest.mark.parametrize(("sent", "line"), REFUSED)
@pytest.mark.parametrize("at_once", [True, False])
def test_whoever_sends_something_else(in_house: Any, warnings: Any, sent: bytes, line: str, at_once: bool) -> None:
    async def scenario(here: House) -> None:
        client = here.connect(first=sent if at_once else b"")
        if not at_once:
            await here.loop.sock_sendall(client, sent)
        assert await here.ended(client) == b""
        assert here.served == []

    in_house(scenario)
    assert warnings() == [f"Closed a connection of 10.0.0.1:51234: {line}"]


def test_whoever_is_not_trusted(in_house: Any, warnings: Any) -> None:
    async def scenario(here: House) -> None:
        client = here.connect(peer=("192.0.2.66", 1), first=LINE + REQUEST)
        assert await here.ended(client) == b""
        assert here.served == []

    in_house(scenario)
    (line,) = warnings()
    assert line.startswith("Closed a connection of 192.0.2.66:1: its address is not trusted")


def test_whoever_takes_too_long(in_house: Any, warnings: Any) -> None:
    async def scenario(here: House) -> None:
        client = here.connect(first=LINE[:20])
        here.sweeper.pass_time(HEADER_TIMEOUT - 0.01)
        assert here.entrances.members
        here.sweeper.pass_time(0.01)
        assert await here.ended(client) == b""

    in_house(scenario)
    (line,) = warnings()
    assert line.endswith("did not come in time")


def test_the_deadline_ends_with_the_header(in_house: Any) -> None:
    async def scenario(here: House) -> None:
        here.connect(first=LINE)
        protocol = await here.serves()
        here.sweeper.pass_time(HEADER_TIMEOUT + 1)
        assert protocol.calls == []

    in_house(scenario)


@pytest.mark.parametrize(("sent", "lines"), [(b"", 0), (LINE[:9], 1)])
def test_whoever_goes(in_house: Any, warnings: Any, sent: bytes, lines: int) -> None:
    """A check that somebody listens is no news; half a header is."""

    async def scenario(here: House) -> None:
        client = here.connect(first=sent)
        client.shutdown(socket.SHUT_WR)
        assert await here.ended(client) == b""

    in_house(scenario)
    assert len(warnings()) == lines


def test_a_reset(in_house: Any) -> None:
    async def scenario(here: House) -> None:
        client = here.connect(first=LINE[:9])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        while here.entrances.members:  # noqa: ASYNC110 - those who change it tell nobody
            await asyncio.sleep(0)

    in_house(scenario)


@pytest.mark.parametrize("end", ["begin_drain", "abort"])
def test_the_server_stops(in_house: Any, end: str) -> None:
    async def scenario(here: House) -> None:
        client = here.connect(first=LINE[:9])
        getattr(here.entrances, end)()
        assert await here.ended(client) == b""

    in_house(scenario)


def test_the_socket_is_closed_when_nobody_can_take_it(in_house: Any) -> None:
    async def scenario(here: House) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError("broken")

        here.entrances.go_on = broken
        client, server = socket.socketpair()
        with client:
            server.setblocking(False)
            client.send(LINE)
            with pytest.raises(RuntimeError, match="broken"):
                here.new_transport(ProxyHeaderSocket(server), LB, HERE).start(here.entrances.connect)
            assert server.fileno() == -1

    in_house(scenario)
