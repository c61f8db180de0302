"""Listening TCP sockets, and those that were inherited."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pounce_workers.net.acceptor import Acceptor, local_address, peer_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "Acceptor",
    "adopt_fd",
    "backlog_limit",
    "bind_tcp",
    "bind_tcp_all",
    "local_address",
    "open_beside",
    "peer_address",
]

PORT_TRIES: Final = 16
"""How often a free port is looked for that is free on all addresses. The system chooses at random among about 28,000,
so one that is free on the first and taken on the second is rare, and to meet it sixteen times in a row is no chance."""

_NOT_HERE: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""What an address of a family says that this machine, or this container, does not have."""

_SOMAXCONN: Final = Path("/proc/sys/net/core/somaxconn")

_HAS_REUSEPORT: Final = sys.platform == "linux" and hasattr(socket, "SO_REUSEPORT")


class _Endpoint(NamedTuple):
    """One address to bind."""

    family: socket.AddressFamily
    host: str
    port: int
    """0 to be chosen."""
    rest: tuple[int, ...]
    """An IPv6 address has two numbers more: flow and scope."""
    asked: str
    """As it was asked for, and as errors name it. Of several addresses of a name those may be missing that this machine
    lacks."""


def bind_tcp(host: str, port: int, backlog: int) -> socket.socket:
    """Listen on the first address that ``host`` resolves to; an empty host is every IPv4 address.

    ``port`` 0 lets the system choose. An IPv6 socket takes IPv6 only, so that both can be bound side by side.

    Raises:
        OSError: the address cannot be resolved or bound; ``socket.gaierror`` for the former.
    """
    endpoint = _resolve(host or "0.0.0.0", port)[0]  # noqa: S104 - asked for by an empty host
    sock = _bound(endpoint, port, only_ipv6=True)
    try:
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock


def bind_tcp_all(
    places: Iterable[tuple[str, int]], backlog: int, *, reuse_port: bool = False
) -> tuple[socket.socket, ...]:
    """Listen on every address of every (host, port), or on none.

    - A name with several addresses (``localhost``) is bound at each that this machine has, one socket for each.
    - ``::`` takes IPv4 clients as well, unless an IPv4 address with the same port is among the places; an empty host
      is the same, or ``0.0.0.0`` where there is no IPv6.
    - All places with port 0 get the same free port. Where that cannot be (``0.0.0.0`` and ``127.0.0.1``), each gets
      one of its own.
    - ``reuse_port`` prepares the sockets for `open_beside`. A port that others listen on is in use all the same.

    Raises:
        OSError: an address cannot be resolved or bound (``filename`` says which); ``socket.gaierror`` for the former.
        ValueError: ``reuse_port`` on a system other than Linux.
    """
    if reuse_port and not _HAS_REUSEPORT:
        raise ValueError("only Linux spreads connections over sockets that share a port (SO_REUSEPORT)")
    endpoints = list(dict.fromkeys(one for host, port in places for one in _resolve(host, port)))
    for _ in range(PORT_TRIES):
        try:
            return _listening(endpoints, backlog, one_port=True, reuse_port=reuse_port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or sum(not one.port for one in endpoints) < 2:
                raise
    return _listening(endpoints, backlog, one_port=False, reuse_port=reuse_port)


def open_beside(sock: socket.socket, backlog: int) -> socket.socket:
    """One more socket on the address of a listening one; the system spreads new connections over all of them.

    Each has a backlog of its own: who waits in it is reset when it is closed, and waits as long as its owner is busy,
    however idle the others are. So a worker that is replaced has to leave its socket to its successor.

    Raises:
        ValueError: the socket was not made with ``reuse_port`` (systemd: ``ReusePort=yes``), or is none of TCP.
        OSError: it cannot be bound.
    """
    if not (_HAS_REUSEPORT and _is_tcp(sock) and sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)):
        raise ValueError("the address of this socket cannot be shared by several (SO_REUSEPORT)")
    host, port, *rest = sock.getsockname()
    endpoint = _Endpoint(sock.family, host, port, tuple(rest), host)
    only_ipv6 = sock.family == socket.AF_INET6 and bool(sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
    another = _bound(endpoint, port, only_ipv6=only_ipv6, reuse_port=True)
    try:
        another.listen(backlog)
    except OSError:
        another.close()
        raise
    return another


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
    sock.set_inheritable(False)  # what the application starts is not to hold the port
    sock.setblocking(False)
    if _is_tcp(sock):
        _send_at_once(sock)
    return sock


def backlog_limit() -> int | None:
    """The longest backlog that the system grants (listen(2): a longer one is cut silently); None if it does not say."""
    try:
        return int(_SOMAXCONN.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _listening(
    endpoints: Sequence[_Endpoint], backlog: int, *, one_port: bool, reuse_port: bool
) -> tuple[socket.socket, ...]:
    """Bind all, then listen on all: nobody connects to a server that is not going to be."""
    with contextlib.ExitStack() as on_error:
        sockets: list[socket.socket] = []
        lacking: dict[str, OSError] = {}
        bound: list[_Endpoint] = []
        chosen = 0
        for one in endpoints:
            port = one.port or (chosen if one_port else 0)
            only_ipv6 = one.host != "::" or any(
                other.family == socket.AF_INET and other.port == one.port for other in endpoints
            )
            try:
                sock = _bound(one, port, only_ipv6=only_ipv6)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                lacking[one.asked] = error
                continue
            on_error.callback(sock.close)
            sockets.append(sock)
            bound.append(one)
            if not one.port:
                chosen = sock.getsockname()[1]
        for asked, lack in lacking.items():
            if all(one.asked != asked for one in bound):
                raise lack
        for sock, one in zip(sockets, bound, strict=True):
            if reuse_port:
                # Only now: had it been set before, a port that another server shares with its own would be taken too.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with _naming(one.asked):
                sock.listen(backlog)
        on_error.pop_all()
    return tuple(sockets)


def _resolve(host: str, port: int) -> list[_Endpoint]:
    asked = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    with _naming(asked):
        found = socket.getaddrinfo(host or _everything(), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [
        _Endpoint(family, str(address[0]), port, tuple(int(number) for number in address[2:]), asked)
        for family, _, _, _, address in found
    ]


def _everything() -> str:
    """The address that is every address: of both families, where there are two."""
    return "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 - asked for by an empty host


def _bound(endpoint: _Endpoint, port: int, *, only_ipv6: bool, reuse_port: bool = False) -> socket.socket:
    with _naming(endpoint.asked):
        sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            # There it would let two servers share a port; here it only lets a new one follow the old at once.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if endpoint.family == socket.AF_INET6:
            # Said either way, for the system's own default differs (net.ipv6.bindv6only).
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_ipv6)
        _send_at_once(sock)
        with _naming(endpoint.asked):
            sock.bind((endpoint.host, port, *endpoint.rest))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


@contextlib.contextmanager
def _naming(asked: str) -> Iterator[None]:
    """Have an OSError say which of several places it is about, as its ``filename``."""
    try:
        yield
    except OSError as error:
        error.filename = asked
        raise


def _send_at_once(sock: socket.socket) -> None:
    """Accepted sockets inherit it: a small answer must not wait for the acknowledgement of the one before."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _is_tcp(sock: socket.socket) -> bool:
    return sock.family in (socket.AF_INET, socket.AF_INET6)


def _listens(sock: socket.socket) -> bool:
    if not hasattr(socket, "SO_ACCEPTCONN"):
        return True
    try:
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return sys.platform == "darwin"  # it knows the name of the option and not its answer
