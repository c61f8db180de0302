"""The other end: finding a server that tells of itself, and asking it. HTTP/1.1 by the standard library."""

from __future__ import annotations

import errno
import http.client
import socket
import sys

from pounce_observability.introspection.address import ServerAddress
from pounce_observability.introspection.socket_folder import (
    DEFAULT_ADDRESS,
    SUFFIX,
    check_owner,
    default_address,
    listens,
    run_directory,
)

__all__ = ["IntrospectionClient", "NoServer", "ServerAddress", "find_server"]

MOST_BYTES = 64 * 1024 * 1024
"""Of one answer. A profile of many threads has some."""

_HINT = "start it with --introspection, or say where it answers (unix:PATH, HOST:PORT, or the number of its process)"


class NoServer(OSError):  # noqa: N818 - says what happened
    """No server was found, or too many. The message says what to do."""

    def __str__(self) -> str:
        """Without the number of the error in front: it is for a person."""
        return self.strerror or super().__str__()


def find_server(target: str | None = None) -> ServerAddress:
    """The server that is meant: by ``unix:PATH``, a path, ``HOST:PORT``, ``http://HOST:PORT`` or the number of its
    main process; without any of them the only one that this user runs.

    Raises:
        NoServer: there is none to be found, or there are several.
    """
    if target is None:
        return _only_server()
    if target.isdecimal():
        return default_address(int(target))
    if target.startswith("/") or target.endswith(SUFFIX):
        return ServerAddress(path=target.removeprefix("unix:").removeprefix("//") if ":" in target else target)
    try:
        return ServerAddress.of(target.removeprefix("http://").rstrip("/"))
    except ValueError as error:
        raise NoServer(errno.EINVAL, f"{error}, nor the number of a process") from None


def _only_server() -> ServerAddress:
    if sys.platform == "win32":
        return DEFAULT_ADDRESS
    folder = run_directory()
    try:
        check_owner(folder)
        sockets = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except FileNotFoundError:
        sockets = []
    answering = [path for path in sockets if listens(path)]
    if len(answering) == 1:
        return ServerAddress(path=str(answering[0]))
    if not answering:
        raise NoServer(errno.ENOENT, f"no server of yours tells of itself in {folder}: {_HINT}")
    names = ", ".join(path.name.removesuffix(SUFFIX) for path in answering)
    raise NoServer(errno.EEXIST, f"several servers run; name one of these processes: {names}")


class IntrospectionClient:
    """Asks one server, with a connection for each question: it may be another server by the next."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address

    def reach(self, timeout: float = 10.0) -> None:
        """Connect and ask nothing: to know that somebody is there before a question that takes long.

        Raises:
            OSError: nobody is.
        """
        connection = _Connection(self.address, timeout)
        try:
            connection.connect()
        except OSError as error:
            raise OSError(error.errno, _in_words(self.address, error)) from error
        finally:
            connection.close()

    def request(self, method: str, target: str, timeout: float = 10.0) -> tuple[int, bytes]:
        """The status and the body of the answer.

        Raises:
            OSError: nobody answers there, or not in time, or it is no server that speaks HTTP.
        """
        connection = _Connection(self.address, timeout)
        try:
            connection.request(method, target, headers={"Accept": "application/json", "Connection": "close"})
            response = connection.getresponse()
            body = response.read(MOST_BYTES + 1)
        except http.client.HTTPException as error:
            raise ConnectionError(f"{self.address} does not answer as a server does: {error!r}") from error
        except OSError as error:  # has no place in its words
            raise OSError(error.errno, _in_words(self.address, error)) from error
        finally:
            connection.close()
        if len(body) > MOST_BYTES:
            raise OSError(errno.EMSGSIZE, f"{self.address} answers with more than {MOST_BYTES} bytes")
        if response.length:  # read() with a bound says nothing of it
            raise ConnectionError(f"{self.address} has broken off its answer")
        return response.status, body


def _in_words(address: ServerAddress, error: OSError) -> str:
    why = "it did not answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
    return f"{address}: {why}"


class _Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket too."""

    def __init__(self, address: ServerAddress, timeout: float) -> None:
        super().__init__("localhost" if address.path else (address.host or "127.0.0.1"), address.port or None, timeout)
        self._path = address.path

    def connect(self) -> None:
        """Connect, to the path if there is one."""
        if not self._path:
            super().connect()
            return
        family = getattr(socket, "AF_UNIX", None)
        if family is None:
            raise OSError(errno.EAFNOSUPPORT, "this Python has no UNIX sockets; use HOST:PORT")
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect("\0" + self._path[1:] if self._path.startswith("@") else self._path)
