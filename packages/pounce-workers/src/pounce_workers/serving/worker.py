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

from pounce_asgi import ExchangeContext, Lifespan, LifespanError, Listeners
from pounce_http1 import encode_header_line
from pounce_workers.net.deadlines import DeadlineSweeper, tick_for
from pounce_workers.net.listeners import Acceptor
from pounce_workers.net.loop import new_event_loop, poller_of
from pounce_workers.net.transport import SocketTransport
from pounce_workers.serving.garbage import calm_garbage_collection, restore_garbage_collection
from pounce_workers.serving.http1_wire import Http1Wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from pounce_asgi.types import ASGI3Application
    from pounce_workers.settings import ServingSettings

__all__ = ["Worker"]

logger = logging.getLogger("pounce.worker")

CANCEL_GRACE: Final = 0.25
"""Seconds for what was cancelled to clean up, three times at most: after the graceful time the exit is promised within
one second, the application's own shutdown not counted."""

LAST_TURNS: Final = 8
"""Turns of the loop between a stop and the closing of idle connections; each reads from up to 256 sockets."""

ENDINGS: Final = 10
"""Times that SystemExit or KeyboardInterrupt may come up again while a worker ends because of one: tasks that wait for
the one that raised it raise it too."""


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
        listeners: Listeners | None = None,
        on_started: Callable[[], None] | None = None,
        worker_id: int = 0,
        tick: float | None = None,
    ) -> None:
        """``on_started`` is called in the worker's thread once it accepts. ``tick`` is how often deadlines are looked
        at, in seconds; it follows from the timeouts when it is not given. The sockets are closed when serving ends.
        """
        self._app = app
        self._sockets = list(sockets)
        self._settings = settings
        self._listeners = listeners or Listeners()
        self._on_started = on_started
        self._worker_id = worker_id
        timeouts = settings.worker
        self._tick = tick or tick_for(
            (
                timeouts.timeout_keep_alive,
                timeouts.timeout_request_head,
                timeouts.timeout_body_stall,
                timeouts.timeout_write_stall,
            )
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_requests = 0
        # Reentrant: a signal handler may interrupt the thread that holds it.
        self._stop_lock = threading.RLock()
        self._owns_process = False
        self._thresholds: tuple[int, int, int] | None = None
        self._news: asyncio.Event | None = None

    # -- from outside ------------------------------------------------------------------------------------------------

    def request_stop(self) -> None:
        """Stop: gracefully at the first call, at once at the second. Safe in any thread and in a signal handler."""
        with self._stop_lock:
            self._stop_requests += 1
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped already
                loop.call_soon_threadsafe(self._wake)

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
        loop = new_event_loop(self._settings.worker.loop)
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
            _close_loop(loop, main)

    async def serve(self) -> None:
        """Serve in the running loop: startup, connections, drain, shutdown.

        Raises:
            LifespanError: the application's startup or shutdown failed.
        """
        loop = self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        lifespan = Lifespan(
            self._app,
            mode=self._settings.exchange.lifespan,
            startup_timeout=self._settings.exchange.timeout_lifespan_startup,
            shutdown_timeout=self._settings.exchange.timeout_lifespan_shutdown,
        )
        try:
            if await self._started_up(lifespan):
                await self._serve_connections(loop, lifespan.state)
        except BaseException:
            # What the shutdown raises has been logged, and must not hide why we are here.
            with contextlib.suppress(LifespanError):
                await self._shut_down(lifespan)
            raise
        await self._shut_down(lifespan)

    # -- the life of it ----------------------------------------------------------------------------------------------

    async def _started_up(self, lifespan: Lifespan) -> bool:
        """Run the startup; False when a stop came first, which does not wait for it."""
        if self._stop_requests:
            return False
        startup = asyncio.ensure_future(lifespan.startup())
        stop = asyncio.ensure_future(self._stop_requested(1))
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

    async def _shut_down(self, lifespan: Lifespan) -> None:
        for sock in self._sockets:
            sock.close()
        await lifespan.shutdown()

    async def _serve_connections(self, loop: asyncio.AbstractEventLoop, state: dict[str, Any]) -> None:
        sweeper = DeadlineSweeper(loop, self._tick)
        context = ExchangeContext(
            self._app,
            loop=loop,
            encode=encode_header_line,
            no_fields=b"",
            settings=self._settings.exchange,
            state=state,
            listeners=self._listeners,
            worker_id=self._worker_id,
        )
        wire = Http1Wire(context, loop=loop, sweeper=sweeper, settings=self._settings)
        acceptors = self._accept(loop, sweeper, wire)
        sweeper.start()
        if self._owns_process:
            self._thresholds = calm_garbage_collection()
        try:
            if self._on_started is not None:
                self._on_started()
            await self._stop_requested(1)
            await self._take_in(acceptors, wire)
            self._stop_accepting(acceptors)
            wire.begin_drain()
            await self._drained(wire, context)
        finally:
            self._stop_accepting(acceptors)
            await _give_up(wire, context)
            sweeper.stop()

    def _accept(self, loop: asyncio.AbstractEventLoop, sweeper: DeadlineSweeper, wire: Http1Wire) -> list[Acceptor]:
        poller = poller_of(loop)
        write_stall = self._settings.worker.timeout_write_stall

        def connected(sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None) -> None:
            SocketTransport(
                sock, loop=loop, poller=poller, sweeper=sweeper, peer=peer, local=local, write_stall=write_stall
            ).start(wire.connect)

        acceptors = [Acceptor(sock, loop=loop, poller=poller, on_connection=connected) for sock in self._sockets]
        for acceptor in acceptors:
            acceptor.start()
        return acceptors

    async def _take_in(self, acceptors: list[Acceptor], wire: Http1Wire) -> None:
        """Accept who has connected and read what was sent by now: to the client that is a request in flight."""
        wire.draining = True
        for acceptor in acceptors:
            acceptor.accept_waiting()
        for _ in range(LAST_TURNS):
            await asyncio.sleep(0)

    def _stop_accepting(self, acceptors: list[Acceptor]) -> None:
        while acceptors:
            acceptors.pop().stop()
        for sock in self._sockets:
            sock.close()  # who connects from now on is refused, and can go elsewhere

    async def _drained(self, wire: Http1Wire, context: ExchangeContext[bytes]) -> None:
        """Wait for what is in flight: until it is done, the graceful time is over, or a second stop."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.worker.graceful_timeout
        while wire.connections or context.running:
            if self._stop_requests > 1 or loop.time() >= deadline:
                logger.warning(
                    "Stopping with %d connections open and %d requests unfinished",
                    len(wire.connections),
                    len(context.running),
                )
                return
            await asyncio.sleep(min(0.02, max(deadline - loop.time(), 0)))

    async def _stop_requested(self, count: int) -> None:
        assert self._news is not None
        while self._stop_requests < count:
            self._news.clear()
            await self._news.wait()

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()


async def _give_up(wire: Http1Wire, context: ExchangeContext[bytes]) -> None:
    """Cancel what still runs and reset what is still open. Who does not end in time is left behind."""
    unfinished = tuple(context.running)
    for task in unfinished:
        task.cancel("the server is stopping")
    if unfinished:
        await asyncio.wait(unfinished, timeout=CANCEL_GRACE)
    for connection in tuple(wire.connections):
        connection.transport.abort()
    await asyncio.sleep(0)  # connection_lost() is called in the next turn


def _close_loop(loop: asyncio.AbstractEventLoop, main: asyncio.Task[None]) -> None:
    """End a loop within bounds: a task that does not heed its cancellation must not hold the exit."""
    try:
        if not main.done():
            # An application ended the process (SystemExit, KeyboardInterrupt). Before its other tasks are cancelled,
            # of which the lifespan's is one, serve() takes its own way out, on which the lifespan is shut down.
            main.cancel()
            _finish(loop, main)
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            _, resisting = loop.run_until_complete(asyncio.wait(tasks, timeout=CANCEL_GRACE))
            for task in resisting:
                _leave_behind(task)
        loop.run_until_complete(_within(loop.shutdown_asyncgens(), CANCEL_GRACE))
    finally:
        loop.close()


def _leave_behind(task: asyncio.Task[Any]) -> None:
    """Name a task that goes on after it was cancelled. Once is enough: asyncio is not to report its end as well."""
    logger.warning("A task does not heed its cancellation and is left behind: %r", task)
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # as asyncio does with its own


def _finish(loop: asyncio.AbstractEventLoop, main: asyncio.Task[None]) -> None:
    """Run until ``main`` has ended, whatever else ends the loop meanwhile."""
    for _ in range(ENDINGS):
        with contextlib.suppress(SystemExit, KeyboardInterrupt):
            loop.run_until_complete(asyncio.wait((main,)))
            break
    if main.done() and not main.cancelled():
        main.exception()  # it has been logged, and must not hide why we are here


async def _within(awaitable: Any, seconds: float) -> None:
    try:
        await asyncio.wait_for(awaitable, seconds)
    except TimeoutError:
        logger.warning("Asynchronous generators of the application did not close in time")
