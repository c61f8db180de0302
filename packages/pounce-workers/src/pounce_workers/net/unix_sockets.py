"""Listening UNIX sockets: whose file may be replaced, who may connect, and who removes the file at the end.

Between looking at a file and removing it another server may put its own there. So both are done under a lock on the
folder (flock(2)), which leaves no file behind and ends with its holder; what this module binds also listens before it
lets go of the lock, so a socket that refuses connections under it is one that nobody listens on any more.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["UnixSocketFile", "bind_unix"]

LOCK_SECONDS: Final = 2.0
"""Longest wait for the folder. It is held for less than a millisecond; whoever keeps it for longer is no server."""

LOCK_RETRY: Final = 0.01

LONGEST_PATH: Final = 107 if sys.platform == "linux" else 103
"""Bytes of a path (unix(7), sun_path: 108 with the zero at its end; 104 on macOS and the BSDs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixSocketFile:
    """The file of a listening UNIX socket, to be known again."""

    path: str
    """Absolute: an application may change its folder."""
    device: int
    inode: int
    made_at: int
    """Nanoseconds. A file system gives the number of a removed file to the next one soon; the time tells them apart."""

    @classmethod
    def of(cls, sock: socket.socket) -> Self | None:
        """The file that a socket is bound to; None for an abstract one, one without a name, or when it has gone."""
        name = sock.getsockname() if sock.family == getattr(socket, "AF_UNIX", None) else None
        if not name or not isinstance(name, str):
            return None  # Python gives an abstract name as bytes
        path = os.path.abspath(name)  # noqa: PTH100 - links in it are to stay as they are
        with contextlib.suppress(OSError):
            there = os.lstat(path)
            return cls(path=path, device=there.st_dev, inode=there.st_ino, made_at=there.st_mtime_ns)
        return None

    def remove(self) -> bool:
        """Remove it, unless it has gone or another server has put its own there; True when it was removed.

        Best before the socket is closed: nobody then finds a file behind which there is no server.
        """
        with contextlib.suppress(OSError), _locked(self.path):
            there = Path(self.path).lstat()
            if (there.st_dev, there.st_ino, there.st_mtime_ns) == (self.device, self.inode, self.made_at):
                Path(self.path).unlink()
                return True
        return False


def bind_unix(path: str, backlog: int, *, mode: int | None = None) -> socket.socket:
    """Listen on a UNIX socket; ``@name`` is one in Linux's abstract namespace, which has no file.

    ``mode`` are the permissions of its file (0o660); without one the process's umask decides. To connect, a client
    needs the permission to write. They hold before the first client: a socket that is bound and does not listen yet
    refuses connections, and they are set in between.

    A socket file that nobody listens on any more is replaced; nothing else ever is.

    Raises:
        OSError: a server listens there, another kind of file is there, or it cannot be created.
        ValueError: ``mode`` for an abstract socket, which everybody on the machine may connect to.
    """
    if path.startswith("@"):
        return _bind_abstract(path, backlog, mode)
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, f"the path of a UNIX socket has at most {LONGEST_PATH} bytes", path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        with _locked(path):
            _remove_stale_socket(path)
            sock.bind(path)
            try:
                if mode is not None:
                    Path(path).chmod(mode)
                sock.listen(backlog)
            except OSError:
                Path(path).unlink(missing_ok=True)
                raise
    except OSError:
        sock.close()
        raise
    return sock


def _bind_abstract(name: str, backlog: int, mode: int | None) -> socket.socket:
    """unix(7), "Abstract sockets": a zero byte, then the name. It is free again when the last holder has closed it."""
    if sys.platform != "linux":
        raise OSError(errno.EOPNOTSUPP, "only Linux has abstract UNIX sockets", name)
    if mode is not None:
        raise ValueError("an abstract UNIX socket has no file, so it cannot have permissions")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind("\0" + name[1:])
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_stale_socket(path: str) -> None:
    try:
        mode = Path(path).lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "a file that is not a socket is there", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
        except FileNotFoundError:
            return
        except BlockingIOError:
            pass  # its backlog is full: it is busy, not gone
    raise OSError(errno.EADDRINUSE, "a server is listening there", path)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Keep other servers from replacing or removing sockets in the folder of a path.

    A folder that may be written to but not read cannot be locked; it is then as it would be without this function.
    """
    try:
        folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)  # noqa: PTH100, PTH120 - links stay
    except PermissionError:
        yield
        return
    try:
        _lock(folder)
        yield
    finally:
        os.close(folder)


def _lock(folder: int) -> None:
    if sys.platform == "win32":  # pragma: no cover - no UNIX sockets in its Python
        return
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise OSError(errno.EBUSY, "another process keeps the folder locked (flock)") from None
            time.sleep(LOCK_RETRY)
        except OSError:
            return  # a file system without locks: as for a folder that cannot be read
        else:
            return
