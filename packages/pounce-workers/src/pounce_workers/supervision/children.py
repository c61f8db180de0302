"""The one thread that starts worker processes, reads their pipes and takes note of their ends.

It lives as long as any of them. That is more than tidy: on Linux a child that asked for a signal at its parent's death
gets it when the *thread* that started it ends.
"""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from pounce_workers.supervision.control_pipe import ControlPipe

__all__ = ["Child", "Children"]

LOOK_AGAIN: Final = 0.5
"""Seconds between two looks whether a child has ended. Usually its pipe ends first; not if a program that it started
has inherited it."""
REAP_SOON: Final = 0.01
"""Seconds between looks at one whose pipe has ended: the kernel closes descriptors a moment before."""


class Child(Protocol):
    """What the thread calls, for each process."""

    @property
    def pipe(self) -> ControlPipe: ...

    def spawn(self) -> None:
        """Start the process. What it raises is reported through `reap`."""

    def receive(self) -> bool:
        """There is something to read; False at the end."""

    def reap(self) -> bool:
        """Whether the process has ended; then everything about it has been told."""


class Children:
    """Processes that are watched by one thread. `add` may be called from any thread."""

    def __init__(self) -> None:
        # Guards what follows.
        self._lock = threading.Lock()
        self._unborn: deque[Child] = deque()
        self._thread: threading.Thread | None = None
        self._wake: socket.socket | None = None

    def add(self, child: Child) -> None:
        """Start it and watch it."""
        with self._lock:
            self._unborn.append(child)
            if self._thread is None:
                heard, self._wake = socket.socketpair()
                # A daemon: a program that ends without a stop ends its workers with it.
                self._thread = threading.Thread(
                    target=self._run, args=(heard,), name="pounce-worker-processes", daemon=True
                )
                self._thread.start()
            elif self._wake is not None:
                self._wake.send(b"\0")

    def _run(self, heard: socket.socket) -> None:
        if sys.platform != "win32":
            # A child inherits this: what a terminal sends to the whole group must not end one that is starting.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        alive: set[Child] = set()
        ending: set[Child] = set()
        with heard, selectors.DefaultSelector() as selector:
            selector.register(heard, selectors.EVENT_READ)
            while self._born(selector, alive):
                for key, _ in selector.select(REAP_SOON if ending else LOOK_AGAIN):
                    child = key.data
                    if child is None:
                        heard.recv(4096)
                    elif not child.receive():
                        selector.unregister(key.fileobj)
                        ending.add(child)
                for child in [each for each in alive if each.reap()]:
                    if child not in ending:
                        selector.unregister(child.pipe)
                    child.pipe.close()
                    alive.discard(child)
                    ending.discard(child)

    def _born(self, selector: selectors.BaseSelector, alive: set[Child]) -> bool:
        """Start who waits for it; False when nobody is left."""
        while True:
            with self._lock:
                if not self._unborn:
                    if alive:
                        return True
                    self._thread = None
                    if self._wake is not None:
                        self._wake.close()
                    self._wake = None
                    return False
                child = self._unborn.popleft()
            child.spawn()
            alive.add(child)
            with contextlib.suppress(ValueError):
                selector.register(child.pipe, selectors.EVENT_READ, child)
