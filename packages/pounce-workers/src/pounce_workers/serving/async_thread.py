"""A thread of an `AsyncWorkerPool`: an event loop that never leaves it, and the requests that were begun on it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Protocol

from pounce_workers.net.loop import new_event_loop
from pounce_workers.serving.loop_end import close_loop
from pounce_workers.serving.served_loop import ServedLoop
from pounce_workers.serving.thread_role import Role, change

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.contracts import RequestHead
    from pounce_workers.serving.head_queue import HeadQueue
    from pounce_workers.serving.movable_connection import ConnectionHome, MovableConnection
    from pounce_workers.serving.moving_server import MovingServer

__all__ = ["AsyncThread", "ThreadOwner"]

logger = logging.getLogger("pounce.worker")

LOOK_AGAIN: Final = 0.1
LONGEST_PAUSE: Final = 1.6
"""Seconds between two looks at whether the application has left anything on the loop of a thread that is to go: twice
as many each time. On free-threaded builds a look at all tasks stops all threads."""


class ThreadOwner(Protocol):
    """Whoever has these threads. Called in any of them."""

    queue: HeadQueue
    """What those take whose role is FRONT."""
    draining: bool
    """Every answer is to be the last of its connection."""
    retiring: bool
    """What cannot move to another worker is to end."""

    def new_server(self, home: ConnectionHome, loop: asyncio.AbstractEventLoop, /) -> MovingServer:
        """What a thread serves connections with; in the thread."""

    def is_long(self, head: RequestHead, /) -> bool:
        """Whether the request is known to be one for the shared loop."""

    def streams(self, head: RequestHead, /) -> None:
        """This request is being answered with a stream."""

    def promote(self, thread: AsyncThread, /) -> bool:
        """Put a fresh thread in the place of this one. False: there are too many already."""

    def moved(self, connection: MovableConnection, /) -> None:
        """Find a new place for a connection that nobody has."""

    def opened(self) -> None:
        """A connection was accepted."""

    def closed(self) -> None:
        """A connection is gone."""

    def ended(self, thread: AsyncThread, ending: BaseException | None, /) -> None:
        """The thread is about to end; because of what an application raised, if it is to end the process."""


class AsyncThread:
    """One thread and its loop. `wake`, `give`, `drain`, `stop` and what it tells of itself are for every thread."""

    def __init__(self, owner: ThreadOwner, number: int, role: Role, *, loop: str, async_limit: float) -> None:
        """``loop`` is the kind of its loop; ``async_limit`` is in seconds."""
        self.number = number
        self.role = role
        """Changed by the thread itself."""
        self.was_pool = False
        """It has been a pool thread, and counts as one until it has ended."""
        self.beat = time.monotonic()
        """When its loop last turned."""
        self.busy_since: float | None = None
        """When it began with the request that it has; None while it waits for one."""
        self.server: MovingServer | None = None
        self.connection: MovableConnection | None = None
        """What it answers, unless it is the shared one."""
        self._owner = owner
        self._async_limit = async_limit
        self._loop = new_event_loop(loop)
        self._end = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopping = False
        self._main: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        # A daemon: an application that blocks for ever must not hold the exit.
        self._thread = threading.Thread(target=self._run, name=f"pounce-async-{number}", daemon=True)

    # -- from any thread ---------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of its thread."""
        return self._thread.name

    @property
    def requests_begun(self) -> int:
        """Requests whose application was called here."""
        return self.server.wire.requests_begun if self.server is not None else 0

    @property
    def requests_running(self) -> int:
        """Requests that wait for something, their answers complete or not."""
        return self.server.requests_running if self.server is not None else 0

    @property
    def served_loop(self) -> ServedLoop | None:
        """Its loop, to be inspected; None before it serves."""
        server = self.server
        if server is None or self.role is Role.ENDED:
            return None
        return ServedLoop(self.role.value, self._thread.ident or 0, self._loop, server, self.beat, self.busy_since)

    def start(self) -> None:
        """Begin.

        Raises:
            RuntimeError: the system allows no further thread.
        """
        try:
            self._thread.start()
        except RuntimeError:
            self._loop.close()
            raise

    def wake(self) -> None:
        """Look whether something waits."""
        self._tell(self._next)

    def give(self, connection: MovableConnection) -> bool:
        """Answer the request that waits in this connection. False: its loop is closed."""
        return self._tell(self._begin, connection)

    def drain(self, *, idle: bool) -> None:
        """Let every answer be the last of its connection; ``idle``: close what is idle."""
        # Not only in its own turn: an application that holds up the loop may answer before that.
        server, connection = self.server, self.connection
        if server is not None:
            server.wire.draining = True
        if connection is not None:
            connection.last_request()
        self._tell(self._drain, idle)

    def retire(self) -> None:
        """Let what cannot move to another worker end."""
        self._tell(self._retire)

    def stop(self) -> None:
        """Cancel what still runs, reset what is still open, and end."""
        self._tell(self._stop)

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def stack(self) -> str:
        """What it is doing now, as a traceback."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)).rstrip() if frame is not None else "  (it does not run)"

    def _tell(self, callback: Callable[..., None], *arguments: Any) -> bool:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(callback, *arguments, context=contextvars.Context())
            return True
        return False

    # -- the life of it ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        # Free-threaded builds hand a new thread the context of its parent; a worker starts with none.
        contextvars.Context().run(self._run_loop)

    def _run_loop(self) -> None:
        loop = self._loop
        loop.set_default_executor(ThreadPoolExecutor(min(32, (os.cpu_count() or 1) + 4), f"{self.name}-executor"))
        main = self._main = loop.create_task(self._live())
        ending: BaseException | None = None
        try:
            # With a main task, not run_forever(): anyio ties its worker threads to the root task.
            loop.run_until_complete(main)
        except BaseException as raised:  # noqa: BLE001 - the process ends, but from the thread that runs the pool
            ending = raised
        try:
            close_loop(loop, main)
        except BaseException as raised:  # noqa: BLE001 - the same
            ending = ending or raised
        self._owner.ended(self, ending)

    async def _live(self) -> None:
        server = self.server = self._owner.new_server(self, self._loop)
        server.wire.draining = self._owner.draining
        server.wire.retiring = self._owner.retiring
        server.wire.closes_idle = False
        server.sweeper.add(self)
        server.start()
        self._next()
        try:
            await self._end.wait()
            pause = LOOK_AGAIN
            while not self._stopping and self._left_behind():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            self.role = change(self.role, Role.ENDED)
            self._owner.queue.forget(self)
            await server.give_up()

    def _left_behind(self) -> bool:
        """Whether the application has left tasks or timers on this loop, which must not end with its request."""
        if asyncio.all_tasks(self._loop) - {self._main}:
            return True
        own = self.server.sweeper.timer if self.server is not None else None
        timers: list[asyncio.TimerHandle] = getattr(self._loop, "_scheduled", [])
        return any(timer is not own and not timer.cancelled() for timer in timers)

    def expire(self, now: float) -> None:  # noqa: ARG002 - the sweeper's clock stands still while the loop is held up
        """A tick."""
        self.beat = time.monotonic()

    # -- in its own thread -------------------------------------------------------------------------------------------

    def _drain(self, idle: bool) -> None:
        if self.server is not None:
            if idle:
                self.server.begin_drain()
            else:
                self.server.wire.last_requests()

    def _retire(self) -> None:
        if self.server is not None:
            self.server.wire.retire_others()

    def _stop(self) -> None:
        self._stopping = True
        self._stopped.set()
        self._end.set()

    def _soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        """Call it in the next turn, and not in the context of a request, which the next one would begin with."""
        context = self.server.wire.base_context if self.server is not None else None
        self._loop.call_soon(callback, *arguments, context=context)

    @property
    def _busy(self) -> bool:
        server = self.server
        return server is None or bool(server.wire.connections or server.context.running)

    def _next(self) -> None:
        """Take what waits, if it is this thread's to take, and it is free."""
        if self.role is Role.FRONT and not self._busy and not self._stopping:
            connection = self._owner.queue.take(self)
            if connection is not None:
                self._begin(connection)

    def _begin(self, connection: MovableConnection) -> None:
        """Answer the request that waits in this connection."""
        server = self.server
        if server is None:  # it has only just been born
            self._loop.call_soon(self._begin, connection)
            return
        server.take(connection)
        if self.role is Role.FRONT:
            self.connection = connection
            self.busy_since = time.monotonic()
            self._watch_time()
        elif (head := connection.waiting) is not None:
            # What goes on streaming here is remembered for as long as it is asked for.
            self._loop.call_later(self._async_limit, self._note_stream, connection, head)
        try:
            connection.begin_waiting()
        except Exception:
            logger.exception("An HTTP connection failed in an unforeseen way")
            connection.transport.abort()
        # Most are answered by then, and the kernel need not hear of them.
        self._soon(self._watch, connection)

    def _note_stream(self, connection: MovableConnection, head: RequestHead) -> None:
        exchange = connection.exchange
        if exchange is not None and exchange.head is head and exchange.head_on_wire:
            self._owner.streams(head)

    def _watch(self, connection: MovableConnection) -> None:
        server, transport = self.server, connection.transport
        if server is None:
            return
        changed = transport.protocol is not connection and server.has(transport.protocol)
        if changed or (server.has(connection) and connection.exchange is not None):
            transport.watch()

    # -- what its connections tell -----------------------------------------------------------------------------------

    def answers(self, head: RequestHead) -> bool:
        """A further request of the connection that is here: answered as long as nobody else waits."""
        if self.role is not Role.FRONT or self._stopping or len(self._owner.queue) or self._owner.is_long(head):
            return False
        self._watch_time()
        return True

    def pass_on(self, connection: MovableConnection) -> None:
        """It has nothing to do here any more, after this turn."""
        self._soon(self._look, connection)

    def opened(self) -> None:
        """A connection was accepted."""
        self._owner.opened()

    def closed(self) -> None:
        """The connection is gone."""
        self._owner.closed()
        self._soon(self._check)

    def _look(self, connection: MovableConnection) -> None:
        """Let a connection go whose request is answered."""
        server = self.server
        if server is None or not server.has(connection):
            return
        if connection.may_leave:
            self._owner.moved(server.part_with(connection))
            self._check()
        elif connection.turns_pending:
            self._soon(self._look, connection)
        elif connection.exchange is not None:
            connection.transport.watch()  # it has begun another request, and was not watched for the one before

    def _check(self) -> None:
        """See whether the thread is free."""
        server = self.server
        if server is None or server.wire.connections or self.role is Role.SHARED:
            return
        self.connection = None
        running = server.context.running
        if running:
            for task in running:  # it goes on after its answer, or after its client
                task.remove_done_callback(self._returned)
                task.add_done_callback(self._returned)
            return
        self._forget_time()
        self.busy_since = None
        if self.role is Role.FRONT:
            self._soon(self._next)
        else:
            self._end.set()

    def _returned(self, _task: asyncio.Task[Any]) -> None:
        self._soon(self._check)

    # -- requests that go on -----------------------------------------------------------------------------------------

    def _watch_time(self) -> None:
        self._forget_time()
        self._timer = self._loop.call_later(self._async_limit, self._goes_on)

    def _forget_time(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _goes_on(self) -> None:
        """The loop turns, and yet the request has not ended: its task waits for something."""
        timer, server = self._timer, self.server
        if timer is None or server is None:
            return
        late = self._loop.time() - timer.when()
        self._watch_time()
        if late > self._async_limit / 2:
            return  # it was computing: its waiting has only begun
        streaming = False
        for connection in server.wire.connections:
            exchange = getattr(connection, "exchange", None)
            if exchange is not None and exchange.head_on_wire:
                streaming = True
                self._owner.streams(exchange.head)
        if self.role is Role.FRONT and self._owner.promote(self):
            self.role = change(self.role, Role.POOL)
            self.was_pool = True
        if streaming and self.role is not Role.FRONT:
            self._forget_time()
