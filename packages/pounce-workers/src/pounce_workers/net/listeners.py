"""Listening sockets, and accepting on them."""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pounce_workers.net.poller import Poller

__all__ = ["Acceptor", "adopt_fd", "bind_tcp", "bind_unix", "local_address", "peer_address"]

logger = logging.getLogger("pounce.worker")

ACCEPTS_PER_TURN: Final = 32
"""Connections accepted in a row before the others get their turn."""
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


def bind_tcp(host: str, port: int, backlog: int) -> socket.socket:
    """Listen on the first address that ``host`` resolves to; an empty host is every IPv4 address.

    ``port`` 0 lets the system choose. An IPv6 socket takes IPv6 only, so that both can be bound side by side.

    Raises:
        OSError: the address cannot be resolved or bound; ``socket.gaierror`` for the former.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or "0.0.0.0",  # noqa: S104 - asked for by an empty host
        port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_PASSIVE,
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":
            # There it would let two servers share a port; here it only lets a new one follow the old at once.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Accepted sockets inherit it: a small answer must not wait for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind(address)
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def bind_unix(path: str, backlog: int) -> socket.socket:
    """Listen on a UNIX socket. A socket file that nobody listens on any more is replaced; nothing else ever is.

    Raises:
        OSError: a server listens there, another kind of file is there, or it cannot be created.
    """
    _remove_stale_socket(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_stale_socket(path: str) -> None:
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "a file that is not a socket is there", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
        except FileNotFoundError:
            return
        except (BlockingIOError, TimeoutError):
            pass  # its backlog is full: it is busy, not gone
    raise OSError(errno.EADDRINUSE, "a server is listening there", path)


def adopt_fd(fd: int) -> socket.socket:
    """The listening socket behind an inherited descriptor.

    Raises:
        OSError: the descriptor is not an open socket.
        ValueError: the socket does not listen.
    """
    sock = socket.socket(fileno=fd)
    if sock.type != socket.SOCK_STREAM or not _listens(sock):
        sock.detach()  # not ours to close
        raise ValueError(f"descriptor {fd} is not a listening stream socket")
    sock.setblocking(False)
    return sock


def _listens(sock: socket.socket) -> bool:
    if not hasattr(socket, "SO_ACCEPTCONN"):
        return True
    try:
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return sys.platform == "darwin"  # it knows the name of the option and not its answer


def peer_address(address: Any) -> tuple[str, int] | None:
    """The client's address as ASGI has it: host and port; None over a UNIX socket."""
    return (address[0], address[1]) if isinstance(address, tuple) else None


def local_address(sock: socket.socket) -> tuple[str, int | None] | None:
    """The server's address as ASGI has it: host and port, or a socket's path and None."""
    name = sock.getsockname()
    if isinstance(name, tuple):
        return (name[0], name[1])
    return (os.fsdecode(name), None) if name else None


class Acceptor:
    """Accepts on one listening socket and survives every error of it. Owned by its loop's thread."""

    __slots__ = ("_fixed_local", "_loop", "_on_connection", "_poller", "_said_at", "_sock", "_timer", "_unix")

    def __init__(
        self,
        sock: socket.socket,
        *,
        loop: asyncio.AbstractEventLoop,
        poller: Poller,
        on_connection: Callable[[socket.socket, tuple[str, int] | None, tuple[str, int | None] | None], None],
    ) -> None:
        """``on_connection`` gets each accepted socket, non-blocking, with the client's and the local address."""
        self._sock = sock
        self._loop = loop
        self._poller = poller
        self._on_connection = on_connection
        self._timer: asyncio.TimerHandle | None = None
        self._said_at = -SAY_AGAIN
        self._unix = sock.family not in (socket.AF_INET, socket.AF_INET6)
        local = local_address(sock)
        # Where the socket listens on every address, each connection has to be asked which one it reached.
        self._fixed_local = None if not self._unix and local is not None and local[0] in _WILDCARDS else local

    def start(self) -> None:
        """Begin to accept."""
        self._sock.setblocking(False)
        self._poller.watch(self._sock.fileno(), self)

    def stop(self) -> None:
        """Stop accepting; the socket stays open."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        else:
            self._poller.forget(self._sock.fileno())

    def accept_waiting(self) -> None:
        """Accept all who have connected by now, before a stop: closing the socket would reset them."""
        if self._timer is None:
            self._accept(LAST_ACCEPTS)

    def on_readable(self) -> None:
        """Accept what waits."""
        self._accept(ACCEPTS_PER_TURN)

    def _accept(self, at_most: int) -> None:
        for _ in range(at_most):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _OF_THE_CONNECTION:
                    continue
                self._back_off(error)
                return
            self._accepted(sock, address)

    def deliver(self, data: bytes, /) -> None:
        """Never: accepting reads no bytes."""

    def on_writable(self) -> None:
        """Never asked for."""

    def on_hang_up(self) -> None:
        """Never: a listening socket is always watched for reading."""

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
        self._poller.forget(self._sock.fileno())
        self._timer = self._loop.call_later(BACK_OFF, self._resume)

    def _resume(self) -> None:
        self._timer = None
        self._poller.watch(self._sock.fileno(), self)
