"""How a pool of blocking workers ends: told to stop, or making way for another generation. In its parking thread."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, cast

from pounce_asgi import counted

if TYPE_CHECKING:
    from pounce_workers.net.blocking_transport import BlockingTransport
    from pounce_workers.serving.http1_connection import Http1Connection
    from pounce_workers.serving.sync_worker_pool import SyncWorkerPool
    from pounce_workers.settings import WorkerSettings

__all__ = ["SyncDrain"]

logger = logging.getLogger("pounce.worker")

STEP: Final = 0.02
"""Seconds between two looks at whether all is done."""
LAST_TURNS: Final = 8
"""Turns between a stop and the closing of idle connections; each takes 256 descriptors."""
LAST_GRACE: Final = 0.5
"""Seconds for workers to end after their connections were cut off; then they are left behind."""


class SyncDrain:
    """The end of one pool."""

    def __init__(self, pool: SyncWorkerPool, settings: WorkerSettings) -> None:
        self._pool = pool
        self._settings = settings

    def retired(self) -> bool:
        """One step of making way. True when nothing is left."""
        pool = self._pool
        if pool.distributor is not None and pool.distributor.is_alive():
            pool.distributor.request_stop(take_waiting=False)  # a successor listens on the same sockets
            pool.turn(STEP)
            return False
        pool.refuse_connections()
        if pool.companion is not None and not pool.entering:
            pool.companion.retire()  # until now its turn could come, behind a handshake
        for transport in pool.lot.members():
            if transport.parked and pool.lot.claim(transport):
                self._make_way(transport)
        if not pool.load:
            return True
        pool.turn(STEP)
        return False

    def run(self) -> None:
        """After a stop: wait for what is in flight; until it is done, the graceful time is over, or a second stop."""
        pool = self._pool
        pool.connections.draining = True
        self._tell_clients()
        self._take_in_the_last()
        if pool.companion is not None:
            pool.companion.request_stop()  # not before the last are taken in, some of which may be for it
        deadline = time.monotonic() + self._settings.graceful_timeout
        while pool.load:
            self._tell_clients()  # of requests too that a worker has begun meanwhile, out of what was sent ahead
            for transport in pool.lot.members():
                if transport.parked and pool.lot.claim(transport):
                    pool.lot.guarded(transport, transport.protocol.begin_drain)
            if pool.stop_requests > 1 or time.monotonic() >= deadline:
                gathering = sum(transport.gathers for transport in pool.lot.members())
                unfinished = counted(len(pool.blocked(0)) + gathering, "request")
                logger.warning("Stopping with %s open and %s unfinished", counted(pool.load, "connection"), unfinished)
                return
            if pool.load:
                pool.turn(STEP)

    def give_up(self) -> None:
        """Reset what is still open, and end the workers. Who does not end in time is left behind."""
        pool = self._pool
        if pool.distributor is not None:
            pool.distributor.stop(LAST_GRACE)
        pool.refuse_connections()
        for transport in pool.queue.close():
            self._abort(transport)
        for transport in pool.lot.members():
            if pool.lot.claim(transport):
                self._abort(transport)
            else:
                transport.cut()
        end = time.monotonic() + LAST_GRACE
        if pool.companion is not None:
            pool.companion.request_stop()
            pool.companion.request_stop()
        for worker in pool.workers:
            # One that serves nobody is about to end: on a busy machine it has not had its turn yet.
            if not worker.join(max(end - time.monotonic(), 0)) and worker.busy_since is not None:
                logger.warning("%s does not end and is left behind, in:\n%s", worker.name, worker.stack())
        if pool.companion is not None and not pool.companion.join(max(end - time.monotonic(), LAST_GRACE)):
            logger.warning("The event loop beside the blocking workers does not end and is left behind")
        # What a worker parked while it ended.
        for transport in pool.lot.members():
            if pool.lot.claim(transport):
                self._abort(transport)

    def _tell_clients(self) -> None:
        """Every answer whose head is not out yet is to say that it is the last of its connection."""
        for connection in self._pool.connections:
            connection.last_request()

    def _take_in_the_last(self) -> None:
        """Accept who has connected and read what was sent by now: to the client that is a request in flight."""
        pool = self._pool
        if pool.distributor is not None:
            pool.distributor.request_stop()
            while pool.distributor.is_alive() and pool.stop_requests < 2:
                pool.turn(STEP)
        pool.refuse_connections()
        for _ in range(LAST_TURNS):
            pool.turn(0)

    def _make_way(self, transport: BlockingTransport) -> None:
        """A connection that waits, claimed: move it, close it, or leave it to its next answer."""
        pool = self._pool
        idle = transport.protocol.idle and not transport.closing and not transport.sending and not transport.entering
        if idle and pool.move_to is not None:
            pool.attend(transport)
            pool.wire.keep_place(cast("Http1Connection", transport.protocol))
            pool.move_to(transport.release(), transport.peer, transport.local)
        elif idle and self._idle_for_long(transport) and not transport.readable():
            pool.lot.guarded(transport, transport.protocol.begin_drain)
        else:
            pool.lot.settle(transport)

    def _idle_for_long(self, transport: BlockingTransport) -> bool:
        began = transport.deadline - self._settings.timeout_keep_alive
        return began + self._settings.drain_idle <= time.monotonic()

    def _abort(self, transport: BlockingTransport) -> None:
        self._pool.attend(transport)
        transport.abort()
        transport.turns.run()
