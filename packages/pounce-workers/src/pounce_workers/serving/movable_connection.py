"""HTTP/1.1 connections that are received on one event loop and answered on another.

A request head that is whole where it may not be answered is kept, and the connection goes to a loop that answers it.
The application has not been called by then, and is called there: once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from pounce_asgi.fairness import call_behind
from pounce_http1 import RemoteProtocolError, RequestHead, RequestReader
from pounce_workers.serving.http1_connection import Http1Connection
from pounce_workers.serving.http1_wire import Http1Wire

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context

    from pounce_asgi import ExchangeContext, Peer, Transport
    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.net.movable_transport import MovableTransport
    from pounce_workers.serving.connection_budget import ConnectionBudget
    from pounce_workers.settings import ServingSettings

__all__ = ["ConnectionHome", "MovableConnection", "MovingWire"]


class ConnectionHome(Protocol):
    """Where a connection is now. It is told in the thread of its loop, in the midst of what the connection does: it
    acts in a later turn.
    """

    def answers(self, head: RequestHead, /) -> bool:
        """Whether the next request of a connection that is here may be answered here."""

    def pass_on(self, connection: MovableConnection, /) -> None:
        """It has a whole head that is not to be answered here, or its answer is complete."""

    def opened(self) -> None:
        """A client has connected."""

    def closed(self) -> None:
        """The connection is gone."""


class MovableConnection(Http1Connection):
    """One client's connection. Owned by one thread at a time, as its transport is."""

    __slots__ = ("turns_pending", "waiting")

    wire: MovingWire
    transport: MovableTransport

    def __init__(self, wire: MovingWire, transport: Transport, peer: Peer, *, has_place: bool = True) -> None:
        super().__init__(wire, transport, peer, has_place=has_place)
        self.waiting: RequestHead | None = None
        """The head of a request that nobody has begun to answer."""
        self.turns_pending = 0
        """Callbacks of its own that wait in the loop: it cannot leave before them."""

    @property
    def idle(self) -> bool:
        """No request is in flight, waiting or half-received: closing now loses nothing."""
        return self.waiting is None and super().idle

    @property
    def may_leave(self) -> bool:
        """Nothing of it is left in the loop where it is."""
        return self.exchange is None and not self.turns_pending and not self.transport.lost

    def begin_waiting(self) -> None:
        """Answer the request whose head has waited, here."""
        head, self.waiting = self.waiting, None
        if head is None:
            return
        if not self._paused and not self._eof:
            self.transport.resume_reading()
        self.wire.requests_begun += 1
        self._advancing = True
        try:
            if not super()._begin(head):
                self._hold_back()
            elif not self.reader.idle or self._eof:
                self._go_on()
        except RemoteProtocolError as error:
            self.refuse(error.status, str(error))
        finally:
            self._advancing = False

    def _begin(self, head: RequestHead) -> bool:
        wire = self.wire
        if self.refusal is not None:
            return super()._begin(head)
        if wire.home.answers(head):
            wire.requests_begun += 1
            return super()._begin(head)
        self.waiting = head
        self.transport.rest()
        wire.home.pass_on(self)
        return False

    def _advance(self) -> None:
        if self.waiting is None:
            super()._advance()

    def _response_done(self) -> None:
        super()._response_done()
        self.wire.home.pass_on(self)


class _CountedTurns:
    """The loop as connections see it: how many of their callbacks wait is known."""

    __slots__ = ("_loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def call_soon(self, callback: Callable[[], object], *, context: Context | None = None) -> None:
        """Call a method of a connection in the next turn."""
        connection: MovableConnection = callback.__self__  # type: ignore[attr-defined]
        connection.turns_pending += 1
        self._loop.call_soon(self._turn, connection, callback, context=context)

    def call_behind(self, callback: Callable[[], object], *, context: Context) -> None:
        """Call a method of a connection when all who have something new have had their turn."""
        connection: MovableConnection = callback.__self__  # type: ignore[attr-defined]
        connection.turns_pending += 1
        call_behind(self._loop, partial(self._turn, connection, callback), context)

    @staticmethod
    def _turn(connection: MovableConnection, callback: Callable[[], object]) -> None:
        connection.turns_pending -= 1
        callback()


class MovingWire(Http1Wire):
    """The wire of one loop among several between which connections move. Owned by the loop's thread."""

    __slots__ = ("closes_idle", "home", "requests_begun")

    def __init__(
        self,
        context: ExchangeContext[bytes],
        home: ConnectionHome,
        *,
        loop: asyncio.AbstractEventLoop,
        sweeper: DeadlineSweeper,
        settings: ServingSettings,
        budget: ConnectionBudget | None,
    ) -> None:
        """``home`` is told what becomes of connections. ``budget`` is the same for all these wires."""
        super().__init__(context, loop=loop, sweeper=sweeper, settings=settings, budget=budget)
        self.home = home
        self.closes_idle = True
        """At a stop. Elsewhere an idle connection is on its way to where its client is heard before it is closed."""
        self.requests_begun = 0
        """Requests that were begun here. Written by this thread, read by any."""
        self.loop = cast("asyncio.AbstractEventLoop", _CountedTurns(loop))
        self.connection_class = MovableConnection

    def new_reader(self) -> RequestReader:
        """A parser that remembers nothing: what is remembered belongs to one thread, and a connection to many."""
        return self._reader(self._limits)

    def connect(self, transport: Transport) -> Http1Connection:
        """A new connection on this transport."""
        self.home.opened()
        return super().connect(transport)

    def connection_left(
        self,
        protocol: str,
        peer: Peer,
        *,
        has_place: bool,
        opened: float,
        requests: int,
        error: OSError | None,
        began_as: str = "",
    ) -> None:
        """A connection is gone, whatever it spoke at last."""
        super().connection_left(
            protocol, peer, has_place=has_place, opened=opened, requests=requests, error=error, began_as=began_as
        )
        self.home.closed()

    def take(self, connection: MovableConnection) -> None:
        """The connection is here from now on."""
        connection.wire = self
        self.connections.add(connection)

    def begin_drain(self) -> None:
        """The server stops: as ``closes_idle`` says, and the others close after their answer."""
        self.draining = True
        for connection in tuple(self.connections):
            if connection.idle and not self.closes_idle and isinstance(connection, MovableConnection):
                self.home.pass_on(connection)
            else:
                connection.begin_drain()

    def part_with(self, connection: MovableConnection) -> None:
        """It goes elsewhere."""
        self.connections.discard(connection)
        connection.transport.leave()
