"""What one event loop serves connections with: its clock, its exchanges, its wire.

An async worker has one of these, and so has every thread of an `AsyncWorkerPool`.
"""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pounce_asgi import ExchangeContext
from pounce_asgi.incidents import tell_refused
from pounce_http1 import encode_header_line
from pounce_workers.net.deadlines import DeadlineSweeper
from pounce_workers.net.loop import poller_of
from pounce_workers.net.proxy_entrance import ProxyEntrances, ProxyHeaderSocket
from pounce_workers.net.rewound_socket import rewind
from pounce_workers.net.tls_engines import tls_extension_of, wrap_tls
from pounce_workers.net.tls_entrance import TlsEntrances
from pounce_workers.net.transport import SocketTransport
from pounce_workers.serving.http1_wire import Http1Wire
from pounce_workers.serving.loop_end import CANCEL_GRACE
from pounce_workers.serving.loop_host import LoopHost
from pounce_workers.serving.protocols import Protocols
from pounce_workers.serving.upgrades import Upgrades

if TYPE_CHECKING:
    from pounce_asgi import ConnectionProtocol, Listeners, LiveListeners
    from pounce_asgi.datagrams import DatagramEndpoint, DatagramEndpointMaker
    from pounce_asgi.request_sampler import RequestSampler
    from pounce_asgi.types import ASGI3Application
    from pounce_workers.net.datagram_service import DatagramService
    from pounce_workers.net.proxy_protocol import ProxyHeader
    from pounce_workers.serving.connection_budget import ConnectionBudget
    from pounce_workers.serving.datagram_share import DatagramShare
    from pounce_workers.settings import ServingSettings

__all__ = ["LoopServer"]


class LoopServer:
    """The connections of one loop. Owned by the loop's thread, in which it is made."""

    def __init__(
        self,
        app: ASGI3Application,
        *,
        loop: asyncio.AbstractEventLoop,
        tick: float,
        settings: ServingSettings,
        state: dict[str, Any],
        listeners: Listeners | LiveListeners,
        worker_id: int,
        budget: ConnectionBudget | None,
        protocols: Protocols | None = None,
        datagrams: DatagramShare | None = None,
        sampler: RequestSampler | None = None,
    ) -> None:
        """``tick`` is how often deadlines are looked at, in seconds; ``state`` is what lifespan filled.
        ``sampler`` measures single requests.
        """
        protocols = protocols or Protocols()
        self._sampler = sampler
        if sampler is not None:
            app = sampler.wrap(app)
        plain_settings = settings
        settings = protocols.announced_in(settings)
        self.loop = loop
        self.poller = poller_of(loop)
        self.sweeper = DeadlineSweeper(loop, tick)
        self.settings = settings
        self.context = self._new_context(app, state, listeners, worker_id)
        self.wire = self.new_wire(budget)
        self._upgrades: Upgrades | None = None
        self._tls = protocols.tls
        self.entrances = TlsEntrances(
            self.chosen,
            clock=self.sweeper,
            handshake_timeout=protocols.handshake_timeout,
            refused=partial(tell_refused, self.context),
        )
        """The connections whose TLS handshakes go on."""
        self.introductions = self._introductions(protocols)
        """Those whose proxy has not said yet whose they are."""
        self._datagrams: DatagramService | None = None
        self._endpoint: DatagramEndpoint | None = None
        new_host = partial(
            LoopHost,
            app,
            loop=loop,
            sweeper=self.sweeper,
            state=state,
            listeners=listeners,
            worker_id=worker_id,
            wire=self.wire,
        )
        if protocols.beside_http1:
            self._speak(protocols, new_host(settings=settings))
        if protocols.http3 is not None and datagrams is not None:
            self._speak_http3(protocols.http3, protocols, new_host(settings=plain_settings), datagrams)

    def _new_context(
        self, app: ASGI3Application, state: dict[str, Any], listeners: Listeners | LiveListeners, worker_id: int
    ) -> ExchangeContext[bytes]:
        """The surroundings of the exchanges over HTTP/1.1."""
        return ExchangeContext(
            app,
            loop=self.loop,
            encode=encode_header_line,
            no_fields=b"",
            settings=self.settings.exchange,
            state=state,
            listeners=listeners,
            worker_id=worker_id,
            clock=self.sweeper,
        )

    def _introductions(self, protocols: Protocols) -> ProxyEntrances | None:
        if protocols.trusts_proxy is None:
            return None
        return ProxyEntrances(
            self._introduced,
            clock=self.sweeper,
            trusts=protocols.trusts_proxy,
            refused=partial(tell_refused, self.context),
        )

    def _speak(self, protocols: Protocols, host: LoopHost) -> None:
        """Let connections go on as what else this server speaks."""
        websockets = protocols.websocket(host) if protocols.websocket is not None else None
        http2 = protocols.http2(host, websockets) if protocols.http2 is not None else None
        self.wire.upgrades = self._upgrades = Upgrades(
            host,
            self.wire,
            http2=http2,
            http2_upgrade=protocols.http2_upgrade,
            websockets=websockets,
            websocket_missing=protocols.websocket_missing,
        )

    def _speak_http3(
        self, http3: DatagramEndpointMaker, protocols: Protocols, host: LoopHost, datagrams: DatagramShare
    ) -> None:
        websockets = protocols.websocket(host) if protocols.websocket is not None else None
        self._datagrams = datagrams.service(self.loop, self.poller)
        self._endpoint = http3.endpoint(host, websockets, self._datagrams)

    def new_wire(self, budget: ConnectionBudget | None) -> Http1Wire:
        """What makes the connections."""
        if self._sampler is not None:
            from pounce_workers.serving.sampled_connection import SampledWire

            return SampledWire(
                self.context,
                sampler=self._sampler,
                loop=self.loop,
                sweeper=self.sweeper,
                settings=self.settings,
                budget=budget,
            )
        return Http1Wire(self.context, loop=self.loop, sweeper=self.sweeper, settings=self.settings, budget=budget)

    def new_transport(
        self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None
    ) -> SocketTransport:
        """What moves a connection's bytes."""
        return SocketTransport(
            sock,
            loop=self.loop,
            poller=self.poller,
            sweeper=self.sweeper,
            peer=peer,
            local=local,
            write_stall=self.settings.worker.timeout_write_stall,
        )

    def start(self) -> None:
        """Begin to look at deadlines, and to read datagrams."""
        self.sweeper.start()
        if self._datagrams is not None and self._endpoint is not None:
            self._datagrams.start(self._endpoint)

    def leave_datagrams(self) -> None:
        """Another worker reads from now on; what belongs to connections that are here is handed over by it."""
        if self._datagrams is not None:
            self._datagrams.stop_reading()

    def connected(
        self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None
    ) -> None:
        """Serve a new connection, or one that comes from another worker."""
        # What has been introduced is no plain socket any more, and need not say it again where it goes.
        if self.introductions is not None and isinstance(sock, socket.socket):
            waiting = cast("socket.socket", ProxyHeaderSocket(sock))
            self.new_transport(waiting, peer, local).start(self.introductions.connect)
        else:
            self._admit(sock, peer, local)

    def _introduced(
        self,
        sock: socket.socket,
        peer: tuple[str, int] | None,
        local: tuple[str, int | None] | None,
        _header: ProxyHeader,
    ) -> None:
        """A proxy has said whose connection it is."""
        self._admit(rewind(sock, b"") if self._tls is None else sock, peer, local)

    def _admit(self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None) -> None:
        if self._tls is None:
            self.new_transport(sock, peer, local).start(self.wire.connect)
        else:
            sock = wrap_tls(sock, self._tls.current)
            self.new_transport(sock, peer, local).start(self.entrances.connect)

    def chosen(self, transport: SocketTransport, alpn: str | None) -> ConnectionProtocol | None:
        """The TLS handshake is done: what this client and we have agreed on."""
        transport.tls = tls_extension_of(transport.sock)
        if alpn == "h2" and self._upgrades is not None:
            return self._upgrades.connect_http2(transport)
        return self.wire.connect(transport)

    @property
    def connections_open(self) -> int:
        """Connections that are left to wait for."""
        handshakes = self._endpoint.open_handshakes if self._endpoint is not None else 0
        return len(self.wire.connections) + self.entering + handshakes

    @property
    def entering(self) -> int:
        """Connections of which it is not known yet what they speak, or whose they are."""
        return len(self.entrances.members) + (len(self.introductions.members) if self.introductions is not None else 0)

    @property
    def requests_running(self) -> int:
        """Requests whose application has not returned, of those that wait for something."""
        return len(self.context.running)

    def begin_drain(self) -> None:
        """The server stops: idle connections close, the others after their answer."""
        self.entrances.begin_drain()
        if self.introductions is not None:
            self.introductions.begin_drain()
        if self._endpoint is not None:
            self._endpoint.begin_drain()
        self.wire.begin_drain()

    async def give_up(self) -> None:
        """Cancel what still runs and reset what is still open. Who does not end in time is left behind."""
        unfinished = tuple(self.context.running)
        for task in unfinished:
            task.cancel("the server is stopping")
        if unfinished:
            await asyncio.wait(unfinished, timeout=CANCEL_GRACE)
        self.entrances.abort()
        if self.introductions is not None:
            self.introductions.abort()
        for connection in tuple(self.wire.connections):
            connection.transport.abort()
        if self._endpoint is not None and self._datagrams is not None:
            self._endpoint.give_up()
            self._datagrams.close()
        await asyncio.sleep(0)  # connection_lost() is called in the next turn
        self.sweeper.stop()
