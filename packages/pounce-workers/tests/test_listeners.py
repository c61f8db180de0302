"""Listening sockets and accepting: what may be replaced, what may fail, and that accepting survives it."""

from __future__ import annotations

import errno
import os
import pathlib
import socket
import tempfile
from typing import TYPE_CHECKING

import pytest

from pounce_workers import adopt_fd, bind_tcp, bind_unix
from pounce_workers.net.listeners import local_address, peer_address

if TYPE_CHECKING:
    from collections.abc import Iterator


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 here")


@pytest.fixture
def folder() -> Iterator[pathlib.Path]:
    """A short path: that of a UNIX socket may have about 100 bytes, and pytest's own are longer on some systems."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield pathlib.Path(name)


# -- binding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "family", "address"),
    [
        ("127.0.0.1", socket.AF_INET, "127.0.0.1"),
        ("", socket.AF_INET, "0.0.0.0"),
        ("0.0.0.0", socket.AF_INET, "0.0.0.0"),
        pytest.param("::1", socket.AF_INET6, "::1", marks=needs_ipv6),
        pytest.param("::", socket.AF_INET6, "::", marks=needs_ipv6),
    ],
)
def test_bind_tcp(host: str, family: socket.AddressFamily, address: str) -> None:
    with bind_tcp(host, 0, 16) as sock:
        assert sock.family == family
        assert sock.getsockname()[0] == address
        assert sock.getsockname()[1] > 0
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        reached = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        with socket.create_connection((reached, sock.getsockname()[1]), 5):
            pass


@needs_ipv6
def test_both_families_side_by_side_on_one_port() -> None:
    with bind_tcp("0.0.0.0", 0, 16) as four, bind_tcp("::", four.getsockname()[1], 16) as six:
        assert four.getsockname()[1] == six.getsockname()[1]


def test_a_port_is_free_again_at_once_and_never_shared() -> None:
    with bind_tcp("127.0.0.1", 0, 16) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), 5):
            accepted = None
            while accepted is None:
                try:
                    accepted, _ = first.accept()
                except BlockingIOError:
                    continue
            accepted.close()  # the server closes first: its end lingers in TIME_WAIT
        with pytest.raises(OSError, match=f"Errno {errno.EADDRINUSE}"):
            bind_tcp("127.0.0.1", port, 16)
    bind_tcp("127.0.0.1", port, 16).close()


@pytest.mark.parametrize(("host", "error"), [("no.such.host.invalid", socket.gaierror), ("192.0.2.1", OSError)])
def test_an_address_that_is_not_ours(host: str, error: type[OSError]) -> None:
    with pytest.raises(error):
        bind_tcp(host, 0, 16)


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


def test_adopt_fd() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        adopted = adopt_fd(os.dup(given.fileno()))
        assert adopted.getsockname() == given.getsockname()
        assert not adopted.getblocking()
        adopted.close()


def test_adopt_fd_refuses_what_does_not_listen() -> None:
    with socket.socket() as idle, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        for sock in (idle, datagrams):
            with pytest.raises(ValueError, match="not a listening"):
                adopt_fd(sock.fileno())
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)  # still open
    read, write = os.pipe()
    with pytest.raises(OSError, match=f"Errno {errno.ENOTSOCK}"):
        adopt_fd(read)
    os.close(read)
    os.close(write)


def test_addresses() -> None:
    assert peer_address(("192.0.2.7", 51234)) == ("192.0.2.7", 51234)
    assert peer_address(("2001:db8::7", 51234, 0, 0)) == ("2001:db8::7", 51234)
    assert peer_address("") is None
    with socket.socket(socket.AF_UNIX) as unbound:
        assert local_address(unbound) is None
