"""Listening UNIX sockets: what may be replaced, who may connect from when on, what is removed at the end."""

from __future__ import annotations

import concurrent.futures
import errno
import fcntl
import os
import pathlib
import socket
import stat
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pounce_workers import UnixSocketFile, bind_unix
from pounce_workers.net import unix_sockets
from pounce_workers.net.acceptor import local_address

if TYPE_CHECKING:
    from collections.abc import Iterator

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")


@pytest.fixture
def folder() -> Iterator[pathlib.Path]:
    """A short path: that of a UNIX socket may have about 100 bytes, and pytest's own are longer on some systems."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield pathlib.Path(name)


def test_a_new_unix_socket(folder: pathlib.Path) -> None:
    path = folder / "new"
    with bind_unix(str(path), 16) as sock, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert not sock.getblocking()
        assert local_address(sock) == (str(path), None)


def test_a_stale_unix_socket_is_replaced(folder: pathlib.Path) -> None:
    path = folder / "stale"
    bind_unix(str(path), 16).close()
    assert path.is_socket()
    with bind_unix(str(path), 16), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_live_unix_socket_is_never_replaced(folder: pathlib.Path) -> None:
    path = folder / "live"
    with bind_unix(str(path), 16) as sock:
        with pytest.raises(OSError, match="a server is listening there"):
            bind_unix(str(path), 16)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            sock.setblocking(True)
            sock.accept()[0].close()


def test_a_live_unix_socket_whose_backlog_is_full_is_never_replaced(folder: pathlib.Path) -> None:
    """A server that is too busy to accept is alive all the same."""
    path = folder / "busy"
    with bind_unix(str(path), 1):
        clients = []
        try:
            while True:
                client = socket.socket(socket.AF_UNIX)
                clients.append(client)
                client.settimeout(0.05)
                client.connect(str(path))
        except OSError:
            pass
        with pytest.raises(OSError, match="a server is listening there"):
            bind_unix(str(path), 16)
        assert path.is_socket()
        for client in clients:
            client.close()


@pytest.mark.parametrize("kind", ["file", "folder", "link to a file"])
def test_nothing_but_a_socket_is_ever_replaced(folder: pathlib.Path, kind: str) -> None:
    path = folder / "there"
    target = folder / "target"
    target.write_text("precious")
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(target)
    with pytest.raises(FileExistsError):
        bind_unix(str(path), 16)
    assert path.exists()
    assert target.read_text() == "precious"


def test_a_folder_that_is_missing(folder: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        bind_unix(str(folder / "missing" / "socket"), 16)


# -- who may connect -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666, 0o777])
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_mode_of_the_file_is_as_asked_whatever_the_umask(folder: pathlib.Path, mode: int, umask: int) -> None:
    before = os.umask(umask)
    try:
        with bind_unix(str(folder / "s"), 16, mode=mode):
            assert stat.S_IMODE((folder / "s").stat().st_mode) == mode
    finally:
        os.umask(before)


def test_without_a_mode_the_umask_decides(folder: pathlib.Path) -> None:
    before = os.umask(0o027)
    try:
        with bind_unix(str(folder / "s"), 16):
            assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o750
    finally:
        os.umask(before)


def test_nobody_connects_before_the_mode_is_set(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "s"
    refused = []
    chmod = pathlib.Path.chmod

    def connect_first(self: pathlib.Path, mode: int) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            refused.append(client.connect_ex(str(path)))
        chmod(self, mode)

    monkeypatch.setattr(pathlib.Path, "chmod", connect_first)
    with bind_unix(str(path), 16, mode=0o600):
        assert refused == [errno.ECONNREFUSED]


def test_a_mode_that_cannot_be_set_leaves_no_file(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: pathlib.Path, mode: int) -> None:
        raise PermissionError(errno.EPERM, "not allowed")

    monkeypatch.setattr(pathlib.Path, "chmod", refuse)
    with pytest.raises(PermissionError):
        bind_unix(str(folder / "s"), 16, mode=0o600)
    assert list(folder.iterdir()) == []


# -- races -----------------------------------------------------------------------------------------------------------


def test_of_servers_that_race_for_a_stale_socket_one_wins(folder: pathlib.Path) -> None:
    """And it keeps the file: the others find its server alive, not a socket that refuses."""
    racers = 4
    for number in range(25):
        path = folder / str(number)
        bind_unix(str(path), 16).close()
        barrier = threading.Barrier(racers)

        def race(path: pathlib.Path = path, barrier: threading.Barrier = barrier) -> socket.socket | int | None:
            barrier.wait(10)
            try:
                return bind_unix(str(path), 16)
            except OSError as error:
                return error.errno

        with concurrent.futures.ThreadPoolExecutor(racers) as pool:
            results = [future.result() for future in [pool.submit(race) for _ in range(racers)]]
        (winner,) = (result for result in results if isinstance(result, socket.socket))
        assert results.count(errno.EADDRINUSE) == racers - 1
        with winner, socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            winner.setblocking(True)
            winner.accept()[0].close()


def test_a_folder_that_somebody_keeps_locked_is_an_error(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_sockets, "LOCK_SECONDS", 0.05)
    holder = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="keeps the folder locked"):
            bind_unix(str(folder / "s"), 16)
    finally:
        os.close(holder)
    bind_unix(str(folder / "s"), 16).close()


@pytest.mark.parametrize(
    ("module", "name", "error"),
    [
        (os, "open", PermissionError(errno.EACCES, "a folder that may not be read")),
        (fcntl, "flock", OSError(errno.ENOLCK, "a file system without locks")),
    ],
)
def test_where_nothing_can_be_locked_it_is_bound_all_the_same(
    folder: pathlib.Path, module: Any, name: str, error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> int:
        raise error

    bind_unix(str(folder / "s"), 16).close()
    with monkeypatch.context() as patch:
        patch.setattr(module, name, refuse)
        sock = bind_unix(str(folder / "s"), 16)
    with sock, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "s"))


# -- the end ---------------------------------------------------------------------------------------------------------


def _file_of(sock: socket.socket) -> UnixSocketFile:
    found = UnixSocketFile.of(sock)
    assert found is not None
    return found


def test_its_own_file_is_removed(folder: pathlib.Path) -> None:
    with bind_unix(str(folder / "s"), 16) as sock:
        file = _file_of(sock)
        assert file.remove()
        assert list(folder.iterdir()) == []
        assert not file.remove()


def test_the_file_of_another_server_stays(folder: pathlib.Path) -> None:
    with bind_unix(str(folder / "s"), 16) as sock:
        file = _file_of(sock)
        (folder / "s").unlink()
        with bind_unix(str(folder / "s"), 16):
            assert not file.remove()
            assert (folder / "s").is_socket()


def test_a_file_that_was_given_the_same_number_stays(folder: pathlib.Path) -> None:
    """After its socket has been closed, the number of a removed file may belong to the next one."""
    sock = bind_unix(str(folder / "s"), 16)
    file = _file_of(sock)
    (folder / "s").unlink()
    sock.close()
    with bind_unix(str(folder / "s"), 16) as other:
        reused = UnixSocketFile(
            path=file.path, device=file.device, inode=_file_of(other).inode, made_at=file.made_at - 1
        )
        assert not reused.remove()
        assert (folder / "s").is_socket()


def test_a_relative_path_is_removed_from_another_folder(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with bind_unix("s", 16) as sock:
        file = _file_of(sock)
        monkeypatch.chdir("/")
        assert file.remove()
    assert list(folder.iterdir()) == []


def test_what_has_no_file(folder: pathlib.Path) -> None:
    with socket.socket(socket.AF_UNIX) as unbound, socket.socket() as tcp:
        assert UnixSocketFile.of(unbound) is None
        assert UnixSocketFile.of(tcp) is None
    with bind_unix(str(folder / "s"), 16) as sock:
        (folder / "s").unlink()
        assert UnixSocketFile.of(sock) is None


# -- names -----------------------------------------------------------------------------------------------------------


@linux_only
def test_an_abstract_socket() -> None:
    name = f"@pounce-test-{os.getpid()}"
    with bind_unix(name, 16) as sock, socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + name[1:])
        assert local_address(sock) == (name, None)
        assert UnixSocketFile.of(sock) is None
        assert not sock.getblocking()
        with pytest.raises(OSError, match=f"Errno {errno.EADDRINUSE}"):
            bind_unix(name, 16)
    bind_unix(name, 16).close()
    with pytest.raises(ValueError, match="no file"):
        bind_unix(name, 16, mode=0o600)


def test_a_path_that_is_too_long_says_how_long_it_may_be(folder: pathlib.Path) -> None:
    longest = str(folder / "x").ljust(unix_sockets.LONGEST_PATH, "x")
    bind_unix(longest, 16).close()
    with pytest.raises(OSError, match=f"at most {unix_sockets.LONGEST_PATH} bytes"):
        bind_unix(longest + "x", 16)
