"""What the operating system offers to wait for many descriptors at once, behind the interface of Linux's epoll.

``poll(timeout, maxevents)`` gives ``[(descriptor, mask)]``; ``register``, ``modify``, ``unregister`` and ``close`` do
what they say. On Linux this is `select.epoll` itself, with nothing in between.
"""

from __future__ import annotations

import errno
import select
import sys
from typing import Final, Protocol

__all__ = ["HANG_UP", "READ", "WRITE", "Readiness", "SelectReadiness", "new_readiness", "register_exclusively"]

READ: Final = 0x001
"""Bytes, a connection or an end of stream can be read (EPOLLIN)."""
WRITE: Final = 0x004
"""Bytes can be written (EPOLLOUT)."""
HANG_UP: Final = 0x018
"""The descriptor failed or both of its directions are over; reported without being asked for (EPOLLERR, EPOLLHUP)."""


class Readiness(Protocol):
    """The interface of `select.epoll`, as far as it is used."""

    def register(self, fd: int, eventmask: int, /) -> None: ...

    def modify(self, fd: int, eventmask: int, /) -> None: ...

    def unregister(self, fd: int, /) -> None: ...

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[tuple[int, int]]: ...

    def close(self) -> None: ...


class SelectReadiness:
    """`select.select`, the last resort: works everywhere, and slows down with every descriptor.

    Windows takes at most 512 descriptors, of which some are the loop's own; elsewhere descriptors end at 1023.
    """

    __slots__ = ("_reading", "_writing")

    def __init__(self) -> None:
        self._reading: set[int] = set()
        self._writing: set[int] = set()

    def register(self, fd: int, eventmask: int, /) -> None:
        """Watch a descriptor."""
        self.modify(fd, eventmask)

    def modify(self, fd: int, eventmask: int, /) -> None:
        """Watch a descriptor for something else."""
        (self._reading.add if eventmask & READ else self._reading.discard)(fd)
        (self._writing.add if eventmask & WRITE else self._writing.discard)(fd)

    def unregister(self, fd: int, /) -> None:
        """Watch a descriptor no longer."""
        self._reading.discard(fd)
        self._writing.discard(fd)

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[tuple[int, int]]:  # noqa: ARG002
        """Wait until something is ready. ``maxevents`` has no meaning here."""
        if timeout is not None and timeout < 0:
            timeout = None
        if sys.platform == "win32" and not self._reading and not self._writing:
            return []  # select() with three empty sets is an error there; the loop always watches its wake-up pipe
        # Windows reports a failed connection attempt in the third set only.
        readable, writable, failed = select.select(self._reading, self._writing, self._writing, timeout)
        masks = dict.fromkeys(readable, READ)
        for fd in (*writable, *failed):
            masks[fd] = masks.get(fd, 0) | WRITE
        return list(masks.items())

    def close(self) -> None:
        """Nothing is held."""


def new_readiness() -> Readiness:
    """The best that this system has: epoll, kqueue, or `select.select`."""
    if hasattr(select, "epoll"):
        return select.epoll()
    if sys.platform != "win32" and sys.platform != "linux":  # pragma: no cover - macOS and the BSDs
        from pounce_workers.net.kqueue_readiness import KqueueReadiness

        return KqueueReadiness()
    return SelectReadiness()  # pragma: no cover - Windows


def register_exclusively(readiness: Readiness, fd: int) -> None:
    """Watch a listening socket for reading so that of several processes that do so one is woken, not all of them.

    epoll_ctl(2), EPOLLEXCLUSIVE: such a descriptor can be unregistered but not modified. Where the system has no such
    thing (Linux before 4.5, kqueue, select) it is watched as usual, and all are woken.
    """
    if not hasattr(select, "EPOLLEXCLUSIVE") or not isinstance(readiness, select.epoll):
        readiness.register(fd, READ)
        return
    try:
        readiness.register(fd, READ | select.EPOLLEXCLUSIVE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        readiness.register(fd, READ)
