"""Accepting connections on one listening socket, alone or beside other processes."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.fairness import TURN_SECONDS
from pounce_workers.net.selector import ServingSelector
from pounce_workers.net.unsent_bound import bound_unsent

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from pounce_workers.net.poller import Poller

__all__ = ["Acceptor", "local_address", "peer_address"]

logger = logging.getLogger("pounce.worker")

ACCEPTS_PER_TURN: Final = 32
"""Connections accepted in a row before the others get their turn."""
SHARED_ACCEPTS_PER_TURN: Final = 4
"""The same where other processes accept on the socket too: each takes a few of a burst and leaves them the rest."""
LAST_ACCEPTS: Final = 4096
"""Connections accepted before a stop: a full backlog, and an end to it should more keep coming."""
BACK_OFF: Final = 0.25
"""Seconds without accepting after the process ran out of descriptors: some of ours will have closed by then."""

SAY_AGAIN: Final = 10.0
"""Seconds without such an error after which the next one is news."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
# Errors of the connection that was about to be accepted, not of the socket that accepts (accept(2), "Error handling").
_OF_THE_CONNECTION: Final = frozenset(
    getattr(errno, name)
    for name in (
        "ECONNABORTED",
        "EPROTO",
        "ENETDOWN",
        "ENOPROTOOPT",
        "EHOSTDOWN",
        "ENONET",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "EPERM",
        "ECONNRESET",
    )
    if hasattr(errno, name)
)
_WILDCARDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound

# RFC 4291, 2.5.5.2: how a socket that takes both families writes an IPv4 address.
_IPV4_MAPPED: Final = "::ffff:"


def peer_address(address: Any) -> tuple[str, int] | None:
    """The client's address as ASGI has it: host and port; None over a UNIX socket.

    An IPv4 client has its IPv4 address also where the socket takes both families, so that a list of trusted addresses
    means the same everywhere.
    """
    return (_plain(address[0]), address[1]) if isinstance(address, tuple) else None


def local_address(sock: socket.socket) -> tuple[str, int | None] | None:
    """The server's address as ASGI has it: host and port, or a socket's path and None.

    The name of an abstract socket (Linux) is written with ``@`` for the zero byte that it begins with.
    """
    name = sock.getsockname()
    if isinstance(name, tuple):
        return (_plain(name[0]), name[1])
    text = os.fsdecode(name)
    return ("@" + text[1:] if text.startswith("\0") else text, None) if text else None


def _plain(host: str) -> str:
    if host.startswith(_IPV4_MAPPED) and "." in host:
        return host[len(_IPV4_MAPPED) :]
    return host


class Acceptor:
    """Accepts on one listening socket and survives every error of it. Owned by its loop's thread.

    ``shared`` is for a socket on which other processes accept as well. Linux then wakes one of them for a connection,
    not all (EPOLLEXCLUSIVE), always the one that has waited on the socket for longest and sleeps; who has accepted
    goes to the end of that row. Without going there, one process of four was given all of 400 connections that came
    one after another.
    """

    __slots__ = (
        "_fixed_local",
        "_loop",
        "_on_connection",
        "_poller",
        "_said_at",
        "_shared",
        "_sock",
        "_timer",
        "_unix",
        "_watching",
    )

    quick = False

    def __init__(
        self,
        sock: socket.socket,
        *,
        loop: asyncio.AbstractEventLoop,
        poller: Poller,
        on_connection: Callable[[socket.socket, tuple[str, int] | None, tuple[str, int | None] | None], None],
        shared: bool = False,
    ) -> None:
        """``on_connection`` gets each accepted socket, non-blocking, with the client's and the local address."""
        self._sock = sock
        self._loop = loop
        self._poller = poller
        self._on_connection = on_connection
        self._shared = shared
        self._watching = False
        self._timer: asyncio.TimerHandle | None = None
        self._said_at = -SAY_AGAIN
        self._unix = sock.family not in (socket.AF_INET, socket.AF_INET6)
        local = local_address(sock)
        # Where the socket listens on every address, each connection has to be asked which one it reached.
        self._fixed_local = None if not self._unix and local is not None and local[0] in _WILDCARDS else local

    def start(self) -> None:
        """Begin to accept."""
        self._sock.setblocking(False)
        bound_unsent(self._sock)
        self._watch()

    def stop(self) -> None:
        """Stop accepting; the socket stays open. Safe to call again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._forget()

    def accept_waiting(self) -> None:
        """Accept all who have connected by now, before a stop: closing the socket would reset them."""
        if self._timer is None:
            for sock, address in self._take(LAST_ACCEPTS):
                self._accepted(sock, address)

    def on_readable(self) -> None:
        """Accept what waits."""
        if self._shared:
            self._accept_in_turn()
            return
        end_of_turn = monotonic() + TURN_SECONDS
        for sock, address in self._take(ACCEPTS_PER_TURN):
            self._accepted(sock, address)  # its first request is often here, and answered at once
            if monotonic() >= end_of_turn:
                return

    def _accept_in_turn(self) -> None:
        """Accept a few and go to the end of the row before they are served: a client that is answered connects again
        at once, and while this process is watched first, or still accepts, it would take that connection as well.
        """
        taken = deque(self._take(SHARED_ACCEPTS_PER_TURN))
        if taken and self._watching:
            self._forget()
            self._watch()
        try:
            while taken:
                self._accepted(*taken.popleft())
        finally:
            for sock, _ in taken:
                sock.close()

    def _take(self, at_most: int) -> Iterator[tuple[socket.socket, Any]]:
        """Those who wait, and their addresses."""
        for _ in range(at_most):
            try:
                accepted = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _OF_THE_CONNECTION:
                    continue
                self._back_off(error)
                return
            yield accepted

    def deliver(self, data: bytes, /) -> None:
        """Never: accepting reads no bytes."""

    def put_off(self, data: bytes, /) -> None:
        """Never: the same."""

    def on_writable(self) -> None:
        """Never asked for."""

    def on_hang_up(self) -> None:
        """Never: a listening socket is always watched for reading."""

    def _watch(self) -> None:
        self._watching = True
        if self._shared and isinstance(self._poller, ServingSelector):
            self._poller.watch_exclusively(self._sock.fileno(), self)
        else:
            self._poller.watch(self._sock.fileno(), self)

    def _forget(self) -> None:
        if self._watching:
            self._watching = False
            self._poller.forget(self._sock.fileno())

    def _accepted(self, sock: socket.socket, address: Any) -> None:
        try:
            sock.setblocking(False)
            local = local_address(sock) if self._fixed_local is None and not self._unix else self._fixed_local
        except OSError:
            sock.close()  # reset before we could look at it
            return
        self._on_connection(sock, peer_address(address), local)

    def _back_off(self, error: OSError) -> None:
        """Do not spin on an error that stays; clients wait in the backlog meanwhile."""
        now = self._loop.time()
        quiet, self._said_at = now - self._said_at < SAY_AGAIN, now
        if quiet:
            pass  # it goes on: said when it began, and again after a while without it
        elif error.errno in _EXHAUSTED:
            logger.error(
                "Cannot accept connections: %s. Trying again every %g s; raise the limit of open files (ulimit -n)"
                " or lower --limit-concurrency",
                error.strerror,
                BACK_OFF,
            )
        else:
            logger.error("Accepting a connection failed: %s", error)
        self._forget()
        self._timer = self._loop.call_later(BACK_OFF, self._resume)

    def _resume(self) -> None:
        self._timer = None
        self._watch()
