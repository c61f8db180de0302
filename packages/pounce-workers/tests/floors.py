"""A worker's connections without the worker: real sockets, a wire, and a clock that is the test's, within one loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

from http1_driver import get
from responses import Response, parse_responses
from transport_doubles import ManualSweeper
from watchers import tcp_pair

from pounce_asgi import ExchangeContext, ExchangeSettings
from pounce_http1 import encode_header_line
from pounce_workers import ServingSettings, WorkerSettings
from pounce_workers.net.loop import poller_of
from pounce_workers.net.transport import SocketTransport
from pounce_workers.serving.http1_wire import Http1Wire
from pounce_workers.serving.retirement import Retirement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pounce_asgi import Listeners

TICK = 1.0


class Guest:
    """The client's end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self.socket, data)

    async def get(self, path: str = "/") -> Response:
        await self.send(get(path))
        return await self.response()

    async def read_until(self, end: bytes) -> bytes:
        data = b""
        while not data.endswith(end):
            data += await self._receive()
        return data

    async def response(self) -> Response:
        """The next response."""
        data = b""
        while True:
            data += await self._receive()
            with contextlib.suppress(ValueError):
                (response,) = parse_responses(data)
                return response

    async def at_end(self) -> bool:
        """Wait: True for the end of the connection in order, False for a byte; a reset is raised."""
        return not await self._loop.sock_recv(self.socket, 1)

    async def _receive(self) -> bytes:
        data = await self._loop.sock_recv(self.socket, 1 << 16)
        assert data, "the connection ended"
        return data


class Floor:
    """What a worker serves connections with."""

    def __init__(self, app: Any, *, worker_id: int = 0, listeners: Listeners | None = None, **worker: Any) -> None:
        settings = ServingSettings(
            exchange=ExchangeSettings(date_header=False, server_header=False), worker=WorkerSettings(**worker)
        )
        loop = asyncio.get_running_loop()
        self.sweeper = ManualSweeper()
        context = ExchangeContext(
            app,
            loop=loop,
            encode=encode_header_line,
            no_fields=b"",
            settings=settings.exchange,
            listeners=listeners,
            worker_id=worker_id,
        )
        self.wire = Http1Wire(context, loop=loop, sweeper=self.sweeper, settings=settings)  # type: ignore[arg-type]
        self.retirement = Retirement(self.wire, drain_idle=settings.worker.drain_idle, tick=TICK)
        self._loop = loop
        self._poller = poller_of(loop)
        self._guests: list[Guest] = []

    def take(self, sock: socket.socket, peer: Any, local: Any) -> None:
        """Serve this connection: what another floor may move to."""
        SocketTransport(
            sock,
            loop=self._loop,
            poller=self._poller,
            sweeper=self.sweeper,  # type: ignore[arg-type]
            peer=peer,
            local=local,
            write_stall=30.0,
        ).start(self.wire.connect)

    def connect(self, *, unix: bool = False, room: int | None = None) -> Guest:
        """A new connection; ``room`` bounds the buffers of the system."""
        server, client = socket.socketpair() if unix else tcp_pair()
        server.setblocking(False)
        client.setblocking(False)
        if room is not None:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.take(server, None if unix else client.getsockname(), ("/run/x", None) if unix else server.getsockname())
        guest = Guest(client)
        self._guests.append(guest)
        return guest

    async def end(self) -> None:
        for guest in self._guests:
            guest.socket.close()
        for connection in tuple(self.wire.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        assert not self.wire.connections
        assert not self.sweeper.members


@contextlib.asynccontextmanager
async def floor(app: Any, **options: Any) -> AsyncIterator[Floor]:
    """A floor, and the end of all that is on it."""
    made = Floor(app, **options)
    try:
        yield made
    finally:
        await made.end()
