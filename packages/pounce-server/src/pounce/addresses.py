"""Where a server listens: opening the sockets of a configuration, and the addresses that came of it.

What the system refuses becomes one line that says what to do about it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pounce_asgi import PounceError
from pounce_workers import UnixSocketFile, adopt_fd, backlog_limit, bind_tcp_all, bind_unix

from .places import FdPlace, Place, ServicePlace, TcpPlace, UnixPlace, parse_place
from .socket_activation import Activation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .config import ServerConfig

__all__ = ["Address", "BindError", "ListeningSockets", "listen", "places", "refusal_in_words"]

_log = logging.getLogger("pounce.server")


class BindError(PounceError):
    """The system does not let the server listen where it is told to. The cause is the OSError."""


class Address(NamedTuple):
    """Host and port, or the path of a UNIX socket and None."""

    host: str
    port: int | None
    secure: bool = False
    """Over TLS."""
    http3: bool = False
    """Over QUIC: a port of UDP."""

    @property
    def url(self) -> str:
        """What a person types to reach it."""
        if self.port is None:
            return f"unix:{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"

    @classmethod
    def of(cls, listener: socket.socket, *, secure: bool = False) -> Address:
        """The address that a socket is bound to. An abstract UNIX socket's is written ``@name``."""
        name = listener.getsockname()
        if isinstance(name, tuple):
            return cls(name[0], name[1], secure)
        text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        return cls("@" + text[1:] if text.startswith("\0") else text, None, secure)


@dataclass(frozen=True, slots=True)
class ListeningSockets:
    """The open sockets of a server, and what has to be removed when it ends."""

    sockets: tuple[socket.socket, ...]
    files: tuple[UnixSocketFile, ...] = ()
    """Of the UNIX sockets that were bound, not inherited."""
    secure: bool = False
    """Whoever connects is to speak TLS."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where they listen; before they are closed."""
        return tuple(Address.of(one, secure=self.secure) for one in self.sockets)

    def close(self) -> None:
        """Remove the files that are still ours, then close the sockets. Safe to call when they are closed already."""
        for file in self.files:
            file.remove()
        for one in self.sockets:
            one.close()


def places(config: ServerConfig, activation: Activation | None = None) -> tuple[Place, ...]:
    """Where a server is to listen: ``bind``, ``uds`` or ``fd``; else what systemd handed over; else host and port."""
    if config.bind:
        return tuple(map(parse_place, config.bind))
    if config.uds is not None:
        return (UnixPlace(config.uds),)
    if config.fd is not None:
        return (FdPlace(config.fd),)
    if activation is not None and activation.descriptors:
        return (ServicePlace(""),)
    return (TcpPlace(config.host, config.port),)


def listen(config: ServerConfig, *, activation: Activation | None = None, reuse_port: bool = False) -> ListeningSockets:
    """Open the sockets of a configuration, all of them or none.

    ``activation`` is what systemd handed over, for a server that owns its process; what of it is not asked for is
    closed. With ``reuse_port`` each TCP socket can be joined by others on its port (``pounce_workers.open_beside``).

    Raises:
        BindError: the system refused.
    """
    asked = places(config, activation)
    given = activation or Activation()
    backlog = config.worker.backlog
    sockets: list[socket.socket] = []
    files: list[UnixSocketFile] = []
    try:
        sockets += _open_tcp(asked, backlog, reuse_port=reuse_port)
        for place in asked:
            if isinstance(place, UnixPlace):
                sockets.append(_open_unix(place, backlog, config.uds_permissions))
                files += filter(None, (UnixSocketFile.of(sockets[-1]),))
            for fd in _descriptors(place, given):
                if all(fd != one.fileno() for one in sockets):  # a descriptor has one owner, however often it is named
                    sockets.append(_adopt(place, fd))
    except BaseException:
        ListeningSockets(tuple(sockets), tuple(files)).close()
        raise
    _close_unused(given, sockets)
    _warn_of_backlog(backlog, asked)
    return ListeningSockets(tuple(sockets), tuple(files), secure=config.tls.enabled)


def _open_tcp(asked: tuple[Place, ...], backlog: int, *, reuse_port: bool) -> tuple[socket.socket, ...]:
    """Those of TCP together, because they may have to find one port that is free for all."""
    tcp = [place for place in asked if isinstance(place, TcpPlace)]
    if not tcp:
        return ()
    with refusal_in_words(*tcp):
        return bind_tcp_all(tcp, backlog, reuse_port=reuse_port)


def _open_unix(place: UnixPlace, backlog: int, permissions: str | None) -> socket.socket:
    with refusal_in_words(place):
        return bind_unix(place.path, backlog, mode=int(permissions, 8) if permissions is not None else None)


def _adopt(place: Place, fd: int) -> socket.socket:
    with refusal_in_words(place):
        return adopt_fd(fd)


def _descriptors(place: Place, given: Activation) -> tuple[int, ...]:
    """Those that exist already."""
    if isinstance(place, FdPlace):
        return (place.fd,)
    return _handed_over(place, given) if isinstance(place, ServicePlace) else ()


def _handed_over(place: ServicePlace, activation: Activation) -> tuple[int, ...]:
    descriptors = activation.named(place.name)
    if descriptors:
        return descriptors
    names = ", ".join(sorted({name for _, name in activation.descriptors}))
    handed = f"it handed over: {names}" if names else "it handed over none; is the socket unit started?"
    raise BindError(f"cannot listen on {place}: systemd handed over no such socket; {handed}")


def _close_unused(activation: Activation, sockets: list[socket.socket]) -> None:
    """A socket that listens and is served by nobody would let clients wait for ever."""
    used = {one.fileno() for one in sockets}
    for fd, name in activation.descriptors:
        if fd not in used:
            _log.warning(
                "The socket %s (descriptor %d) that systemd handed over is not asked for, so it is closed", name, fd
            )
            os.close(fd)


def _warn_of_backlog(backlog: int, asked: tuple[Place, ...]) -> None:
    """Say that less is granted than asked for: the system says nothing, and lets clients wait when it is full."""
    limit = backlog_limit()
    if limit is not None and limit < backlog and any(isinstance(place, TcpPlace | UnixPlace) for place in asked):
        _log.warning("The backlog of %d is cut to %d by the system (net.core.somaxconn)", backlog, limit)


@contextlib.contextmanager
def refusal_in_words(*asked: Place, option: str = "--port") -> Iterator[None]:
    """What the system refuses, as a BindError in words. Of several places, the error's ``filename`` says which.
    ``option`` is where another could be named.
    """
    try:
        yield
    except (OSError, UnicodeError, ValueError) as error:
        at_fault = error.filename if isinstance(error, OSError) else None
        named = next((place for place in asked if str(place) == at_fault), asked[0] if len(asked) == 1 else None)
        shown = " ".join(str(place) for place in asked) if named is None else str(named)
        raise BindError(f"cannot listen on {shown}: {_reason(error, named, option)}") from error


def _reason(error: Exception, place: Place | None, option: str) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the host name cannot be resolved; give an address of this machine, or 0.0.0.0 for all of them"
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        hint = f"; stop what listens there, or choose another {option}" if isinstance(place, TcpPlace) else ""
        return f"the address is in use{hint}"
    if number in (errno.EACCES, errno.EPERM):
        low = isinstance(place, TcpPlace) and place.port < 1024
        return "no permission" + ("; a port below 1024 needs privileges, --port 8000 does not" if low else "")
    if number == errno.EADDRNOTAVAIL:
        return "this machine has no such address; 127.0.0.1 and 0.0.0.0 always exist"
    if number == errno.EAFNOSUPPORT:
        return "this machine has no addresses of this family"
    if number in (errno.EBADF, errno.ENOTSOCK):
        return "it is not a socket that this process was given"
    if number == errno.ENOENT:
        return "its folder does not exist"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
