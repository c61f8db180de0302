"""What surrounds a transport in its tests: a protocol that notes what it hears, a sweeper that waits to be told."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from typing import TYPE_CHECKING, Any, Final

from watchers import tcp_pair

from pounce_workers.net.loop import poller_of
from pounce_workers.net.transport import SocketTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

BIG: Final = random.Random(1).randbytes(3_000_000)
"""More than any buffer of the system takes at once."""


class ManualSweeper:
    """A `DeadlineSweeper` whose time is the test's."""

    def __init__(self) -> None:
        self.soon = 100.0
        self.members: set[Any] = set()

    def add(self, member: Any) -> None:
        self.members.add(member)

    def remove(self, member: Any) -> None:
        self.members.discard(member)

    def pass_time(self, seconds: float) -> None:
        self.soon += seconds
        for member in tuple(self.members):
            member.expire(self.soon)


class Protocol:
    """Notes every call. ``on_data`` is called with the transport and the bytes."""

    idle = True

    def __init__(self, transport: SocketTransport, on_data: Callable[[SocketTransport, bytes], object] | None) -> None:
        self.transport = transport
        self.calls: list[str] = []
        self.data = b""
        self.error: OSError | None = None
        self.news = asyncio.Event()
        self._on_data = on_data

    def data_received(self, data: bytes) -> None:
        assert data
        self.data += data
        self._note("data")
        if self._on_data is not None:
            self._on_data(self.transport, data)

    def eof_received(self) -> None:
        self._note("eof")

    def writable(self) -> None:
        self._note("writable")

    def connection_lost(self, error: OSError | None) -> None:
        self.error = error
        self._note("lost")

    def deadline_expired(self) -> None:
        self._note("deadline")

    def begin_drain(self) -> None:
        self._note("drain")

    async def hears(self, what: str, count: int = 1) -> None:
        """Wait until it was told this so many times."""
        while self.calls.count(what) < count:
            self.news.clear()
            await self.news.wait()

    async def receives(self, size: int) -> None:
        """Wait until so many bytes have come."""
        while len(self.data) < size:
            self.news.clear()
            await self.news.wait()

    def _note(self, what: str) -> None:
        assert "lost" not in self.calls, f"{what} after the connection was lost"
        self.calls.append(what)
        self.news.set()


class Link:
    """A transport, its protocol, its sweeper, and the client's end of the connection."""

    def __init__(self, transport: SocketTransport, sweeper: ManualSweeper, client: socket.socket) -> None:
        self.transport = transport
        self.sweeper = sweeper
        self.client = client
        self.loop = asyncio.get_running_loop()
        self.protocol: Protocol
        """Also once the transport has let go of it."""

    def start(self, on_data: Callable[[SocketTransport, bytes], object] | None = None) -> None:
        def make(transport: SocketTransport) -> Protocol:
            self.protocol = Protocol(transport, on_data)
            return self.protocol

        self.transport.start(make)

    async def send(self, data: bytes) -> None:
        await self.loop.sock_sendall(self.client, data)

    async def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        data = b""
        while len(data) < size:
            part = await self.loop.sock_recv(self.client, min(size - len(data), 1 << 16))
            assert part, f"the connection ended after {len(data)} of {size} bytes"
            data += part
        return data

    async def read_all(self) -> bytes:
        """All until the end; raises ConnectionResetError for a reset."""
        data = b""
        while part := await self.loop.sock_recv(self.client, 1 << 16):
            data += part
        return data

    async def was_reset(self) -> bool:
        """Whether the connection ends with a reset, after whatever was sent."""
        try:
            await self.read_all()
        except ConnectionResetError:
            return True
        return False


@contextlib.asynccontextmanager
async def link(*, unix: bool = False, write_stall: float = 30.0) -> AsyncIterator[Link]:
    """A connection whose transport is not yet started. What is left of it is closed at the end."""
    server, client = socket.socketpair() if unix else tcp_pair()
    for sock in (server, client):
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            # Small buffers, so that they are full soon and the same everywhere.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
    loop = asyncio.get_running_loop()
    sweeper = ManualSweeper()
    transport = SocketTransport(
        server,
        loop=loop,
        poller=poller_of(loop),
        sweeper=sweeper,  # type: ignore[arg-type]
        peer=("192.0.2.7", 51234),
        local=("192.0.2.1", 8000),
        write_stall=write_stall,
    )
    try:
        yield Link(transport, sweeper, client)
    finally:
        client.close()
        if hasattr(transport, "protocol"):
            transport.abort()
            await asyncio.sleep(0)
        server.close()
        assert not sweeper.members
