"""A blocking worker: one thread that serves one connection with something to read after another.

It never waits for a client but within a request: for the rest of a body that the application reads, or for room in
the connection while it streams its answer.
"""

from __future__ import annotations

import contextvars
import logging
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_workers.net.blocking_transport import BlockingTransport
    from pounce_workers.net.parking import ParkingLot
    from pounce_workers.serving.http1_connection import Http1Connection
    from pounce_workers.serving.sync_queue import SyncQueue
    from pounce_workers.serving.sync_wire import SyncWire

__all__ = ["SyncWorker"]

logger = logging.getLogger("pounce.worker")


class SyncWorker:
    """One thread of a `SyncWorkerPool`. What it tells of itself may be read from any thread."""

    def __init__(
        self,
        number: int,
        wire: SyncWire,
        queue: SyncQueue,
        lot: ParkingLot,
        *,
        on_ending: Callable[[BaseException], None],
    ) -> None:
        """``on_ending`` is called when the application ends the process: by ``SystemExit``, for one."""
        self.number = number
        self.wire = wire
        self.busy_since: float | None = None
        """When it began with what it serves now, by ``time.monotonic()``; None while it waits for work."""
        self.connection: Http1Connection | None = None
        """What it serves now."""
        self.requests_served = 0
        self._queue = queue
        self._lot = lot
        self._on_ending = on_ending
        # A daemon: an application that blocks for ever must not hold the exit.
        self._thread = threading.Thread(target=self._run, name=f"pounce-sync-{number}", daemon=True)

    @property
    def name(self) -> str:
        """The name of its thread."""
        return self._thread.name

    @property
    def thread_id(self) -> int:
        """``threading.get_ident()`` of its thread; 0 before it starts."""
        return self._thread.ident or 0

    def start(self) -> None:
        """Begin to serve.

        Raises:
            RuntimeError: the system allows no further thread.
        """
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait for its end, after the queue was closed. False when it goes on."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def stack(self) -> str:
        """What it is doing now, as a traceback."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)).rstrip() if frame is not None else "  (it does not run)"

    def _run(self) -> None:
        # Free-threaded builds hand a new thread the context of its parent; a worker starts with none.
        contextvars.Context().run(self._serve_all)

    def _serve_all(self) -> None:
        while (transport := self._queue.take()) is not None:
            connection = self.connection = cast("Http1Connection", transport.protocol)
            self.wire.serve(connection)
            self.busy_since = time.monotonic()
            before = connection.requests
            try:
                self._serve(transport)
            except Exception:
                logger.exception("An HTTP connection failed in an unforeseen way")
                transport.abort()
            except BaseException as ending:  # noqa: BLE001 - the process ends, but from the thread that runs the pool
                self._on_ending(ending)
            self.requests_served += connection.requests - before
            self.busy_since = self.connection = None
            try:
                self._part_with(transport)
            except Exception:
                logger.exception("An HTTP connection failed in an unforeseen way")

    def _serve(self, transport: BlockingTransport) -> None:
        """Do what it was left to do, or read what has come; go on as long as nobody else waits."""
        turns = transport.turns
        if turns:
            turns.run()
        else:
            data = transport.on_readable()
            if data is not None:
                transport.deliver(data)
        while turns and not len(self._queue):
            turns.run()

    def _part_with(self, transport: BlockingTransport) -> None:
        if transport.lost:
            transport.turns.run()
        elif transport.turns:
            self._queue.put_back(transport)
        else:
            self._lot.park(transport)
