"""Blocking workers behind one parking lot: threads that serve one request at a time, and every other connection waiting
where it owns none of them.

The thread that calls ``run()`` is the parking thread. It takes connections in, watches those that wait, and hands one
with something to read to the next free worker. It calls no application, so nothing an application does holds it up.
It is not the thread that accepts: that one serves all kinds of workers and outlives a swap of the application, while
a pool and its connections belong to one generation.
"""

from __future__ import annotations

import contextvars
import logging
import socket
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from pounce_asgi.incidents import tell_refused
from pounce_workers.net.accept_distributor import AcceptDistributor
from pounce_workers.net.blocking_transport import BlockingTransport
from pounce_workers.net.deadlines import tick_of
from pounce_workers.net.parking import ParkingLot
from pounce_workers.net.proxy_entrance import ProxyEntrances, ProxyHeaderSocket
from pounce_workers.net.rewound_socket import rewind
from pounce_workers.net.tls_engines import tls_extension_of, wrap_tls
from pounce_workers.net.tls_entrance import TlsEntrances
from pounce_workers.serving.companion_upgrades import CompanionUpgrades
from pounce_workers.serving.connection_budget import ConnectionBudget
from pounce_workers.serving.protocols import Protocols
from pounce_workers.serving.sync_drain import SyncDrain
from pounce_workers.serving.sync_queue import SyncQueue
from pounce_workers.serving.sync_wire import SharedConnections, SyncWire
from pounce_workers.serving.sync_worker import SyncWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi import ConnectionProtocol, Listeners, LiveListeners
    from pounce_asgi.sync_app import SyncHandler
    from pounce_workers.net.proxy_protocol import ProxyHeader
    from pounce_workers.serving.companion import Companion
    from pounce_workers.serving.http1_connection import Http1Connection
    from pounce_workers.serving.served_loop import ServedLoop
    from pounce_workers.settings import ServingSettings
    from pounce_workers.supervision.slots import MoveTo

__all__ = ["SyncWorkerPool"]

logger = logging.getLogger("pounce.worker")

HAND_OVERS: Final = 256
"""Connections that may wait to be taken in before `hand_over` says False: eight turns of accepting."""

WORKERS_BUSY: Final = "all workers are busy"
"""What a client is told whose request found no worker in time."""


class SyncWorkerPool:
    """Serves one blocking application until it is told to stop. A `ConnectionTarget` and a `WorkerLike`."""

    def __init__(
        self,
        handler: SyncHandler,
        sockets: Sequence[socket.socket] = (),
        *,
        threads: int,
        settings: ServingSettings,
        listeners: Listeners | LiveListeners | None = None,
        on_started: Callable[[], None] | None = None,
        worker_id: int = 0,
        tick: float | None = None,
        shared_sockets: bool = False,
        budget: ConnectionBudget | None = None,
        protocols: Protocols | None = None,
        companion: Companion | None = None,
    ) -> None:
        """With ``sockets`` it accepts by itself, on these, and closes them; else connections are handed over.
        ``shared_sockets`` says that other processes accept on them too. ``budget`` are the connections that the server
        may have, where several workers share them. Of the ``protocols`` it has TLS to itself; the
        ``companion`` takes the connections that speak HTTP/2, which need an event loop.

        ``listeners`` are called in the thread that has the connection, several at once. ``on_started`` is called in
        the parking thread once connections are served. ``tick`` is how often deadlines are looked at, in seconds.
        """
        timeouts = settings.worker
        self._settings = settings
        self._on_started = on_started
        self._sockets = list(sockets)
        self._shared_sockets = shared_sockets
        self._tick = tick or tick_of(timeouts)
        self.on_room: Callable[[], None] | None = None
        self.beat = 0.0
        """When the parking thread last turned, by ``time.monotonic()``."""
        self.connections = SharedConnections()
        self.lot = ParkingLot(self)
        self.queue = SyncQueue(timeouts.limit_queue, timeouts.timeout_queue)
        if budget is None and timeouts.limit_concurrency is not None:
            budget = ConnectionBudget(timeouts.limit_concurrency)
        self.companion = companion
        self._upgrades: CompanionUpgrades | None = None
        if companion is not None:
            companion.on_ending = self._end
            self._upgrades = CompanionUpgrades(companion)
        protocols = protocols or Protocols()
        self._tls = protocols.tls
        new_wire = partial(
            SyncWire,
            handler,
            self.connections,
            clock=self.lot.clock,
            settings=protocols.announced_in(settings),
            listeners=listeners,
            worker_id=worker_id,
            budget=budget,
            upgrades=self._upgrades,
        )
        self._make_ready(protocols, new_wire, threads)
        self._next_sweep = 0.0
        self._hear_nothing_yet()

    def _hear_nothing_yet(self) -> None:
        """Nothing has been told from outside."""
        # Guards what may be. Reentrant: a signal handler may interrupt the thread that holds it.
        self._lock = threading.RLock()
        self._incoming: deque[tuple[Any, ...]] = deque()
        self._room_missed = False
        self._takes_connections = True
        self.stop_requests = 0
        self.retiring = False
        self.move_to: MoveTo | None = None
        self._ending: BaseException | None = None

    def _make_ready(self, protocols: Protocols, new_wire: Callable[[], SyncWire], threads: int) -> None:
        """Who serves, and where connections enter; none of it runs yet."""
        self.distributor: AcceptDistributor | None = None
        self.thread_id = 0
        """``threading.get_ident()`` of the parking thread; 0 before it runs."""
        self.wire = new_wire()
        """The parking thread's: it serves errors only."""
        refused = partial(tell_refused, self.wire.context)
        self.entrances = TlsEntrances(
            self._chosen, clock=self.lot.clock, handshake_timeout=protocols.handshake_timeout, refused=refused
        )
        self.introductions = self._introductions(protocols, refused)
        self.workers = tuple(
            SyncWorker(number, new_wire(), self.queue, self.lot, on_ending=self._end)
            for number in range(1, threads + 1)
        )

    def _introductions(self, protocols: Protocols, refused: Callable[..., None]) -> ProxyEntrances | None:
        """Those whose proxy has not said yet whose they are; None where none is trusted."""
        if protocols.trusts_proxy is None:
            return None
        return ProxyEntrances(
            self._introduced,
            clock=self.lot.clock,
            trusts=protocols.trusts_proxy,
            let_go=BlockingTransport.release,
            refused=refused,
        )

    # -- from any thread ---------------------------------------------------------------------------------------------

    @property
    def load(self) -> int:
        """Connections that it has, and those that wait to be taken in."""
        own = len(self.connections) + len(self._incoming) + self.entering
        return own if self.companion is None else own + self.companion.load

    @property
    def requests_served(self) -> int:
        """Requests that it has answered."""
        own = sum(worker.requests_served for worker in self.workers)
        return own if self.companion is None else own + self.companion.requests_served

    @property
    def queued(self) -> int:
        """Connections with something to read that wait for a worker."""
        return len(self.queue)

    @property
    def served_loops(self) -> tuple[ServedLoop, ...]:
        """The loop beside the blocking workers, if there is one, to be inspected."""
        return self.companion.served_loops if self.companion is not None else ()

    def blocked(self, seconds: float) -> list[SyncWorker]:
        """The workers that have been busy with one connection's requests for longer than that."""
        since = time.monotonic() - seconds
        return [worker for worker in self.workers if (began := worker.busy_since) is not None and began <= since]

    def hand_over(
        self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None, /
    ) -> bool:
        """Take this connection, which does not block. False: too many wait to be taken in, or the pool is stopping."""
        with self._lock:
            if len(self._incoming) >= HAND_OVERS or not self._takes_connections:
                self._room_missed = True
                return False
            self._incoming.append((sock, peer, local))
            first = len(self._incoming) == 1
        if first:
            self.lot.wake()  # else it has been woken already, and takes them all
        return True

    def request_stop(self) -> None:
        """Stop: gracefully at the first call, at once at the second. Safe in any thread and in a signal handler."""
        with self._lock:
            self.stop_requests += 1
        self.lot.wake()

    def retire(self, move_to: MoveTo | None = None) -> None:
        """End when the work is done. ``move_to`` takes over connections that are idle; without it their clients are
        told with their next answer, and those idle for longer than ``drain_idle`` are closed.
        """
        with self._lock:
            self.retiring = True
            self.move_to = move_to
        if self._upgrades is not None:
            self._upgrades.move_to = move_to
        if move_to is None:
            self.connections.draining = True
        self.lot.wake()

    def _end(self, ending: BaseException) -> None:
        """An application ends the process: from the thread that runs the pool."""
        self._ending = ending
        self.request_stop()

    # -- the life of it ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until stopped; blocks.

        Raises:
            SystemExit, KeyboardInterrupt: the application raised it.
        """
        if threading.current_thread() is threading.main_thread():
            self._run()
        else:
            contextvars.Context().run(self._run)

    def _run(self) -> None:
        self.thread_id = threading.get_ident()
        drain = SyncDrain(self, self._settings.worker)
        try:
            if self._sockets:
                self.distributor = AcceptDistributor(self._sockets, [self], shared=self._shared_sockets)
            for worker in self.workers:
                worker.start()
            if self.distributor is not None:
                self.distributor.start()
            if self.companion is not None:
                self.companion.begin()
            self.beat = time.monotonic()
            if self._on_started is not None:
                self._on_started()
            while not self.stop_requests:
                if not self.retiring:
                    self.turn(self._tick)
                elif drain.retired():
                    break
            drain.run()
        finally:
            drain.give_up()
            self.lot.close()
        if self._ending is not None:
            raise self._ending

    def turn(self, longest: float) -> None:
        """Wait, for so many seconds at most, and deal with what happens to the connections that wait."""
        now = time.monotonic()
        self.lot.turn(max(min(longest, self._next_sweep - now, self.queue.next_overdue() - now), 0))
        now = self.beat = time.monotonic()
        self._take_in()
        if now >= self._next_sweep:
            self._next_sweep = now + self._tick
            self.lot.expire(now)
        for transport in self.queue.take_overdue(now):
            self._refuse(transport, "timeout_queue")

    def refuse_connections(self) -> None:
        """Take in what was handed over before, and no more."""
        with self._lock:
            self._takes_connections = False
        self._take_in()

    def _take_in(self) -> None:
        if not self._incoming:
            return
        with self._lock:
            incoming, self._incoming = self._incoming, deque()
            missed, self._room_missed = self._room_missed, False
        for sock, peer, local in incoming:
            try:
                # What has been introduced is no plain socket any more, and need not say it again where it goes.
                if self.introductions is not None and isinstance(sock, socket.socket):
                    self._park(ProxyHeaderSocket(sock), peer, local, self.introductions.connect)
                else:
                    self._admit(sock, peer, local)
            except Exception:
                logger.exception("Taking in a connection failed")
                sock.close()
        if missed and self.on_room is not None:
            self.on_room()

    def _introduced(self, sock: socket.socket, peer: Any, local: Any, _header: ProxyHeader) -> None:
        """A proxy has said whose connection it is."""
        self._admit(rewind(sock, b"") if self._tls is None else sock, peer, local)

    def _admit(self, sock: socket.socket, peer: Any, local: Any) -> None:
        if self._tls is None:
            self._park(sock, peer, local, self.wire.connect)
        else:
            self._park(wrap_tls(sock, self._tls.current), peer, local, self.entrances.connect)

    def _park(self, sock: Any, peer: Any, local: Any, connect: Callable[[Any], ConnectionProtocol]) -> None:
        stall = self._settings.worker.timeout_write_stall
        transport = BlockingTransport(sock, self.lot, peer=peer, local=local, write_stall=stall)
        transport.start(connect)
        self.lot.settle(transport)  # what was put back for it is the first that is read

    @property
    def entering(self) -> int:
        """Connections of which it is not known yet what they speak, or whose they are."""
        return len(self.entrances.members) + (len(self.introductions.members) if self.introductions is not None else 0)

    def _chosen(self, transport: BlockingTransport, alpn: str | None) -> ConnectionProtocol | None:
        """A TLS handshake is done: what this client and we have agreed on."""
        transport.tls = tls_extension_of(transport.sock)
        if alpn == "h2" and self._upgrades is not None:
            self._upgrades.give_away(transport)
            return None
        return self.wire.connect(transport)

    # -- what the parking lot asks for -------------------------------------------------------------------------------

    def attend(self, transport: BlockingTransport) -> None:
        """The parking thread is about to call this connection's protocol."""
        if not transport.lingering and not transport.entering:
            self.wire.serve(cast("Http1Connection", transport.protocol))

    def ready(self, transport: BlockingTransport) -> None:
        """A worker is wanted."""
        if not self.queue.put(transport):
            self._refuse(transport, "limit_queue")

    def _refuse(self, transport: BlockingTransport, setting: str) -> None:
        """There is no worker for it: if what has come is a request, the answer is 503."""
        self.lot.guarded(transport, partial(self._answer_503, transport, setting))

    def _answer_503(self, transport: BlockingTransport, setting: str) -> None:
        connection = cast("Http1Connection", transport.protocol)
        if connection.has_place:
            connection.refused_for = setting
        connection.refusal = connection.refusal or WORKERS_BUSY
        if transport.turns:
            transport.turns.run()
        else:
            data = transport.on_readable()
            if data is not None:
                transport.deliver(data)
        if connection.has_place:
            connection.refusal = None  # it was not a whole request, and may find a worker later
