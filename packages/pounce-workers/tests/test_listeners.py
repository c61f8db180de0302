"""Listening on TCP and on what was inherited: on all addresses or on none, on one port where that can be."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pounce_workers import adopt_fd, backlog_limit, bind_tcp, bind_tcp_all, open_beside
from pounce_workers.net import listeners
from pounce_workers.net.acceptor import local_address, peer_address

if TYPE_CHECKING:
    import pathlib


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 here")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="connections are spread by Linux only")


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


# -- binding several -------------------------------------------------------------------------------------------------


def _reached(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 5).close()
    except OSError:
        return False
    return True


@needs_ipv6
@pytest.mark.parametrize(
    ("hosts", "bound", "reached"),
    [
        (["127.0.0.1"], ["127.0.0.1"], {"127.0.0.1": True, "::1": False}),
        (["0.0.0.0"], ["0.0.0.0"], {"127.0.0.1": True, "::1": False}),
        (["::1"], ["::1"], {"127.0.0.1": False, "::1": True}),
        (["::"], ["::"], {"127.0.0.1": True, "::1": True}),
        ([""], ["::"], {"127.0.0.1": True, "::1": True}),
        (["0.0.0.0", "::"], ["0.0.0.0", "::"], {"127.0.0.1": True, "::1": True}),
        (["::", "127.0.0.1"], ["::", "127.0.0.1"], {"127.0.0.1": True, "127.0.0.2": False, "::1": True}),
        (["127.0.0.1", "::1"], ["127.0.0.1", "::1"], {"127.0.0.1": True, "::1": True}),
        (["127.0.0.1", "127.0.0.1"], ["127.0.0.1"], {"127.0.0.1": True}),
    ],
)
def test_several_places_on_one_free_port(hosts: list[str], bound: list[str], reached: dict[str, bool]) -> None:
    if sys.platform == "darwin":
        reached.pop("127.0.0.2", None)
    sockets = bind_tcp_all([(host, 0) for host in hosts], 16)
    try:
        assert [sock.getsockname()[0] for sock in sockets] == bound
        (port,) = {sock.getsockname()[1] for sock in sockets}
        assert {host: _reached(host, port) for host in reached} == reached
        assert not any(sock.getblocking() for sock in sockets)
        assert all(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for sock in sockets)
    finally:
        _close(sockets)


def _close(sockets: Any) -> None:
    for sock in sockets:
        sock.close()


def test_every_ipv4_address_where_there_is_no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    (sock,) = bind_tcp_all([("", 0)], 16)
    with sock:
        assert sock.getsockname()[0] == "0.0.0.0"


def test_places_that_cannot_have_one_port_get_one_each() -> None:
    sockets = bind_tcp_all([("0.0.0.0", 0), ("127.0.0.1", 0)], 16)
    ports = {sock.getsockname()[1] for sock in sockets}
    _close(sockets)
    assert len(ports) == 2


@linux_only  # elsewhere 127.0.0.2 is no address of the machine
def test_a_port_that_is_taken_at_one_of_the_addresses_is_given_up_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    bound = listeners._bound

    def taken_once(endpoint: Any, port: int, **options: bool) -> socket.socket:
        if port and not taken:
            taken.append(port)
            raise OSError(errno.EADDRINUSE, "taken")
        return bound(endpoint, port, **options)

    monkeypatch.setattr(listeners, "_bound", taken_once)
    sockets = bind_tcp_all([("127.0.0.1", 0), ("127.0.0.2", 0)], 16)
    (port,) = {sock.getsockname()[1] for sock in sockets}
    _close(sockets)
    assert taken
    assert port not in taken


def test_all_or_none() -> None:
    """The first is free again when the second cannot be had, and nobody was let in meanwhile."""
    with bind_tcp("127.0.0.1", 0, 16) as free, bind_tcp("127.0.0.1", 0, 16) as taken:
        first, second = free.getsockname()[1], taken.getsockname()[1]
        free.close()
        with pytest.raises(OSError, match=f"Errno {errno.EADDRINUSE}"):
            bind_tcp_all([("127.0.0.1", first), ("127.0.0.1", second)], 16)
    bind_tcp("127.0.0.1", first, 16).close()


Resolved = list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]]
HERE: Resolved = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
ELSEWHERE: Resolved = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]


@pytest.mark.parametrize("found", [HERE + ELSEWHERE, ELSEWHERE + HERE], ids=["first", "last"])
def test_of_the_addresses_of_a_name_those_that_are_here_are_bound(
    monkeypatch: pytest.MonkeyPatch, found: Resolved
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
    (sock,) = bind_tcp_all([("name", 0)], 16)
    with sock:
        assert sock.getsockname()[0] == "127.0.0.1"


def test_a_name_with_no_address_that_is_here_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {"here": HERE, "elsewhere": ELSEWHERE}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args, **options: addresses[host])
    with pytest.raises(OSError, match=f"Errno {errno.EADDRNOTAVAIL}"):
        bind_tcp_all([("here", 0), ("elsewhere", 0)], 16)


# -- several sockets on one port -------------------------------------------------------------------------------------


@linux_only
@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::", marks=needs_ipv6)])
def test_sockets_beside_each_other_share_the_connections(host: str) -> None:
    (first,) = bind_tcp_all([(host, 0)], 64, reuse_port=True)
    sockets = [first, open_beside(first, 64), open_beside(first, 64)]
    try:
        assert len({sock.getsockname() for sock in sockets}) == 1
        port = first.getsockname()[1]
        clients = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(60)]
        accepted = [_accept_all(sock) for sock in sockets]
        assert sum(map(len, accepted)) == 60
        assert all(accepted)  # none of three is left out by chance in 60: 1 in 10 billion
        _close([*clients, *(one for some in accepted for one in some)])
    finally:
        _close(sockets)


def _accept_all(sock: socket.socket) -> list[socket.socket]:
    accepted = []
    while True:
        try:
            accepted.append(sock.accept()[0])
        except BlockingIOError:
            return accepted


@linux_only
def test_a_port_that_another_server_shares_with_its_own_is_in_use() -> None:
    (sock,) = bind_tcp_all([("127.0.0.1", 0)], 16, reuse_port=True)
    with sock, pytest.raises(OSError, match=f"Errno {errno.EADDRINUSE}"):
        bind_tcp_all([sock.getsockname()], 16, reuse_port=True)


def test_not_every_socket_can_be_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    with bind_tcp("127.0.0.1", 0, 16) as sock, pytest.raises(ValueError, match="cannot be shared"):
        open_beside(sock, 16)
    monkeypatch.setattr(listeners, "_HAS_REUSEPORT", False)
    with pytest.raises(ValueError, match="only Linux"):
        bind_tcp_all([("127.0.0.1", 0)], 16, reuse_port=True)


# -- inherited -------------------------------------------------------------------------------------------------------

CHILD = """
import sys
from pounce_workers import adopt_fd
sock = adopt_fd(int(sys.argv[1]))
sock.setblocking(True)
print("ready", flush=True)
accepted, _ = sock.accept()
accepted.sendall(b"from the child")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not inherited there")
@pytest.mark.parametrize("reuse_port", [False, pytest.param(True, marks=linux_only)])
def test_a_child_process_serves_on_a_port_that_was_zero(reuse_port: bool) -> None:
    """Who is not given the socket does not inherit it; who is, adopts it."""
    (sock,) = bind_tcp_all([("127.0.0.1", 0)], 16, reuse_port=reuse_port)
    assert not sock.get_inheritable()
    with (
        sock,
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(sock.fileno())],
            pass_fds=[sock.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        ) as child,
    ):
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        with socket.create_connection(sock.getsockname(), 10) as client:
            assert client.recv(100) == b"from the child"
        assert child.wait(10) == 0


def test_adopt_fd() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        adopted = adopt_fd(os.dup(given.fileno()))
        assert adopted.getsockname() == given.getsockname()
        assert not adopted.getblocking()
        assert not adopted.get_inheritable()
        assert adopted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
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
    assert peer_address(("::ffff:192.0.2.7", 51234, 0, 0)) == ("192.0.2.7", 51234)
    assert peer_address(("::ffff:1", 51234, 0, 0)) == ("::ffff:1", 51234)
    assert peer_address("") is None
    with socket.socket(socket.AF_UNIX) as unbound:
        assert local_address(unbound) is None


@pytest.mark.parametrize(("written", "limit"), [("4096\n", 4096), ("", None), ("x", None), (None, None)])
def test_backlog_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, written: str | None, limit: int | None
) -> None:
    if written is not None:
        (tmp_path / "somaxconn").write_text(written)
    monkeypatch.setattr(listeners, "_SOMAXCONN", tmp_path / "somaxconn")
    assert backlog_limit() == limit
