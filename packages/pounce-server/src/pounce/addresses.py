"""Where a server listens: binding as configured, and the address that came of it.

What the system refuses becomes one line that says what to do about it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pounce_asgi import PounceError
from pounce_workers import adopt_fd, bind_tcp, bind_unix

if TYPE_CHECKING:
    from .config import ServerConfig

__all__ = ["Address", "BindError", "bind", "unlink_unix_socket"]


class BindError(PounceError):
    """The system does not let the server listen where it is told to. The cause is the OSError."""


class Address(NamedTuple):
    """Host and port, or the path of a UNIX socket and None."""

    host: str
    port: int | None

    @property
    def url(self) -> str:
        """What a person types to reach it."""
        if self.port is None:
            return f"unix:{self.host}"
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @classmethod
    def of(cls, listener: socket.socket) -> Address:
        """The address that a socket is bound to."""
        name = listener.getsockname()
        if isinstance(name, tuple):
            return cls(name[0], name[1])
        return cls(name.decode("utf-8", "replace") if isinstance(name, bytes) else name, None)


def bind(config: ServerConfig) -> tuple[socket.socket, ...]:
    """The listening sockets of a configuration.

    Raises:
        BindError: the system refused.
    """
    backlog = config.worker.backlog
    try:
        if config.fd is not None:
            return (adopt_fd(config.fd),)
        if config.uds is not None:
            return (bind_unix(config.uds, backlog),)
        return (bind_tcp(config.host, config.port, backlog),)
    except (OSError, UnicodeError, ValueError) as error:
        raise BindError(f"cannot listen on {_place(config)}: {_reason(error, config)}") from error


def unlink_unix_socket(path: str, ours: os.stat_result) -> None:
    """Remove the file of a UNIX socket, unless another server has put its own there since."""
    with contextlib.suppress(OSError):
        if os.path.samestat(Path(path).stat(), ours):
            Path(path).unlink()


def _place(config: ServerConfig) -> str:
    if config.fd is not None:
        return f"file descriptor {config.fd}"
    return Address(config.uds, None).url if config.uds is not None else f"{config.host}:{config.port}"


def _reason(error: Exception, config: ServerConfig) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the host name cannot be resolved"
    number = error.errno if isinstance(error, OSError) else None
    tcp = config.fd is None and config.uds is None
    if number == errno.EADDRINUSE:
        return "the address is in use" + ("; stop what listens there, or choose another --port" if tcp else "")
    if number in (errno.EACCES, errno.EPERM):
        low = tcp and config.port < 1024
        return "no permission" + ("; a port below 1024 needs privileges, --port 8000 does not" if low else "")
    if number == errno.EADDRNOTAVAIL:
        return "this machine has no such address; 127.0.0.1 and 0.0.0.0 always exist"
    if number in (errno.EBADF, errno.ENOTSOCK):
        return "it is not a socket that this process was given"
    if number == errno.ENOENT:
        return "its folder does not exist"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
