"""One thread that accepts for all worker threads and gives each connection to the one with the fewest.

It owns the listening sockets for the server's life, so that a swap of the workers behind it loses no connection. It
never reads from a connection and never waits for a client: what a client does, or leaves undone, holds up nobody.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pounce_workers.net.acceptor import Acceptor
from pounce_workers.net.loop import ServingLoop, poller_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from pounce_workers.net.connection_target import ConnectionTarget

__all__ = ["AcceptDistributor"]

LAST_WAIT: Final = 1.0
"""Seconds that the last connections may wait for room, once nothing more is accepted."""

logger = logging.getLogger("pounce.worker")

Connection = tuple["socket.socket", "tuple[str, int] | None", "tuple[str, int | None] | None"]


class AcceptDistributor:
    """Accepts on all listening sockets in a thread of its own. Every method may be called from any thread."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        targets: Sequence[ConnectionTarget] = (),
        *,
        shared: bool = False,
        on_failed: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Nothing is accepted before `start`, nor as long as there are no targets. ``shared``: see `Acceptor`.

        ``on_failed`` is called, in the distributor's thread, when that cannot go on: nobody accepts from then on.
        """
        self._on_failed = on_failed
        self._sockets = list(sockets)
        self._shared = shared
        # Held while a connection is assigned, so that after set_targets() nothing reaches the old ones any more.
        self._lock = threading.Lock()
        self._targets: tuple[ConnectionTarget, ...] = ()
        self._turn = 0
        """Where the search for the least loaded begins: targets that are equal take turns."""
        # The rest belongs to the distributor's thread.
        self._held: deque[Connection] = deque()
        """Accepted and taken by nobody: at most as many as are accepted in one turn."""
        self._pausing = False
        self._paused = False
        self._finishing = False
        self._loop = ServingLoop()
        self._acceptors: list[Acceptor] = []
        self._thread = threading.Thread(target=self._run, name="pounce-accept", daemon=True)
        self.set_targets(targets)

    # -- from any thread ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def set_targets(self, targets: Sequence[ConnectionTarget]) -> None:
        """Give connections to these from now on. Once this returns the former ones get no more; nothing is lost: what
        none of those had room for goes to the new ones. With no targets clients wait in the backlog.
        """
        for target in targets:
            target.on_room = _ringing(target.on_room, self.room_made)
        with self._lock:
            self._targets = tuple(targets)
            self._turn = 0
        self.room_made()

    def is_alive(self) -> bool:
        """Whether it accepts, or will as soon as there is room."""
        return self._thread.is_alive()

    def room_made(self) -> None:
        """A target can take connections again."""
        self._tell(self._resume)

    def adopt(self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None) -> None:
        """Give a connection that somebody else gives up to one of the targets, as if it had just been accepted."""
        if not self._tell(partial(self._accepted, sock, peer, local)):
            sock.close()

    def request_stop(self, *, take_waiting: bool = True) -> None:
        """Hand over all who have connected by now, close the listening sockets, end the thread; without waiting.

        With ``take_waiting`` False those in the backlog are left to whoever else listens on the same sockets.
        """
        if self._thread.ident is None:
            self._close()
        else:
            self._tell(partial(self._finish, take_waiting))

    def stop(self, timeout: float | None = None) -> bool:
        """`request_stop`, and wait. False when the thread has not ended after ``timeout`` seconds."""
        self.request_stop()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _tell(self, callback: Callable[[], None]) -> bool:
        """Have it called in the distributor's thread. False: that has ended already."""
        try:
            self._loop.call_soon_threadsafe(callback, context=contextvars.Context())
        except RuntimeError:  # the loop is closed
            return False
        return True

    # -- in the distributor's thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            contextvars.Context().run(self._accept_until_stopped)
        except Exception as error:
            if self._on_failed is None:
                raise
            logger.exception("Accepting connections failed for good")
            self._on_failed(error)

    def _accept_until_stopped(self) -> None:
        loop = self._loop
        poller = poller_of(loop)
        self._acceptors = [
            Acceptor(sock, loop=loop, poller=poller, on_connection=self._accepted, shared=self._shared)
            for sock in self._sockets
        ]
        try:
            for acceptor in self._acceptors:
                acceptor.start()
            if not self._targets:
                self._pause()
            loop.run_forever()
        finally:
            self._close()

    def _close(self) -> None:
        for sock in self._sockets:
            sock.close()
        for sock, _, _ in self._held:
            sock.close()
        if self._held:
            logger.warning("Stopping: %d connections were accepted that no worker had room for", len(self._held))
            self._held.clear()
        self._loop.close()

    def _accepted(self, *connection: Any) -> None:
        if self._held or not self._assigned(connection):
            self._held.append(connection)
            if not self._pausing:
                # Not at once: the acceptor is in the middle of its turn.
                self._pausing = True
                self._loop.call_soon(self._pause)

    def _assigned(self, connection: Connection) -> bool:
        """Give it to the target with the fewest that has room. False when none has."""
        with self._lock:
            targets, turn = self._targets, self._turn
            in_turn = [*range(turn, len(targets)), *range(turn)]
            for index in sorted(in_turn, key=[target.load for target in targets].__getitem__):
                if targets[index].hand_over(*connection):
                    self._turn = (index + 1) % len(targets)
                    return True
        return False

    def _pause(self) -> None:
        """Leave clients in the backlog; `_resume` is called when there is room."""
        self._pausing = False
        if not self._paused and not self._finishing:
            self._paused = True
            for acceptor in self._acceptors:
                acceptor.stop()
            # Room that was made before this point was made for nobody: look again.
            self._resume()

    def _resume(self) -> None:
        while self._held:
            if not self._assigned(self._held[0]):
                return
            self._held.popleft()
        if self._finishing:
            self._loop.stop()
        elif self._paused and self._targets:
            self._paused = False
            for acceptor in self._acceptors:
                acceptor.start()

    def _finish(self, take_waiting: bool) -> None:
        """Take in who is connected: closing a listening socket resets those in its backlog."""
        if self._finishing:
            return
        self._resume()
        self._finishing = True
        if not self._paused:
            for acceptor in self._acceptors:
                if take_waiting:
                    acceptor.accept_waiting()
                acceptor.stop()
        self._loop.call_later(LAST_WAIT, self._loop.stop)
        self._resume()


class _Bells:
    """Several that wait for room in one target: one that accepts for it, and one that moves connections to it."""

    def __init__(self, bells: tuple[Callable[[], None], ...]) -> None:
        self.bells = bells

    def __call__(self) -> None:
        for bell in self.bells:
            bell()


def _ringing(rung: Callable[[], None] | None, bell: Callable[[], None]) -> Callable[[], None]:
    """What rings ``bell`` beside what is rung already."""
    if rung is None or rung == bell:
        return bell
    bells = rung.bells if isinstance(rung, _Bells) else (rung,)
    return rung if bell in bells else _Bells((*bells, bell))
