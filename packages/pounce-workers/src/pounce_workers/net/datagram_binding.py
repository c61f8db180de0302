"""The UDP sockets of a server, made before its workers and kept for its life.

Every slot has sockets of its own, on the same addresses: Linux gives all datagrams between two addresses to one of them
(SO_REUSEPORT), and goes on so as long as none is opened or closed. So a worker that is replaced leaves its sockets to
its successor. Elsewhere there is one socket for each address, which the first slot reads for all.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from pounce_workers.net.datagram_ancillary import forbid_fragments
from pounce_workers.net.datagram_socket import DatagramSockets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["bind_udp"]

PORT_TRIES: Final = 16
"""How often a port is looked for that is free on all addresses."""
BUFFER: Final = 4 * 1024 * 1024
"""Bytes asked for each socket's buffers; the system grants what it allows (net.core.rmem_max). What does not fit is
lost, and slows its sender down."""

_SPREADS: Final = sys.platform == "linux" and hasattr(socket, "SO_REUSEPORT")
_NOT_HERE: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


class _Endpoint(NamedTuple):
    family: socket.AddressFamily
    host: str
    port: int
    rest: tuple[int, ...]
    asked: str
    """As errors name it."""


def bind_udp(places: Iterable[tuple[str, int]], slots: int) -> tuple[DatagramSockets, ...]:
    """Bind every address of every (host, port), or none, for each of ``slots`` workers.

    The rules are those of `bind_tcp_all`: a name is bound at each of its addresses that this machine has; ``::`` takes
    IPv4 clients too unless an IPv4 address with the same port is among the places; all places with port 0 get the same
    free port; a port that another server has is in use, whether or not it would share it.

    Raises:
        OSError: an address cannot be resolved or bound (``filename`` says which).
    """
    found = {one[:4]: one for host, port in reversed(tuple(places)) for one in reversed(_resolve(host, port))}
    endpoints = tuple(reversed(found.values()))  # each once, however it was asked for
    with contextlib.ExitStack() as on_error:
        first = _bind_first(endpoints)
        for sock in first:
            on_error.callback(sock.close)
        every = [DatagramSockets(first, reads=True, spreads=_SPREADS)]
        for _ in range(1, slots):
            if not _SPREADS:
                every.append(DatagramSockets(first, reads=False, spreads=False))
                continue
            beside = []
            for sock in first:
                beside.append(_beside(sock))
                on_error.callback(beside[-1].close)
            every.append(DatagramSockets(tuple(beside)))
        on_error.pop_all()
    return tuple(every)


def _resolve(host: str, port: int) -> list[_Endpoint]:
    asked = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    everything = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 - asked for by an empty host
    with _naming(asked):
        found = socket.getaddrinfo(host or everything, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    return [
        _Endpoint(family, str(address[0]), port, tuple(int(number) for number in address[2:]), asked)
        for family, _, _, _, address in found
    ]


def _bind_first(endpoints: Sequence[_Endpoint]) -> tuple[socket.socket, ...]:
    for _ in range(PORT_TRIES):
        try:
            return _bind_once(endpoints)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or sum(not one.port for one in endpoints) < 2:
                raise
    return _bind_once(endpoints)


def _bind_once(endpoints: Sequence[_Endpoint]) -> tuple[socket.socket, ...]:
    lacking: dict[str, OSError] = {}
    there: set[str] = set()
    chosen = 0
    with contextlib.ExitStack() as on_error:
        sockets = []
        for one in endpoints:
            only_ipv6 = one.host != "::" or any(
                other.family == socket.AF_INET and other.port == one.port for other in endpoints
            )
            try:
                sock = _bound(one, one.port or chosen, only_ipv6=only_ipv6)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                lacking[one.asked] = error
                continue
            on_error.callback(sock.close)
            sockets.append(sock)
            there.add(one.asked)
            if not one.port:
                chosen = sock.getsockname()[1]
        for asked, lack in lacking.items():
            if asked not in there:
                raise lack
        if _SPREADS:
            for sock in sockets:
                # Only now: had it been set before, a port that another server shares with its own would be taken too.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        on_error.pop_all()
    return tuple(sockets)


def _beside(sock: socket.socket) -> socket.socket:
    """One more socket on the address of one."""
    host, port, *rest = sock.getsockname()
    endpoint = _Endpoint(sock.family, host, port, tuple(rest), host)
    only_ipv6 = sock.family == socket.AF_INET6 and bool(sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
    return _bound(endpoint, port, only_ipv6=only_ipv6, reuse_port=True)


def _bound(endpoint: _Endpoint, port: int, *, only_ipv6: bool, reuse_port: bool = False) -> socket.socket:
    with _naming(endpoint.asked):
        sock = socket.socket(endpoint.family, socket.SOCK_DGRAM)
    try:
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if endpoint.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_ipv6)
        with contextlib.suppress(OSError):  # macOS refuses more than it grants
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        forbid_fragments(sock)
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
