"""Threads that serve an ASGI application one request at a time each, for applications that block in their coroutines.

A worker's thread that computes or waits for a database holds up its own request here, and no other. What must not hold
a thread goes elsewhere. Connections that are idle or have sent half a head wait on a loop that calls no application.
Requests that are known to be long (WebSockets, server-sent events, paths that have streamed lately) start on one loop
that all of them share. And when a request turns out to be long, because its task has been waiting for `async_limit`,
its thread keeps it, with loop, task and socket, and a fresh thread takes the others from then on; at most
`limit_pool_threads` are kept like that.

So no request is ever begun twice, and no loop changes its thread. But loops come and go, which is why the lifespan is
run once for all of them, by somebody else: what the application keeps in its state must not be bound to a loop.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pounce_workers.serving.async_crew import AsyncCrew
from pounce_workers.serving.async_parking import AsyncParking
from pounce_workers.serving.connection_budget import ConnectionBudget
from pounce_workers.serving.moving_server import MovingServer
from pounce_workers.serving.worker import Worker

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable, Sequence

    from pounce_asgi import Listeners, LiveListeners
    from pounce_asgi.types import ASGI3Application
    from pounce_workers.net.acceptor import Acceptor
    from pounce_workers.serving.async_thread import AsyncThread
    from pounce_workers.serving.companion import Companion
    from pounce_workers.serving.loop_server import LoopServer
    from pounce_workers.serving.movable_connection import ConnectionHome, MovableConnection
    from pounce_workers.serving.protocols import Protocols
    from pounce_workers.serving.served_loop import ServedLoop
    from pounce_workers.settings import ServingSettings
    from pounce_workers.supervision.slots import MoveTo

__all__ = ["AsyncWorkerPool"]


class AsyncWorkerPool(Worker):
    """A `Worker` whose own loop only waits for clients, and leaves the application to threads."""

    def __init__(
        self,
        app: ASGI3Application,
        sockets: Sequence[socket.socket] = (),
        *,
        threads: int,
        settings: ServingSettings,
        state: dict[str, Any] | None = None,
        listeners: Listeners | LiveListeners | None = None,
        on_started: Callable[[], None] | None = None,
        worker_id: int = 0,
        tick: float | None = None,
        shared_sockets: bool = False,
        budget: ConnectionBudget | None = None,
        protocols: Protocols | None = None,
        companion: Companion | None = None,
    ) -> None:
        """``threads`` is how many requests are served at a time, those that go on for long not counted. ``state`` is
        that of a lifespan which somebody else runs. ``listeners`` are called in the thread that has the connection,
        several at once. The ``companion`` takes the connections that speak HTTP/2, of which each has many requests.
        The rest is as for `Worker`.
        """
        limit = settings.worker.limit_concurrency
        super().__init__(
            app,
            sockets,
            settings=settings,
            listeners=listeners,
            on_started=on_started,
            worker_id=worker_id,
            tick=tick,
            shared_sockets=shared_sockets,
            state={} if state is None else state,
            budget=budget or (ConnectionBudget(limit) if limit is not None else None),
            protocols=dataclasses.replace(protocols, http2=None) if protocols is not None else None,
        )
        self._companion = companion
        if companion is not None:
            companion.on_ending = self._ended_by
        self._parking: AsyncParking | None = None
        self._ending: BaseException | None = None
        self._runs_itself = False
        self._crew = AsyncCrew(
            self._new_thread_server,
            threads,
            settings.worker,
            give_back=self._give_back,
            on_ending=self._ended_by,
        )

    # -- from any thread ---------------------------------------------------------------------------------------------

    @property
    def load(self) -> int:
        """Connections that it has, and those that wait to be taken in."""
        companions = self._companion.load if self._companion is not None else 0
        return self._crew.connections + len(self._intake) + companions

    @property
    def requests_served(self) -> int:
        """Requests that it has begun to answer."""
        companions = self._companion.requests_served if self._companion is not None else 0
        return self._crew.requests_begun + companions

    @property
    def served_loops(self) -> tuple[ServedLoop, ...]:
        """That on which clients wait, those of its threads, and that beside them. Safe in any thread."""
        own = tuple(one._replace(role="parking") for one in super().served_loops)
        threads = tuple(one for thread in self.threads if (one := thread.served_loop) is not None)
        return own + threads + (self._companion.served_loops if self._companion is not None else ())

    @property
    def queued(self) -> int:
        """Requests that wait for a thread."""
        return len(self._crew.queue)

    @property
    def threads(self) -> tuple[AsyncThread, ...]:
        """Its threads, that of its own loop and those of executors not counted."""
        return self._crew.threads

    def blocked(self, seconds: float) -> list[AsyncThread]:
        """The threads whose application has not let their loop turn for longer than that."""
        return self._crew.blocked(seconds)

    def retire(self, move_to: MoveTo | None = None) -> None:
        """End when the work is done; see `Worker.retire`."""
        if self._parking is not None:
            self._parking.retire(move_to)
        if move_to is None:
            self._crew.drain(idle=False)
        super().retire(move_to)

    # -- inside ------------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Serve in the running loop, which only waits for clients; see `Worker.serve`.

        Raises:
            SystemExit, KeyboardInterrupt: the application raised it.
        """
        await super().serve()
        if self._ending is not None and not self._runs_itself:
            raise self._ending

    def _run(self) -> None:
        self._runs_itself = True
        super()._run()
        if self._ending is not None:
            raise self._ending

    async def _retire(self, acceptors: list[Acceptor], server: LoopServer) -> None:
        self._stop_accepting(acceptors)  # first: a client that is told to come back is to find the other worker
        self._crew.retire()
        await super()._retire(acceptors, server)

    def _ended_by(self, ending: BaseException) -> None:
        """An application ends the process, or a thread could not go on: from the thread that runs the pool."""
        self._ending = self._ending or ending
        self.request_stop()

    def _new_server(self, loop: asyncio.AbstractEventLoop, state: dict[str, Any]) -> AsyncParking:
        self._parking = AsyncParking(self._crew, self._companion, **self._server_options(loop, state))
        if self._companion is not None:
            self._companion.begin()
        return self._parking

    def _new_thread_server(self, home: ConnectionHome, loop: asyncio.AbstractEventLoop) -> MovingServer:
        assert self._state is not None
        return MovingServer(home, **self._server_options(loop, self._state))

    def _give_back(self, connection: MovableConnection) -> None:
        assert self._parking is not None
        self._parking.take_back(connection)
