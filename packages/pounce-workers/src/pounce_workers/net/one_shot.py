"""Waiting for many descriptors, each of which is reported once and then left alone until it is armed again.

So a descriptor that is reported to one thread can be handed to another with no further word to the kernel: nobody
hears of it until that thread is done with it. On Linux any thread arms it with one system call (EPOLLONESHOT) and the
waiting thread is not woken; elsewhere the waiting thread is woken and does it.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from pounce_workers.net.readiness import READ, new_readiness

if TYPE_CHECKING:
    from pounce_workers.net.readiness import Readiness

__all__ = ["OneShot", "PolledOneShot", "new_one_shot"]

MAX_EVENTS: Final = 256
"""Descriptors reported at once: enough to share the cost of the call, few enough to be fair to deadlines."""


class OneShot(Protocol):
    """The masks are those of `pounce_workers.net.readiness`."""

    def add(self, fd: int, mask: int, /) -> None:
        """Begin to watch. From any thread."""

    def arm(self, fd: int, mask: int, /) -> None:
        """Report it again, once. From any thread."""

    def forget(self, fd: int, /) -> None:
        """Stop watching; before the descriptor is closed. From any thread."""

    def wait(self, timeout: float) -> list[tuple[int, int]]:
        """Wait for so many seconds at most; what is ready, with what it is ready for. In one thread only."""

    def wake(self) -> None:
        """Let `wait` return soon. From any thread."""

    def close(self) -> None:
        """Let go of the kernel's object. Nobody waits any more."""


class _Waker:
    """A pair of sockets: a byte in one makes the other readable."""

    __slots__ = ("_receiver", "_sender", "fd")

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self.fd = self._receiver.fileno()

    def wake(self) -> None:
        with contextlib.suppress(OSError):  # full of wake-ups that nobody has seen yet, or closed
            self._sender.send(b"\0")

    def clear(self) -> None:
        with contextlib.suppress(OSError):
            self._receiver.recv(4096)

    def close(self) -> None:
        self._receiver.close()
        self._sender.close()


if hasattr(select, "epoll"):

    class EpollOneShot:
        """Straight on the kernel's set, which any thread may change while another waits."""

        __slots__ = ("_epoll", "_waker")

        def __init__(self) -> None:
            self._epoll = select.epoll()
            self._waker = _Waker()
            self._epoll.register(self._waker.fd, READ)

        def add(self, fd: int, mask: int, /) -> None:
            """Begin to watch."""
            self._epoll.register(fd, mask | select.EPOLLONESHOT)

        def arm(self, fd: int, mask: int, /) -> None:
            """Report it again, once."""
            self._epoll.modify(fd, mask | select.EPOLLONESHOT)

        def forget(self, fd: int, /) -> None:
            """Stop watching."""
            with contextlib.suppress(OSError):  # somebody closed it behind our back, which ends the watch too
                self._epoll.unregister(fd)

        def wait(self, timeout: float) -> list[tuple[int, int]]:
            """Wait."""
            return _without_wake_up(self._waker, self._epoll.poll(timeout, MAX_EVENTS))

        def wake(self) -> None:
            """Let `wait` return."""
            self._waker.wake()

        def close(self) -> None:
            """Let go of it."""
            self._epoll.close()
            self._waker.close()


class PolledOneShot:
    """On any `Readiness`: changes wait until the thread that owns it takes them."""

    __slots__ = ("_changes", "_readiness", "_waker")

    def __init__(self, readiness: Readiness | None = None) -> None:
        self._readiness = readiness or new_readiness()
        self._waker = _Waker()
        self._readiness.register(self._waker.fd, READ)
        # A descriptor is forgotten before it is closed and added after it is opened, so the order of the changes tells
        # its owners apart. A deque may be appended to and popped from by several threads at once.
        self._changes: deque[tuple[bool, int, int]] = deque()

    def add(self, fd: int, mask: int, /) -> None:
        """Begin to watch."""
        self._change(True, fd, mask)

    def arm(self, fd: int, mask: int, /) -> None:
        """Report it again, once."""
        self._change(False, fd, mask)

    def forget(self, fd: int, /) -> None:
        """Stop watching."""
        self._change(False, fd, -1)

    def wait(self, timeout: float) -> list[tuple[int, int]]:
        """Wait."""
        self._take_changes()
        events = _without_wake_up(self._waker, self._readiness.poll(timeout, MAX_EVENTS))
        for fd in {fd for fd, _ in events}:
            self._readiness.modify(fd, 0)
        return events

    def _change(self, new: bool, fd: int, mask: int) -> None:
        self._changes.append((new, fd, mask))
        self._waker.wake()

    def _take_changes(self) -> None:
        while self._changes:
            new, fd, mask = self._changes.popleft()
            if new:
                self._readiness.register(fd, mask)
            elif mask < 0:
                self._readiness.unregister(fd)
            else:
                self._readiness.modify(fd, mask)

    def wake(self) -> None:
        """Let `wait` return."""
        self._waker.wake()

    def close(self) -> None:
        """Let go of it."""
        self._readiness.close()
        self._waker.close()


def _without_wake_up(waker: _Waker, events: list[tuple[int, int]]) -> list[tuple[int, int]]:
    for index, (fd, _) in enumerate(events):
        if fd == waker.fd:
            waker.clear()
            del events[index]
            break
    return events


def new_one_shot() -> OneShot:
    """The best that this system has."""
    return EpollOneShot() if hasattr(select, "epoll") else PolledOneShot()
