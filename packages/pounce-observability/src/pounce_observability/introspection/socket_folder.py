"""Where servers put the sockets on which they tell of themselves: a folder that is its user's alone.

``$XDG_RUNTIME_DIR/pounce`` where there is one, else ``pounce-UID`` in the folder for temporary files. In that, anybody
may have made a folder of this name before; so one that is not ours, or that others may enter, is not used.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import Final

from pounce_observability.introspection.address import ServerAddress

__all__ = [
    "DEFAULT_ADDRESS",
    "default_address",
    "default_socket_path",
    "listens",
    "prepare_run_directory",
    "run_directory",
]

DEFAULT_ADDRESS: Final = ServerAddress(host="127.0.0.1", port=9700)
"""Where there are no UNIX sockets in Python: on Windows."""

SUFFIX: Final = ".sock"


def run_directory() -> Path:
    """The folder. It need not be there."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_absolute():
        return Path(runtime, "pounce")
    return Path(tempfile.gettempdir(), f"pounce-{_user()}")


def prepare_run_directory() -> Path:
    """The folder, made with permissions for its owner alone if it was not there, without what killed servers left.

    Raises:
        OSError: it cannot be made, or it is not safe; the message says why.
    """
    folder = run_directory()
    folder.mkdir(mode=0o700, parents=False, exist_ok=True)
    check_owner(folder)
    if sys.platform != "win32":
        _remove_left_sockets(folder)
    return folder


def _remove_left_sockets(folder: Path) -> None:
    """Those that bear the number of a process that is gone, and behind which nobody listens.

    A process of another container may not be seen from here, but then its socket takes connections. The other way
    round a number may have been given to another process meanwhile: its socket stays for a later start.
    """
    for path in folder.iterdir():
        number = path.name.removesuffix(SUFFIX)
        if path.name == number or not (number.isascii() and number.isdecimal()):
            continue
        with contextlib.suppress(OSError):  # another start may be as quick
            status = path.lstat()  # of a link itself
            ours = stat.S_ISSOCK(status.st_mode) and status.st_uid == _user()
            if ours and not _runs(int(number)) and _refuses(path):
                path.unlink()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # of another user, and so there is one
        return True
    return pid > 0


def _refuses(path: Path) -> bool:
    """Whether it is certain that nobody listens: a server that is stopped or has its hands full refuses nobody."""
    try:
        _connect(path, 0.2)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def listens(path: Path) -> bool:
    """Whether a server is behind it: one that was killed leaves its socket."""
    try:
        _connect(path, 1.0)
    except OSError:
        return False
    return True


def _connect(path: Path, timeout: float) -> None:
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:  # type: ignore[attr-defined,unused-ignore] # win32
        probe.settimeout(timeout)
        probe.connect(str(path))


def check_owner(folder: Path) -> None:
    """Make sure that nobody else could put a socket there.

    Raises:
        PermissionError: somebody could.
        NotADirectoryError: it is something else, such as a link.
        FileNotFoundError: it is not there.
    """
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "the folder for sockets is something else", str(folder))
    if sys.platform == "win32":
        return
    if status.st_uid != _user():
        raise PermissionError(errno.EPERM, "the folder for sockets belongs to another user", str(folder))
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise PermissionError(errno.EPERM, "the folder for sockets must be its owner's alone (chmod 700)", str(folder))


def default_socket_path(pid: int | None = None) -> Path:
    """The socket of the server whose main process has this number; of this process without one."""
    return run_directory() / f"{os.getpid() if pid is None else pid}{SUFFIX}"


def default_address(pid: int | None = None) -> ServerAddress:
    """Where a server answers that was not told where to."""
    return DEFAULT_ADDRESS if sys.platform == "win32" else ServerAddress(path=str(default_socket_path(pid)))


def _user() -> int:
    return os.geteuid() if sys.platform != "win32" else 0
