"""The threads of an `AsyncWorkerPool`: who takes which request, and who takes whose place."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING

from pounce_workers.serving.async_thread import AsyncThread
from pounce_workers.serving.head_queue import HeadQueue
from pounce_workers.serving.streaming_paths import StreamingPaths
from pounce_workers.serving.thread_role import Role

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pounce_asgi.contracts import RequestHead
    from pounce_workers.serving.movable_connection import ConnectionHome, MovableConnection
    from pounce_workers.serving.moving_server import MovingServer
    from pounce_workers.settings import WorkerSettings

__all__ = ["AsyncCrew"]

logger = logging.getLogger("pounce.worker")

EVENT_STREAM = b"text/event-stream"


class AsyncCrew:
    """A `ThreadOwner`. Every method may be called from any thread."""

    def __init__(
        self,
        new_server: Callable[[ConnectionHome, asyncio.AbstractEventLoop], MovingServer],
        threads: int,
        settings: WorkerSettings,
        *,
        give_back: Callable[[MovableConnection], None],
        on_ending: Callable[[BaseException], None],
    ) -> None:
        """``new_server`` makes what a thread serves connections with. ``give_back`` takes connections that wait for
        their client, or for whom there is no room. ``on_ending`` is called when an application ends the process.
        """
        self.new_server = new_server
        self.queue = HeadQueue(settings.limit_queue, settings.timeout_queue)
        self.draining = False
        self.retiring = False
        self._paths = StreamingPaths()
        self._fronts = threads
        self._settings = settings
        self._give_back = give_back
        self._on_ending = on_ending
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()  # guards what follows
        self._threads: tuple[AsyncThread, ...] = ()
        self._shared: AsyncThread | None = None
        self._pool_threads = 0
        self._stopping = False
        self._connections = 0
        self._requests_of_ended = 0

    # -- what is known of it -----------------------------------------------------------------------------------------

    @property
    def threads(self) -> tuple[AsyncThread, ...]:
        """Those that have not ended."""
        return self._threads

    @property
    def connections(self) -> int:
        """Connections that are open, wherever they are."""
        return self._connections

    @property
    def requests_begun(self) -> int:
        """Requests whose application was called."""
        with self._lock:
            return self._requests_of_ended + sum(thread.requests_begun for thread in self._threads)

    @property
    def requests_running(self) -> int:
        """Requests that wait for something."""
        return sum(thread.requests_running for thread in self._threads)

    def is_long(self, head: RequestHead) -> bool:
        """Whether the request belongs on the shared loop from the start."""
        if getattr(head, "upgrade", None) == b"websocket" or head.raw_path in self._paths:
            return True
        return any(name == b"accept" and EVENT_STREAM in value.lower() for name, value in head.headers)

    # -- from threads ------------------------------------------------------------------------------------------------

    def opened(self) -> None:
        """A connection was accepted."""
        with self._lock:
            self._connections += 1

    def closed(self) -> None:
        """A connection is gone."""
        with self._lock:
            self._connections -= 1

    def streams(self, head: RequestHead) -> None:
        """Remember the path. Those that wait for the same need wait no longer."""
        path = head.raw_path
        known = path in self._paths
        self._paths.add(path)
        if not known:
            for connection in self.queue.take_those(
                lambda one: one.waiting is not None and one.waiting.raw_path == path
            ):
                self.moved(connection)

    def moved(self, connection: MovableConnection) -> None:
        """Find a place for a connection: a thread for its request if it has one, else where clients are waited for."""
        head = connection.waiting
        if head is None or not self._placed(connection, head):
            self._give_back(connection)

    def _placed(self, connection: MovableConnection, head: RequestHead) -> bool:
        if self._shared is not None and self.is_long(head):
            return self._shared.give(connection)
        return self.queue.put(connection)

    def promote(self, thread: AsyncThread) -> bool:
        """A thread keeps its request; another takes its role."""
        with self._lock:
            if self._stopping or self._pool_threads >= self._settings.limit_pool_threads:
                return False
            self._pool_threads += 1
        try:
            self._start(Role.FRONT)
        except (RuntimeError, OSError):  # no more threads, or no more descriptors for its loop
            logger.exception("A request goes on for long, and there is no further thread that could take others")
            with self._lock:
                self._pool_threads -= 1
            return False
        logger.debug("%s has a request that goes on; another thread takes its place", thread.name)
        return True

    def ended(self, thread: AsyncThread, ending: BaseException | None) -> None:
        """It is gone. What it served counts on."""
        with self._lock:
            self._threads = tuple(one for one in self._threads if one is not thread)
            self._requests_of_ended += thread.requests_begun
            if thread.was_pool:
                self._pool_threads -= 1
        if ending is not None:
            self._on_ending(ending)

    # -- from the pool -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to serve.

        Raises:
            RuntimeError: the system allows no further thread.
        """
        self._shared = self._start(Role.SHARED)
        for _ in range(self._fronts):
            self._start(Role.FRONT)

    def _start(self, role: Role) -> AsyncThread:
        worker = self._settings
        thread = AsyncThread(self, next(self._numbers), role, loop=worker.loop, async_limit=worker.async_limit)
        with self._lock:
            self._threads = (*self._threads, thread)
        try:
            thread.start()
        except RuntimeError:
            with self._lock:
                self._threads = tuple(one for one in self._threads if one is not thread)
            raise
        return thread

    def drain(self, *, idle: bool) -> None:
        """Let every answer be the last of its connection; ``idle``: close what is idle."""
        self.draining = True
        for thread in self._threads:
            thread.drain(idle=idle)

    def retire(self) -> None:
        """Let what cannot move to another worker end."""
        self.retiring = True
        for thread in self._threads:
            thread.retire()

    def stop(self) -> None:
        """Let all threads end, at once."""
        with self._lock:
            self._stopping = True
        for thread in self._threads:
            thread.stop()

    def blocked(self, seconds: float) -> list[AsyncThread]:
        """The threads whose loop has not turned for so long: an application blocks them."""
        since = time.monotonic() - seconds
        return [thread for thread in self._threads if thread.beat <= since]
