"""How a transport asks to be called when its socket is ready: by our own selector, or by any asyncio loop."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import asyncio

__all__ = ["LoopPoller", "Poller", "Watcher"]

READS_PER_TURN: Final = 4
"""Reads of one connection in a row before the others get their turn."""


class Watcher(Protocol):
    """Who is called when a descriptor is ready. A call may come late: look before you leap."""

    quick: bool
    """What it read last was handled in less than a turn, so that it need not wait for those of whom that is not known.
    Kept by the poller; False for ever where each call may take long, as of who accepts or reads datagrams."""

    def on_readable(self) -> bytes | None:
        """There is something to read: bytes, a new connection, the end.

        Bytes that were read are returned and come back through `deliver`: a poller may read from all that are ready
        before any application is called.
        """

    def deliver(self, data: bytes, /) -> None:
        """Handle what `on_readable` returned."""

    def put_off(self, data: bytes, /) -> None:
        """Handle what `on_readable` returned after others, by `call_behind` of the loop. Nothing is read before."""

    def on_writable(self) -> None:
        """There is room to write."""

    def on_hang_up(self) -> None:
        """The connection is over in both directions, or failed, while reading was not asked for."""


class Poller(Protocol):
    """Calls watchers. One per loop; all calls in the loop's thread."""

    def watch(self, fd: int, watcher: Watcher) -> None:
        """Begin to watch a descriptor, for reading."""

    def change(self, fd: int, *, readable: bool, writable: bool) -> None:
        """Watch for something else."""

    def forget(self, fd: int) -> None:
        """Stop watching; before the descriptor is closed."""


class LoopPoller:
    """Works on any asyncio loop (uvloop, or one that somebody else runs) through ``add_reader`` and ``add_writer``."""

    __slots__ = ("_context", "_loop", "_watchers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # A loop remembers the context in which it is asked, and an application may be what asks: by receiving, it
        # resumes reading. Whatever is called later, the next request included, must not find its variables.
        self._context = contextvars.copy_context()
        self._watchers: dict[int, tuple[Watcher, bool, bool]] = {}

    def watch(self, fd: int, watcher: Watcher) -> None:
        """Begin to watch a descriptor, for reading."""
        self._watchers[fd] = (watcher, True, False)
        self._context.run(self._loop.add_reader, fd, self._read, fd, watcher)

    def change(self, fd: int, *, readable: bool, writable: bool) -> None:
        """Watch for something else."""
        watcher, was_readable, was_writable = self._watchers[fd]
        self._watchers[fd] = (watcher, readable, writable)
        if readable and not was_readable:
            self._context.run(self._loop.add_reader, fd, self._read, fd, watcher)
        elif was_readable and not readable:
            self._loop.remove_reader(fd)
        if writable and not was_writable:
            self._context.run(self._loop.add_writer, fd, watcher.on_writable)
        elif was_writable and not writable:
            self._loop.remove_writer(fd)

    def forget(self, fd: int) -> None:
        """Stop watching; before the descriptor is closed."""
        _, readable, writable = self._watchers.pop(fd)
        if readable:
            self._loop.remove_reader(fd)
        if writable:
            self._loop.remove_writer(fd)

    def _read(self, fd: int, watcher: Watcher) -> None:
        """Read until nothing is left. For a descriptor that failed, by a reset, uvloop calls once and never again; what
        is behind the bytes of that call, the end above all, would not be heard of.
        """
        for _ in range(READS_PER_TURN):
            entry = self._watchers.get(fd)
            if entry is None or entry[0] is not watcher or not entry[1]:
                return  # forgotten, or paused, by what it was given
            data = watcher.on_readable()
            if data is None:
                return
            try:
                watcher.deliver(data)
            except BaseException:
                watcher.on_hang_up()  # whatever state it is in now, nobody must wait for it
                raise
        self._loop.call_soon(self._read, fd, watcher, context=self._context)
