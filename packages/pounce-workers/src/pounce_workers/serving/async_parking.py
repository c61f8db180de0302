"""Where the connections of an `AsyncWorkerPool` wait: for a request, for the rest of its head, for a client that reads
slowly. Its loop calls no application, so nothing that an application does holds it up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from pounce_workers.serving.companion_upgrades import CompanionUpgrades
from pounce_workers.serving.moving_server import MovingServer
from pounce_workers.serving.thread_role import Role

if TYPE_CHECKING:
    from pounce_asgi import ConnectionProtocol
    from pounce_asgi.contracts import RequestHead
    from pounce_workers.net.transport import SocketTransport
    from pounce_workers.serving.async_crew import AsyncCrew
    from pounce_workers.serving.companion import Companion
    from pounce_workers.serving.movable_connection import MovableConnection
    from pounce_workers.supervision.slots import MoveTo

__all__ = ["WORKERS_BUSY", "AsyncParking"]

logger = logging.getLogger("pounce.worker")

WORKERS_BUSY: Final = "all workers are busy"
"""What a client is told whose request found no thread in time."""

TURNS_TO_HEAR: Final = 4
"""Turns of the loop for the first bytes of a client that was not listened to: the next one reads them, and in a turn up
to 256 sockets are read from."""

LAST_GRACE: Final = 1.0
"""Seconds for threads to leave their applications once all that they had is cancelled; then they are left behind."""
CLOSING_GRACE: Final = 5.0
"""Seconds in all for those that have, and only close their loops: that is sure to come, but on free-threaded builds
each of them stops all others for it, more than once."""
STEP: Final = 0.01
"""Seconds between two looks at whether they have."""


class AsyncParking(MovingServer):
    """The connections that own no thread, and the way out of there. `take_back` is for every thread."""

    def __init__(self, crew: AsyncCrew, companion: Companion | None, **options: Any) -> None:
        """Connections with a whole request head go to the ``crew``, those that speak HTTP/2 to the ``companion``."""
        self._crew = crew
        self._companion = companion
        self._leaving: list[MovableConnection] = []
        self._stopping = False
        self._retiring = False
        super().__init__(self, **options)
        self._away = CompanionUpgrades(companion) if companion is not None else None
        if self._away is not None:
            self.wire.upgrades = self._away

    def start(self) -> None:
        """Begin to serve.

        Raises:
            RuntimeError: the system allows no further thread.
        """
        super().start()
        self._crew.start()
        self.sweeper.add(self)

    def expire(self, now: float) -> None:  # noqa: ARG002 - the queue has a clock that nothing holds up
        """A tick: refuse the requests that have waited for a thread for too long."""
        if self._retiring and self._companion is not None and not self.entering:
            self._companion.retire()  # until now its turn could come, behind a handshake
        queue = self._crew.queue
        queue.wake_another()
        for connection in queue.take_overdue(time.monotonic()):
            self._settle(connection)

    # -- from any thread ---------------------------------------------------------------------------------------------

    def retire(self, move_to: MoveTo | None) -> None:
        """Another worker takes over, which may have the connections that would be the companion's."""
        if self._away is not None:
            self._away.move_to = move_to
        self._retiring = True

    def take_back(self, connection: MovableConnection) -> None:
        """Wait here for what its client does next."""
        try:
            self.loop.call_soon_threadsafe(self._settle, connection)
        except RuntimeError:
            # The loop is closed: all has ended but this connection's thread, which was left behind.
            connection.transport.abort()

    # -- what connections here tell ----------------------------------------------------------------------------------

    def answers(self, head: RequestHead) -> bool:  # noqa: ARG002
        """No request is answered here."""
        return False

    def pass_on(self, connection: MovableConnection) -> None:
        """It has a request, or was refused one."""
        if connection.waiting is not None:
            self._leaving.append(connection)
            if len(self._leaving) == 1:
                self.loop.call_soon(self._let_go)

    def opened(self) -> None:
        """A connection was accepted."""
        self._crew.opened()

    def closed(self) -> None:
        """The connection is gone."""
        self._crew.closed()

    def _let_go(self) -> None:
        """Those that got a request in this turn are given to threads."""
        leaving, self._leaving = self._leaving, []
        for connection in leaving:
            if connection.transport.lost:
                continue  # it has been, or is about to be, told
            if connection.turns_pending:
                self.pass_on(connection)
            else:
                self._crew.moved(self.part_with(connection))

    def _settle(self, connection: MovableConnection) -> None:
        """It is here. If it brings a request, no thread has room for it."""
        self.take(connection)
        if connection.waiting is not None:
            connection.refusal = connection.refusal or WORKERS_BUSY
            connection.begin_waiting()
        elif self._stopping:
            self._close_soon(connection, TURNS_TO_HEAR)
        connection.transport.watch()

    def _close_soon(self, connection: MovableConnection, turns: int) -> None:
        """Close it unless its client has begun to ask, which is heard within so many turns."""
        if turns:
            self.loop.call_soon(self._close_soon, connection, turns - 1)
        elif self.has(connection) and not connection.transport.lost:
            connection.begin_drain()

    def chosen(self, transport: SocketTransport, alpn: str | None) -> ConnectionProtocol | None:
        """The TLS handshake is done: what this client and we have agreed on."""
        if alpn == "h2" and self._away is not None:
            self._away.give_away(transport)
            return None
        return super().chosen(transport, alpn)

    # -- the end -----------------------------------------------------------------------------------------------------

    @property
    def connections_open(self) -> int:
        """Connections, wherever they are."""
        companions = self._companion.load if self._companion is not None else 0
        return self._crew.connections + self.entering + companions

    @property
    def requests_running(self) -> int:
        """Requests in all threads."""
        return self._crew.requests_running

    def begin_drain(self) -> None:
        """The server stops."""
        self._stopping = True
        self._crew.drain(idle=True)
        if self._companion is not None:
            self._companion.request_stop()
        super().begin_drain()

    async def give_up(self) -> None:
        """End the threads, and reset what is still open."""
        crew = self._crew
        crew.stop()
        if self._companion is not None:
            self._companion.request_stop()
            self._companion.request_stop()
        for connection in crew.queue.take_all():
            self.take(connection)
        began = time.monotonic()
        while threads := crew.threads:
            closing = all(thread.role is Role.ENDED for thread in threads)
            if time.monotonic() >= began + (CLOSING_GRACE if closing else LAST_GRACE):
                break
            await asyncio.sleep(STEP)
        if self._companion is not None and not await asyncio.to_thread(self._companion.join, LAST_GRACE):
            logger.warning("The event loop for HTTP/2 does not end and is left behind")
        for thread in crew.threads:
            logger.warning("%s does not end and is left behind, in:\n%s", thread.name, thread.stack())
        await super().give_up()
