"""Datagrams that another thread has read: handed over in order, with one wake-up for many."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from typing import TYPE_CHECKING, Final

from pounce_asgi.fairness import call_behind

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from pounce_asgi import Datagram

__all__ = ["DatagramInbox"]

LARGEST: Final = 4096
"""Datagrams that may wait: some megabytes. What comes when a worker is held up for longer is dropped, and repeated."""

PORTION: Final = 16
"""Delivered in a row; the rest comes when others have had their turn."""


class DatagramInbox:
    """Filled by any thread, emptied in the loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[list[Datagram]], None]) -> None:
        """``deliver`` is called in the loop's thread."""
        self._loop = loop
        self._deliver = deliver
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()  # guards what follows
        self._waiting: list[Datagram] = []
        self._closed = False

    def put(self, datagrams: Sequence[Datagram]) -> None:
        """Have these delivered soon. Safe in any thread."""
        with self._lock:
            room = LARGEST - len(self._waiting)
            if self._closed or room <= 0:
                return
            wake = not self._waiting
            self._waiting.extend(datagrams[:room])
        if wake:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._empty, context=self._context)

    def close(self) -> None:
        """Take no more, and forget what waits."""
        with self._lock:
            self._closed = True
            self._waiting = []

    def _empty(self) -> None:
        with self._lock:
            portion = self._waiting[:PORTION]
            del self._waiting[:PORTION]
            more = bool(self._waiting)
        if more:  # until then nobody wakes the loop for what comes
            call_behind(self._loop, self._empty, self._context)
        if portion:
            self._deliver(portion)
