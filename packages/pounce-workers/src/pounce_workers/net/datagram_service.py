"""The UDP side of one worker: its sockets, the timer of its endpoint, and the way to the other workers.

One for each event loop. It is the `pounce_asgi.DatagramLink` of its endpoint, and a member of the `DatagramRoutes`.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING

from pounce_workers.net.datagram_inbox import DatagramInbox
from pounce_workers.net.datagram_socket import DatagramSocket
from pounce_workers.net.loop import ServingLoop

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from pounce_asgi import Datagram, DatagramEndpoint
    from pounce_workers.net.datagram_peers import DatagramPeers
    from pounce_workers.net.datagram_routes import DatagramRoutes
    from pounce_workers.net.datagram_socket import DatagramSockets
    from pounce_workers.net.poller import Poller

__all__ = ["DatagramService"]


class DatagramService:
    """Made in the thread of its loop, which owns it. Only `hand_over` may be called from others.

    A worker that is replaced calls `stop_reading` as soon as its successor, which has the same sockets, reads: what
    arrives for its connections from then on comes through the routes, or from the other process.
    """

    def __init__(
        self,
        sockets: DatagramSockets,
        routes: DatagramRoutes,
        *,
        loop: asyncio.AbstractEventLoop,
        poller: Poller,
        peers: DatagramPeers | None = None,
    ) -> None:
        """``routes`` are those of the process; ``peers`` are there where a server has several processes."""
        self._loop = loop
        self._poller = poller
        self._routes = routes
        self._peers = peers
        self._reads = sockets.reads
        self._spreads = sockets.spreads
        # Whatever asks for a timer, a request perhaps: what is called later must not find its variables.
        self._context = contextvars.copy_context()
        quick_wait = loop.quick_wait if isinstance(loop, ServingLoop) else bool
        self._sockets = [
            DatagramSocket(sock, place, poller, self._arrived, quick_wait=quick_wait)
            for place, sock in enumerate(sockets.sockets)
        ]
        self._inbox = DatagramInbox(loop, self._forwarded)
        self._endpoint: DatagramEndpoint | None = None
        self._accepting = False
        self._due: float | None = None
        """When the endpoint wants to be called."""
        self._timer: asyncio.TimerHandle | None = None
        """Never later than that."""

    # -- for the worker ----------------------------------------------------------------------------------------------

    def start(self, endpoint: DatagramEndpoint) -> None:
        """Begin to read, and to be given new connections."""
        self._endpoint = endpoint
        self._accepting = True
        self._routes.take_new(self)
        if self._peers is not None:
            self._peers.start(self._routes, loop=self._loop, poller=self._poller)
        if self._reads:
            for sock in self._sockets:
                sock.start_reading()

    def stop_reading(self) -> None:
        """Leave reading, and new connections, to a successor. Those that are open go on. Safe to call again."""
        self._accepting = False
        self._routes.take_no_more(self)
        for sock in self._sockets:
            sock.stop_reading()

    def close(self) -> None:
        """Let go of everything but the sockets, which are the server's. Safe to call again."""
        self.stop_reading()
        self._routes.leave(self)
        self._inbox.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for sock in self._sockets:
            sock.close()
        if self._peers is not None:
            self._peers.close()
        self._endpoint = None

    # -- DatagramMember ----------------------------------------------------------------------------------------------

    def hand_over(self, datagrams: Sequence[Datagram], /) -> None:
        """Have datagrams that another worker read. Safe in any thread."""
        self._inbox.put(datagrams)

    # -- DatagramLink ------------------------------------------------------------------------------------------------

    def send(self, datagrams: Sequence[Datagram]) -> None:
        """Send these in this order."""
        sockets = self._sockets
        if len(sockets) == 1:
            sockets[0].send(datagrams)
            return
        begin = 0
        for end in range(1, len(datagrams) + 1):
            place = datagrams[begin][1].place
            if end == len(datagrams) or datagrams[end][1].place != place:
                sockets[place].send(datagrams[begin:end])
                begin = end

    def set_timer(self, when: float | None) -> None:
        """Call ``expire()`` at this time. One that moves to a later time, as most do, costs nothing: the loop's timer
        stays, and finds that out.
        """
        self._due = when
        if when is not None and (self._timer is None or when < self._timer.when()):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(when, self._time_came, context=self._context)

    def claim(self, connection_id: bytes) -> None:
        """Datagrams for this ID are this endpoint's."""
        self._routes.claim(connection_id, self)

    def release(self, connection_id: bytes) -> None:
        """No longer."""
        self._routes.release(connection_id, self)

    def pass_on(self, connection_id: bytes, datagrams: Sequence[Datagram], *, new: bool) -> bool:
        """Give datagrams to whoever knows their connection, or is to have it."""
        owner = self._routes.owner(connection_id)
        if owner is None and new and not (self._accepting and self._spreads):
            owner = self._routes.taker(connection_id)
        if owner is not None:
            if owner is self:
                return False
            owner.hand_over(datagrams)
            return True
        return not new and self._peers is not None and self._peers.ask(connection_id, datagrams)

    # -- what happens ------------------------------------------------------------------------------------------------

    def _arrived(self, batch: list[Datagram]) -> None:
        if self._endpoint is not None:
            self._endpoint.receive(batch, self._loop.time())

    def _forwarded(self, batch: list[Datagram]) -> None:
        if self._endpoint is not None:
            self._endpoint.receive(batch, self._loop.time(), forwarded=True)

    def _time_came(self) -> None:
        self._timer = None
        if self._endpoint is None or self._due is None:
            return
        now = self._loop.time()
        if self._due > now:
            self.set_timer(self._due)
            return
        self._due = None
        self._endpoint.expire(now)
