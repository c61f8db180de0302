"""A connection that may go from one event loop to another, between two of its requests or before one is begun.

While it is on its way no loop watches it and no deadline counts; what the client sends meanwhile waits in the socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_workers.net.deadlines import NEVER
from pounce_workers.net.transport import SocketTransport

if TYPE_CHECKING:
    import asyncio

    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.net.poller import Poller

__all__ = ["MovableTransport"]


class MovableTransport(SocketTransport):
    """Owned by one thread at a time: that of the loop it is on, or of whoever took it off one."""

    __slots__ = ()

    @property
    def lost(self) -> bool:
        """The socket is closed. The protocol knows, or will in the next turn of the loop."""
        return self._lost

    def put_off(self, data: bytes, /) -> None:
        """Not across a move to another loop."""
        self.deliver(data)

    def _go_on(self) -> None:
        self._tell_of_room()  # not across a move either

    def leave(self) -> None:
        """Go off the loop; in its thread, unless the connection is lost."""
        self._sweeper.remove(self)
        if self._watched:
            self._watched = self._readable = False
            self._poller.forget(self._sock.fileno())
        # Loops that are held up by an application have clocks that stand still meanwhile: what goes with the connection
        # is the time that was left.
        soon = self._sweeper.soon
        self.deadline -= soon
        self._write_deadline -= soon

    def enter(self, loop: asyncio.AbstractEventLoop, poller: Poller, sweeper: DeadlineSweeper) -> None:
        """Come to a loop; in its thread. It is not watched before `watch`."""
        self._loop = loop
        self._poller = poller
        self._sweeper = sweeper
        self.deadline += sweeper.soon
        self._write_deadline += sweeper.soon
        sweeper.add(self)

    def watch(self) -> None:
        """Let the loop call when something happens. May be repeated."""
        if self._lost or self._watched:
            return
        self._watched = self._readable = True
        self._poller.watch(self._sock.fileno(), self)
        if self._paused or self._writable:
            self._readable = not self._paused
            self._poller.change(self._sock.fileno(), readable=self._readable, writable=self._writable)

    def rest(self) -> None:
        """Read nothing and let no deadline expire, until `resume_reading` and a new deadline."""
        self.deadline = NEVER
        self.pause_reading()
