"""The whole of this package at one end of a `link.Network`, before an application. Only sockets are missing."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

from fixed_clock import no_earlier
from quic_clients import SERVER
from quic_pair import LIBRARIES, certificates

from pounce_asgi import (
    DatagramPath,
    ExchangeContext,
    ExchangeSettings,
    HeadLimits,
    Http3Settings,
    Peer,
    WireTimeouts,
)
from pounce_h3.endpoint import QuicEndpoint
from pounce_h3.engine import Engines, load_library
from pounce_h3.keys import QuicKeys
from pounce_h3.sessions import QuicSessions
from pounce_h3.wire import Http3Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from link import Network

    from pounce_asgi import Datagram, ServedConnection
    from pounce_h3 import Address

__all__ = ["LIBRARIES", "FarEnd", "Host"]


class Host:
    """Keeps to `pounce_asgi.WireHost`, with the clock of its loop."""

    TICK = 1.0
    """Seconds between looks at the deadlines."""

    def __init__(self, app: Any, *, limits: HeadLimits, timeouts: WireTimeouts, **exchange: Any) -> None:
        self.app = app
        self.loop = asyncio.get_running_loop()
        self.worker_id = 0
        self.timeouts = timeouts
        self.limits = limits
        self.base_context = contextvars.copy_context()
        self.draining = False
        self.refusal: str | None = None
        self.soon = self.loop.time()
        self.settings = ExchangeSettings(**({"date_header": False, "server_header": False} | exchange))
        self.watched: set[Any] = set()
        self.connections: list[ServedConnection] = []
        """Those that came and did not go."""
        self.came = 0
        self.closed: list[OSError | None] = []
        self.refused: list[tuple[int, str]] = []
        self._ticker = self.loop.call_later(self.TICK, self._tick)

    def _tick(self) -> None:
        self.soon = self.loop.time() + self.TICK
        for member in tuple(self.watched):
            member.expire(self.loop.time())
        self._ticker = self.loop.call_later(self.TICK, self._tick)

    def stop(self) -> None:
        self._ticker.cancel()

    def new_context(self, encode: Any, no_fields: Any, extensions: Any) -> ExchangeContext[Any]:
        return ExchangeContext(
            self.app,
            loop=self.loop,
            encode=encode,
            no_fields=no_fields,
            settings=self.settings,
            extensions=extensions,
        )

    def watch_deadlines(self, member: Any) -> None:
        self.watched.add(member)

    def forget_deadlines(self, member: Any) -> None:
        self.watched.discard(member)

    def connection_came(
        self, protocol: str, transport: Any, make: Callable[[Peer, str | None], ServedConnection]
    ) -> ServedConnection:
        assert protocol == "h3"
        self.came += 1
        connection = make(Peer(transport.peer, transport.local, transport.scheme, self.came), self.refusal)
        self.connections.append(connection)
        return connection

    def connection_closed(self, connection: ServedConnection, error: OSError | None) -> None:
        self.connections.remove(connection)
        self.closed.append(error)

    def request_refused(self, peer: Peer, status: int, detail: str, *, told: bool = False) -> None:
        self.refused.append((status, detail))


class FarEnd:
    """The server of a network. It is the `pounce_asgi.DatagramLink` of its endpoint."""

    def __init__(
        self,
        network: Network,
        app: Any,
        *,
        library: str = LIBRARIES[0],
        limits: dict[str, Any] | None = None,
        timeouts: dict[str, Any] | None = None,
        exchange: dict[str, Any] | None = None,
        websockets: Callable[[Host], Any] | None = None,
        keys: QuicKeys | None = None,
        sessions: QuicSessions | None = None,
        **settings: Any,
    ) -> None:
        """``library``: the name of the one whose QUIC is used, by itself the one that this Python uses."""
        self.network = network
        self.loop = asyncio.get_running_loop()
        self.host = Host(
            app,
            limits=HeadLimits(**(limits or {})),
            timeouts=WireTimeouts(**(timeouts or {})),
            **(exchange or {}),
        )
        chosen = Http3Settings(**settings)
        self.wire = Http3Wire(self.host, chosen, websockets and websockets(self.host))
        loaded = load_library(library)
        engines = Engines(chosen, certificates(library), sessions or QuicSessions(), library=loaded)
        self.claimed: set[bytes] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.endpoint = QuicEndpoint(self.host, self.wire, self, chosen, engines, keys or QuicKeys.new())
        self._paths: dict[Address, DatagramPath] = {}
        network.server = self.receive

    # -- DatagramLink ------------------------------------------------------------------------------------------------

    def send(self, datagrams: Sequence[Datagram]) -> None:
        for data, path in datagrams:
            self.network.down.send(data, path.client)

    def set_timer(self, when: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if when is None else self.loop.call_at(no_earlier(when, self.loop), self._expire)

    def claim(self, connection_id: bytes) -> None:
        assert connection_id not in self.claimed
        self.claimed.add(connection_id)

    def release(self, connection_id: bytes) -> None:
        self.claimed.remove(connection_id)

    def pass_on(self, connection_id: bytes, datagrams: Sequence[Datagram], *, new: bool) -> bool:
        assert connection_id not in self.claimed
        return False

    # -- driven by the network ---------------------------------------------------------------------------------------

    def receive(self, parcels: Sequence[tuple[bytes, Address]]) -> None:
        self.endpoint.receive([(data, self.path(client)) for data, client in parcels], self.loop.time())

    def path(self, client: Address) -> DatagramPath:
        return self._paths.setdefault(client, DatagramPath(client, SERVER, client))

    def _expire(self) -> None:
        self._timer = None
        self.endpoint.expire(self.loop.time())

    # -- asked by the test -------------------------------------------------------------------------------------------

    async def emptied(self) -> None:
        """Wait until nothing of any connection is left, as there should be some time after the last one."""
        while self.endpoint.connections or self.host.connections:  # noqa: ASYNC110 - the clock is not real
            await asyncio.sleep(0.5)
        await asyncio.sleep(0)
        assert not self.claimed
        assert not self.host.watched
        assert self.endpoint.next_timer is None

    async def stopped(self) -> None:
        """End it as a worker does."""
        self.endpoint.give_up()
        await asyncio.sleep(0)
        self.host.stop()
        assert not self.host.connections
        assert not self.claimed
