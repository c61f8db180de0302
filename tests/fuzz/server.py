"""One loop of a server without its sockets: all that connections share, a transport in memory, and who is left at the
end. The clock of deadlines is moved by hand.
"""

from __future__ import annotations

import asyncio
import functools
from functools import partial
from typing import TYPE_CHECKING, Any

from pounce_asgi import ExchangeSettings, Http2Settings, Listeners, WebSocketSettings
from pounce_h2 import Http2Wire
from pounce_testing.memory.transport import MemoryTransport
from pounce_websocket import WebSocketWire
from pounce_workers import ServingSettings, WorkerSettings
from pounce_workers.serving.loop_server import LoopServer
from pounce_workers.serving.protocols import Protocols
from tests.fuzz.doubles import run, turns

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pounce_asgi import WireHost

__all__ = ["FuzzedServer", "forget_servers", "serve"]

PROTOCOLS = Protocols(
    websocket=partial(WebSocketWire, settings=WebSocketSettings(ws_max_size=1000)),
    http2=lambda host, websockets: _http2(host, websockets),
)


def _http2(host: WireHost, websockets: Any) -> Http2Wire:
    return Http2Wire(host, Http2Settings(), websockets)


class _Current:
    """The application of whoever is served just now."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@functools.cache
def _shared(loop: asyncio.AbstractEventLoop, engine: Any) -> tuple[LoopServer, _Current]:
    """A server is long in the making, and nothing of a connection is to be left in it: one for all inputs."""
    current = _Current()
    server = LoopServer(
        current,
        loop=loop,
        tick=1.0,
        settings=ServingSettings(
            exchange=ExchangeSettings(date_header=False, server_header=False),
            worker=WorkerSettings(http=engine),
        ),
        state={},
        listeners=Listeners(),
        worker_id=0,
        budget=None,
        protocols=PROTOCOLS,
    )
    return server, current


def forget_servers() -> None:
    """Make new ones: they were spoilt."""
    _shared.cache_clear()


def serve(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it; after whatever goes wrong the next input has a new server."""
    try:
        run(scenario)
    except BaseException:
        forget_servers()
        raise


class FuzzedServer:
    """Serves one connection of a client that does what the test says."""

    def __init__(self, app: Any, *, engine: Any = "fast", http2: bool = False) -> None:
        self.loop = asyncio.get_running_loop()
        self._server, current = _shared(self.loop, engine)
        current.app = app
        self.wire = self._server.wire
        self.wire.draining = False
        self.transport = MemoryTransport()
        self.received = b""
        """What the client has read."""
        upgrades: Any = self.wire.upgrades
        self.connection: Any = (upgrades.connect_http2 if http2 else self.wire.connect)(self.transport)
        self.transport.start(self.connection)

    # -- the client --------------------------------------------------------------------------------------------------

    async def send(self, data: bytes, count: int = 3) -> None:
        """More bytes, and a few turns of the loop."""
        if not self.transport.lost and self.transport.error is None:
            self.transport.client_sends(data)
        await turns(count)

    def read(self, most: int = 1 << 20) -> bytes:
        """What there is."""
        try:
            data = self.transport.client_read(most)
        except ConnectionResetError:
            return b""
        self.received += data
        return data

    async def settle(self) -> None:
        """The client reads all that comes, until nothing more does."""
        for _ in range(200):
            await turns(8)
            if not self.read():
                await turns(8)
                if not self.read():
                    return
        raise AssertionError("they never stop")

    async def pass_time(self, seconds: float) -> None:
        """Deadlines come, in steps of a few seconds."""
        sweeper: Any = self._server.sweeper
        end = sweeper.soon + seconds
        while sweeper.soon < end:
            sweeper.soon = min(sweeper.soon + 4, end)
            for member in (self.transport, *sweeper._members):
                member.expire(sweeper.soon - 1)
            await turns(2)

    async def gone(self) -> None:
        """The client leaves; whatever it left is over then."""
        self.transport.client_leaves(reset=True)
        await turns(12)
        assert self.transport.lost, "the transport has not come to its end"
        assert not self.wire.connections, "a connection is left"
        assert not self._server.context.running, "a request is left"
        assert not self._server.sweeper._members, "deadlines are left"
