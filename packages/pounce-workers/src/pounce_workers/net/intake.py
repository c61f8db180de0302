"""The way of connections that another thread accepted into a worker's loop."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Final

from pounce_asgi.fairness import TURN_SECONDS, call_behind
from pounce_workers.net.deadlines import NEVER

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable

__all__ = ["Intake"]

HAND_OVERS: Final = 256
"""Connections that may wait to be taken in: eight turns of accepting."""

Address = tuple[str, int]
Local = tuple[str, "int | None"]


class Intake:
    """A bounded queue in front of one loop, which is woken once for all that wait. `put` is for any thread."""

    def __init__(self) -> None:
        self.on_room: Callable[[], None] | None = None
        """Called, from the loop's thread, once it is worth trying again after `put` said False: there is room, or
        there will be none any more."""
        self._lock = threading.Lock()  # guards all that follows
        self._waiting: deque[tuple[socket.socket, Address | None, Local | None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context: contextvars.Context | None = None
        self._take: Callable[[socket.socket, Address | None, Local | None], None] | None = None
        self._open = False
        self._called = False
        """The loop has been told that some wait."""
        self._room_missed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, sock: socket.socket, peer: Address | None, local: Local | None) -> bool:
        """Take this connection, without waiting. False: too many wait, or it is not open; then the caller keeps it."""
        with self._lock:
            if not self._open or len(self._waiting) >= HAND_OVERS or not self._call():
                self._room_missed = True
                return False
            self._waiting.append((sock, peer, local))
        return True

    def open(
        self, loop: asyncio.AbstractEventLoop, take: Callable[[socket.socket, Address | None, Local | None], None]
    ) -> None:
        """Begin to take connections: ``take`` is called with each in the loop's thread, in the caller's context."""
        with self._lock:
            self._loop = loop
            self._context = contextvars.copy_context()
            self._take = take
            self._open = True
            missed, self._room_missed = self._room_missed, False
        if missed and self.on_room is not None:
            self.on_room()

    def close(self) -> None:
        """Take in what waits, and no more. In the loop's thread; safe to call again."""
        with self._lock:
            self._open = False
        self._take_until(NEVER)

    def _call(self) -> bool:
        """Have the loop take in what waits; False when it is closed. With the lock."""
        if not self._called and self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._take_waiting, context=self._context)
            except RuntimeError:
                return False
            self._called = True
        return True

    def _call_again(self, *, behind: bool) -> None:
        """The same for those that are left, when others had their turn. In the loop's thread, with the lock."""
        if behind and self._loop is not None and self._context is not None and not self._loop.is_closed():
            call_behind(self._loop, self._take_waiting, self._context)
            self._called = True
        else:
            self._call()

    def _take_waiting(self) -> None:
        """Take in some of those that wait: each is served at once, and a crowd of them would be a long turn."""
        self._take_until(monotonic() + TURN_SECONDS)

    def _take_until(self, end_of_turn: float) -> None:
        """Take in those that wait now; who comes meanwhile is for the next turn."""
        with self._lock:
            count = len(self._waiting)
        raised = True
        try:
            for _ in range(count):
                self._take_one()
                if monotonic() >= end_of_turn:
                    break
            raised = False
        finally:
            with self._lock:
                self._called = False
                if self._waiting:
                    self._call_again(behind=not raised)
                missed, self._room_missed = self._room_missed, False
            if missed and self.on_room is not None:
                self.on_room()

    def _take_one(self) -> None:
        """One at a time, so that all others are counted, and wait for a further turn if this one ends the process.

        It is counted until it is taken: rather twice for a moment than not at all.
        """
        assert self._take is not None
        assert self._loop is not None
        try:
            self._take(*self._waiting[0])
        except Exception as error:  # noqa: BLE001 - one connection's, and none of the others'
            message = "Taking in an HTTP connection failed in an unforeseen way"
            self._loop.call_exception_handler({"message": message, "exception": error})
        finally:
            with self._lock:
                self._waiting.popleft()
