"""What a server tells the service manager that started it: sd_notify(3), without a library.

Where there is none, everything here does nothing, so callers need not ask. Nothing here fails and nothing waits for
longer than a second: a server is not to stop because of its manager.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

__all__ = ["ServiceManager"]

SEND_SECONDS: Final = 1.0
"""Longest wait for a manager whose queue is full."""

_log = logging.getLogger("pounce.server")


class ServiceManager:
    """The manager behind NOTIFY_SOCKET. Every method may be called from any thread."""

    def __init__(self, address: str = "", *, watchdog_usec: int = 0) -> None:
        """``address`` is a path, or ``@name`` for an abstract socket; an empty one is no manager. ``watchdog_usec``
        are the microseconds after which a manager that hears nothing ends the service; 0 is never.
        """
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_usec = watchdog_usec if address else 0

    @classmethod
    def take(cls, environ: MutableMapping[str, str] | None = None, *, pid: int | None = None) -> Self:
        """The manager of this process.

        For the program that owns the process, once. The variables are removed, so that nothing that the application
        starts speaks in its name.
        """
        environ = os.environ if environ is None else environ
        address = environ.pop("NOTIFY_SOCKET", "")
        usec, watched = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        if address and (address[0] not in "/@" or not hasattr(socket, "AF_UNIX")):
            _log.warning(
                "NOTIFY_SOCKET is of a kind that is not supported; the service manager hears nothing: %s", address
            )
            address = ""
        is_watched = watched in ("", str(os.getpid() if pid is None else pid))
        return cls(address, watchdog_usec=int(usec) if is_watched and usec.isdecimal() and usec.isascii() else 0)

    @property
    def active(self) -> bool:
        """Whether there is one."""
        return bool(self._address)

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds between two signs of life: half of what is allowed (sd_watchdog_enabled(3)); None if none is due."""
        return self._watchdog_usec / 2_000_000 if self._watchdog_usec else None

    def ready(self, status: str = "") -> None:
        """It serves: at first, and again after a reload."""
        self._send("READY=1", _status(status))

    def reloading(self, status: str = "") -> None:
        """A reload has begun; ``ready()`` ends it, also when the old code goes on.

        systemd.service(5), Type=notify-reload: with the time, by which the manager tells this reload from the last.
        """
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", _status(status))

    def stopping(self, status: str = "", *, within: float | None = None) -> None:
        """The stop has begun. ``within`` asks the manager for as many seconds before it kills."""
        extend = f"EXTEND_TIMEOUT_USEC={int(within * 1_000_000)}" if within is not None else ""
        self._send("STOPPING=1", extend, _status(status))

    def status(self, text: str) -> None:
        """One line that ``systemctl status`` shows."""
        self._send(_status(text))

    def alive(self) -> None:
        """A sign of life, due every ``watchdog_interval``."""
        if self._watchdog_usec:
            self._send("WATCHDOG=1")

    @contextlib.contextmanager
    def watched(self, is_healthy: Callable[[], bool]) -> Iterator[None]:
        """Within the block, send the signs of life as long as ``is_healthy()``, which a thread of its own asks.

        So that it means something, it should look at what serves: whether every worker's loop has turned lately.
        """
        interval = self.watchdog_interval
        if interval is None:
            yield
            return
        over = threading.Event()
        thread = threading.Thread(
            target=self._show_life, args=(over, interval, is_healthy), name="pounce-watchdog", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(SEND_SECONDS)

    def _show_life(self, over: threading.Event, interval: float, is_healthy: Callable[[], bool]) -> None:
        well = True
        while True:
            before, well = well, is_healthy()
            if well:
                self.alive()
            elif before:
                _log.error("The server is not well; without a change systemd restarts it soon")
            if over.wait(interval):
                return

    def _send(self, *assignments: str) -> None:
        if not self._address:
            return
        message = "\n".join(filter(None, assignments)).encode()
        if not message:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.settimeout(SEND_SECONDS)
                sock.sendto(message, self._address)
        except OSError as error:
            _log.debug("The service manager could not be told %r: %s", message, error)


def _status(text: str) -> str:
    """One assignment: a line break would begin the next."""
    return f"STATUS={' '.join(text.split())}" if text else ""
