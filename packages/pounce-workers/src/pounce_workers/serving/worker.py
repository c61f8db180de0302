"""The async worker: one event loop, its lifespan and its connections. Nothing here assumes that it is the only one."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import Lifespan, LifespanError, Listeners, LiveListeners, counted
from pounce_workers.net.acceptor import Acceptor
from pounce_workers.net.deadlines import tick_of
from pounce_workers.net.intake import Intake
from pounce_workers.net.loop import new_event_loop
from pounce_workers.serving.garbage import calm_garbage_collection, restore_garbage_collection
from pounce_workers.serving.loop_end import CANCEL_GRACE, close_loop
from pounce_workers.serving.loop_server import LoopServer
from pounce_workers.serving.pulse import Pulse
from pounce_workers.serving.retirement import Retirement
from pounce_workers.serving.served_loop import ServedLoop

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from pounce_asgi.request_sampler import RequestSampler
    from pounce_asgi.types import ASGI3Application
    from pounce_workers.serving.connection_budget import ConnectionBudget
    from pounce_workers.serving.datagram_share import DatagramShare
    from pounce_workers.serving.http1_wire import Http1Wire
    from pounce_workers.serving.protocols import Protocols
    from pounce_workers.settings import ServingSettings
    from pounce_workers.supervision.slots import MoveTo

__all__ = ["Worker"]

logger = logging.getLogger("pounce.worker")

RETIRE_STEP: Final = 0.02
"""Seconds between two looks at which connections have become idle, while a worker makes way for another."""

LAST_TURNS: Final = 8
"""Turns of the loop between a stop and the closing of idle connections; each reads from up to 256 sockets."""


class Worker:
    """Serves one application on the listening sockets it is given, until it is told to stop.

    Use either `run`, which makes an event loop and owns it, or `serve` within a loop that runs. `request_stop` may be
    called from any thread and from a signal handler; everything else belongs to the loop's thread.
    """

    def __init__(
        self,
        app: ASGI3Application,
        sockets: Sequence[socket.socket],
        *,
        settings: ServingSettings,
        listeners: Listeners | LiveListeners | None = None,
        on_started: Callable[[], None] | None = None,
        worker_id: int = 0,
        tick: float | None = None,
        shared_sockets: bool = False,
        state: dict[str, Any] | None = None,
        on_lifespan: Callable[[], object] | None = None,
        budget: ConnectionBudget | None = None,
        protocols: Protocols | None = None,
        datagrams: DatagramShare | None = None,
        sampler: RequestSampler | None = None,
    ) -> None:
        """``on_started`` is called in the worker's thread once it accepts. ``tick`` is how often deadlines are looked
        at, in seconds; it follows from the timeouts when it is not given. The sockets are closed when serving ends;
        ``shared_sockets`` says that other processes accept on them too. Without sockets connections are handed over.

        ``state`` is that of a lifespan which somebody else runs for all workers; without it the worker runs its own,
        and calls ``on_lifespan`` when its startup is complete. ``budget`` are the connections that the server may have,
        where several workers share them. ``protocols`` are spoken besides HTTP/1.1, HTTP/3
        over ``datagrams``. ``sampler`` measures single requests.
        """
        self._app = app
        self._sockets = list(sockets)
        self._settings = settings
        self._listeners = listeners or Listeners()
        self._on_started = on_started
        self._worker_id = worker_id
        self._tick = tick or tick_of(settings.worker)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_requests = 0
        # Reentrant: a signal handler may interrupt the thread that holds it.
        self._stop_lock = threading.RLock()
        self._owns_process = False
        self._thresholds: tuple[int, int, int] | None = None
        self._news: asyncio.Event | None = None
        self._shared_sockets = shared_sockets
        self._state = state
        self._on_lifespan = on_lifespan
        self._budget = budget
        self._protocols = protocols
        self._datagrams = datagrams
        self._sampler = sampler
        self._retiring = False
        self._move_to: MoveTo | None = None
        self._intake = Intake()
        self._pulse = Pulse()
        self._server: LoopServer | None = None
        """While it serves. Set by the loop's thread."""
        self._thread_id = 0

    # -- from outside ------------------------------------------------------------------------------------------------

    def request_stop(self) -> None:
        """Stop: gracefully at the first call, at once at the second. Safe in any thread and in a signal handler."""
        with self._stop_lock:
            self._stop_requests += 1
        self._tell()

    def _tell(self) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped already
                loop.call_soon_threadsafe(self._wake)

    def retire(self, move_to: MoveTo | None = None) -> None:
        """End when the work is done: without new connections, without cutting off those that may be in use.

        ``move_to`` takes over connections that are idle; it is called in the worker's thread. Without it clients are
        told with their next answer, and those idle for longer than ``drain_idle`` are closed. Safe in any thread.
        """
        with self._stop_lock:
            self._retiring = True
            self._move_to = move_to
        self._tell()

    @property
    def beat(self) -> float:
        """When its loop last turned, by ``time.monotonic()``; 0 before the first turn."""
        return self._pulse.beat

    @property
    def load(self) -> int:
        """Connections that it has, and those that wait to be taken in."""
        return len(self._intake) + self._pulse.load  # in this order: none is missed that is taken in meanwhile

    @property
    def requests_served(self) -> int:
        """Requests that it has begun to answer, as of its last tick."""
        return self._pulse.requests_served

    @property
    def served_loops(self) -> tuple[ServedLoop, ...]:
        """The loops that serve now, to be inspected. Safe in any thread."""
        server = self._server
        return () if server is None else (ServedLoop("worker", self._thread_id, server.loop, server, self.beat),)

    @property
    def on_room(self) -> Callable[[], None] | None:
        """See `ConnectionTarget`."""
        return self._intake.on_room

    @on_room.setter
    def on_room(self, callback: Callable[[], None] | None) -> None:
        self._intake.on_room = callback

    def hand_over(
        self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None, /
    ) -> bool:
        """Take a connection that was accepted elsewhere. False: too many wait, or it takes none (any more)."""
        return self._intake.put(sock, peer, local)

    def run(self) -> None:
        """Serve in an event loop of its own until stopped; blocks.

        Raises:
            LifespanError: the application's startup failed.
        """
        if threading.current_thread() is threading.main_thread():
            self._owns_process = True
            self._run()
        else:
            # Free-threaded builds hand a new thread the context of its parent; a worker starts with none.
            contextvars.Context().run(self._run)

    def _run(self) -> None:
        loop = new_event_loop(self._settings.worker.loop, self._sampler)
        # Bounded as asyncio's own would be, for each worker, and named so that a stack tells whose thread it is.
        threads = min(32, (os.cpu_count() or 1) + 4)
        loop.set_default_executor(ThreadPoolExecutor(threads, f"pounce-worker-{self._worker_id}-executor"))
        main = loop.create_task(self.serve())
        try:
            # With a main task, not run_forever(): anyio ties its worker threads to the root task.
            loop.run_until_complete(main)
        finally:
            if self._thresholds is not None:
                restore_garbage_collection(self._thresholds)
            close_loop(loop, main)

    async def serve(self) -> None:
        """Serve in the running loop: startup, connections, drain, shutdown.

        Raises:
            LifespanError: the application's startup or shutdown failed.
        """
        loop = self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        try:
            await self._live(loop)
        finally:
            self._pulse.rest()

    # -- the life of it ----------------------------------------------------------------------------------------------

    async def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._state is not None:
            try:
                await self._serve_connections(loop, self._state)
            finally:
                self._close_sockets()
            return
        lifespan = Lifespan(
            self._app,
            mode=self._settings.exchange.lifespan,
            startup_timeout=self._settings.exchange.timeout_lifespan_startup,
            shutdown_timeout=self._settings.exchange.timeout_lifespan_shutdown,
            quiet=self._worker_id > 0,
        )
        try:
            if await self._started_up(lifespan):
                if self._on_lifespan is not None:
                    self._on_lifespan()
                await self._serve_connections(loop, lifespan.state)
        except BaseException:
            self._close_sockets()
            # What the shutdown raises has been logged, and must not hide why we are here.
            with contextlib.suppress(LifespanError):
                await lifespan.shutdown()
            raise
        self._close_sockets()
        await lifespan.shutdown()

    async def _started_up(self, lifespan: Lifespan) -> bool:
        """Run the startup; False when a stop came first, which does not wait for it, or a retirement: there is nothing
        yet to be in no hurry about.
        """
        if self._stop_requests or self._retiring:
            return False
        startup = asyncio.ensure_future(lifespan.startup())
        stop = asyncio.ensure_future(self._stop_requested(1, or_retiring=True))
        try:
            await asyncio.wait((startup, stop), return_when=asyncio.FIRST_COMPLETED)
            if startup.done():
                startup.result()
                return True
            logger.info("Stopping before the application's startup was complete")
            startup.cancel()
            await asyncio.wait((startup,), timeout=CANCEL_GRACE)
            return False
        finally:
            startup.cancel()
            stop.cancel()

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()

    async def _serve_connections(self, loop: asyncio.AbstractEventLoop, state: dict[str, Any]) -> None:
        server = self._new_server(loop, state)
        self._thread_id = threading.get_ident()
        self._server = server
        self._pulse.start(server.wire, server.sweeper)
        acceptors = self._accept(server)
        server.start()
        if self._owns_process:
            self._thresholds = calm_garbage_collection()
        try:
            if self._on_started is not None:
                self._on_started()
            await self._stop_requested(1, or_retiring=True)
            if not self._stop_requests:
                await self._retire(acceptors, server)
            await self._take_in(acceptors, server.wire)
            self._stop_accepting(acceptors)
            server.begin_drain()
            await self._drained(server)
        finally:
            self._stop_accepting(acceptors)
            self._intake.close()
            await server.give_up()
            self._pulse.stop()
            self._server = None

    def _new_server(self, loop: asyncio.AbstractEventLoop, state: dict[str, Any]) -> LoopServer:
        return LoopServer(**self._server_options(loop, state))

    def _server_options(self, loop: asyncio.AbstractEventLoop, state: dict[str, Any]) -> dict[str, Any]:
        return {
            "app": self._app,
            "loop": loop,
            "tick": self._tick,
            "settings": self._settings,
            "state": state,
            "listeners": self._listeners,
            "worker_id": self._worker_id,
            "budget": self._budget,
            "protocols": self._protocols,
            "datagrams": self._datagrams,
            "sampler": self._sampler,
        }

    def _accept(self, server: LoopServer) -> list[Acceptor]:
        acceptors = [
            Acceptor(
                sock,
                loop=server.loop,
                poller=server.poller,
                on_connection=server.connected,
                shared=self._shared_sockets,
            )
            for sock in self._sockets
        ]
        for acceptor in acceptors:
            acceptor.start()
        self._intake.open(server.loop, server.connected)
        return acceptors

    async def _retire(self, acceptors: list[Acceptor], server: LoopServer) -> None:
        """Make way: until all connections are moved or done, or a stop is requested."""
        server.leave_datagrams()
        self._stop_accepting(acceptors)  # those in the backlog are left to whoever listens on the same sockets
        self._intake.close()
        retirement = Retirement(server.wire, drain_idle=self._settings.worker.drain_idle, tick=self._tick)
        while (server.connections_open or server.requests_running) and not self._stop_requests:
            more = retirement.look(self._move_to)
            await asyncio.sleep(0 if more else RETIRE_STEP)

    async def _take_in(self, acceptors: list[Acceptor], wire: Http1Wire) -> None:
        """Accept who has connected and read what was sent by now: to the client that is a request in flight."""
        wire.last_requests()
        for acceptor in acceptors:
            acceptor.accept_waiting()
        self._intake.close()
        for _ in range(LAST_TURNS):
            await asyncio.sleep(0)

    def _stop_accepting(self, acceptors: list[Acceptor]) -> None:
        while acceptors:
            acceptors.pop().stop()
        for sock in self._sockets:
            sock.close()  # who connects from now on is refused, and can go elsewhere

    async def _drained(self, server: LoopServer) -> None:
        """Wait for what is in flight: until it is done, the graceful time is over, or a second stop."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.worker.graceful_timeout
        while server.connections_open or server.requests_running:
            if self._stop_requests > 1 or loop.time() >= deadline:
                logger.warning(
                    "Stopping with %s open and %s unfinished",
                    counted(server.connections_open, "connection"),
                    counted(server.requests_running, "request"),
                )
                return
            await asyncio.sleep(min(0.02, max(deadline - loop.time(), 0)))

    async def _stop_requested(self, count: int, *, or_retiring: bool = False) -> None:
        assert self._news is not None
        while self._stop_requests < count and not (or_retiring and self._retiring):
            self._news.clear()
            await self._news.wait()

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()
        if self._stop_requests and self._loop is not None:
            self._pulse.quicken(self._loop)
