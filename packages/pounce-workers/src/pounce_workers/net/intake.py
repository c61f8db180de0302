"""The way of connections that another thread accepted into a worker's loop."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

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
        """Called, from the loop's thread, once there is room again after `put` said False."""
        self._lock = threading.Lock()  # guards all that follows
        self._waiting: deque[tuple[socket.socket, Address | None, Local | None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._take: Callable[[socket.socket, Address | None, Local | None], None] | None = None
        self._room_missed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, sock: socket.socket, peer: Address | None, local: Local | None) -> bool:
        """Take this connection, without waiting. False: too many wait, or it is not open; then the caller keeps it."""
        with self._lock:
            loop = self._loop
            if loop is None or len(self._waiting) >= HAND_OVERS:
                self._room_missed = True
                return False
            self._waiting.append((sock, peer, local))
            if len(self._waiting) == 1:
                with contextlib.suppress(RuntimeError):  # the loop is closed, and close() takes what waits
                    loop.call_soon_threadsafe(self.take_waiting, context=contextvars.Context())
        return True

    def open(
        self, loop: asyncio.AbstractEventLoop, take: Callable[[socket.socket, Address | None, Local | None], None]
    ) -> None:
        """Begin to take connections: ``take`` is called with each in the loop's thread."""
        with self._lock:
            self._loop = loop
            self._take = take
            missed, self._room_missed = self._room_missed, False
        if missed and self.on_room is not None:
            self.on_room()

    def take_waiting(self) -> None:
        """Take in all that wait now. In the loop's thread."""
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            missed, self._room_missed = self._room_missed, False
        for sock, peer, local in waiting:
            if self._take is None:
                sock.close()
            else:
                self._take(sock, peer, local)
        if missed and self.on_room is not None:
            self.on_room()

    def close(self) -> None:
        """Take in what waits, and no more. In the loop's thread; safe to call again."""
        with self._lock:
            self._loop = None
        self.take_waiting()
