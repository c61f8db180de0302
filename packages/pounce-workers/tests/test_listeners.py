"""Listening sockets and accepting: what may be replaced, what may fail, and that accepting survives it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from loops import LOOPS, run_on, turns

from pounce_workers import adopt_fd, bind_tcp, bind_unix
from pounce_workers.net import listeners
from pounce_workers.net.listeners import Acceptor, local_address, peer_address
from pounce_workers.net.loop import poller_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


# -- accepting -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=LOOPS)
def make_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return LOOPS[request.param]


class Accepted:
    """Takes connections and keeps what it was told of them."""

    def __init__(self) -> None:
        self.connections: list[tuple[Any, ...]] = []
        self.news = asyncio.Event()

    def __call__(self, sock: socket.socket, peer: Any, local: Any) -> None:
        assert not sock.getblocking()
        sock.close()
        self.connections.append((peer, local))
        self.news.set()

    async def reach(self, count: int) -> None:
        while len(self.connections) < count:
            self.news.clear()
            await self.news.wait()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_accepting_many(make_loop: Callable[[], asyncio.AbstractEventLoop], host: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with bind_tcp(host, 0, 256) as sock:
            port = sock.getsockname()[1]
            clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
            accepted = Accepted()
            acceptor = Acceptor(sock, loop=loop, poller=poller_of(loop), on_connection=accepted)
            acceptor.start()
            await accepted.reach(100)
            peers = {peer for peer, _ in accepted.connections}
            assert peers == {client.getsockname() for client in clients}
            # The address that the client reached, also where the socket listens on all of them.
            assert {local for _, local in accepted.connections} == {("127.0.0.1", port)}
            acceptor.stop()
            clients.append(socket.create_connection(("127.0.0.1", port)))
            await turns()
            assert len(accepted.connections) == 100
            for client in clients:
                client.close()

    run_on(make_loop, main)


def test_accepting_on_a_unix_socket(make_loop: Callable[[], asyncio.AbstractEventLoop], folder: pathlib.Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with bind_unix(str(folder / "s"), 16) as sock, socket.socket(socket.AF_UNIX) as client:
            accepted = Accepted()
            acceptor = Acceptor(sock, loop=loop, poller=poller_of(loop), on_connection=accepted)
            acceptor.start()
            client.connect(str(folder / "s"))
            await accepted.reach(1)
            assert accepted.connections == [(None, (str(folder / "s"), None))]
            acceptor.stop()

    run_on(make_loop, main)


class FailingListener:
    """A listening socket whose ``accept()`` fails as told, and then has nothing more."""

    family = socket.AF_INET

    def __init__(self, sock: socket.socket, errors: list[int]) -> None:
        self._sock = sock
        self.errors = errors
        self.failed = asyncio.Event()
        self.fileno, self.getsockname, self.setblocking = sock.fileno, sock.getsockname, sock.setblocking

    def accept(self) -> Any:
        if self.errors:
            self.failed.set()
            number = self.errors.pop(0)
            raise OSError(number, os.strerror(number))
        return self._sock.accept()


OF_THE_CONNECTION = [
    errno.ECONNABORTED,
    errno.EPROTO,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EPERM,
    errno.ECONNRESET,
]


@pytest.mark.parametrize("number", OF_THE_CONNECTION, ids=errno.errorcode.get)
def test_an_error_of_one_connection_is_nobody_elses(
    make_loop: Callable[[], asyncio.AbstractEventLoop], number: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with bind_tcp("127.0.0.1", 0, 16) as sock:
            accepted = Accepted()
            listener: Any = FailingListener(sock, [number, number])
            acceptor = Acceptor(listener, loop=loop, poller=poller_of(loop), on_connection=accepted)
            acceptor.start()
            with socket.create_connection(sock.getsockname()):
                await accepted.reach(1)
            acceptor.stop()

    run_on(make_loop, main)
    assert caplog.records == []


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EIO])
@pytest.mark.parametrize("stop_early", [False, True])
def test_it_backs_off_says_so_and_goes_on(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
    number: int,
    stop_early: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(listeners, "BACK_OFF", 0.01)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with bind_tcp("127.0.0.1", 0, 16) as sock:
            accepted = Accepted()
            listener: Any = FailingListener(sock, [number, number])
            acceptor = Acceptor(listener, loop=loop, poller=poller_of(loop), on_connection=accepted)
            acceptor.start()
            with socket.create_connection(sock.getsockname()):
                if stop_early:
                    await listener.failed.wait()
                else:
                    await accepted.reach(1)
            acceptor.stop()

    with caplog.at_level(logging.ERROR, "pounce.worker"):
        run_on(make_loop, main)
    assert len(caplog.records) == (1 if stop_early else 2)
    if number == errno.EMFILE:
        assert "ulimit -n" in caplog.text
    assert os.strerror(number) in caplog.text


EXHAUSTED = '''
import asyncio, logging, pathlib, resource, socket, sys
from pounce_workers import ServingLoop, bind_tcp
from pounce_workers.net import listeners
from pounce_workers.net.loop import new_event_loop, poller_of

listeners.BACK_OFF = 0.02
kept = []

CLIENTS = """
import resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1024), hard))
kept = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(20)]
sys.stdin.read()
"""

async def main():
    loop = asyncio.get_running_loop()
    sock = bind_tcp("127.0.0.1", 0, 64)
    full, exhausted = asyncio.Event(), asyncio.Event()

    class Handler(logging.StreamHandler):
        def emit(self, record):
            super().emit(record)
            exhausted.set()

    logging.getLogger("pounce.worker").addHandler(Handler())

    def connected(accepted, peer, local):
        kept.append(accepted)
        if len(kept) == 20:
            full.set()
    acceptor = listeners.Acceptor(sock, loop=loop, poller=poller_of(loop), on_connection=connected)
    acceptor.start()
    highest = len(list(pathlib.Path("/proc/self/fd").iterdir())) + 12
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
    # Twenty clients from another process, which has descriptors enough.
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-S", "-c", CLIENTS, str(sock.getsockname()[1]), stdin=asyncio.subprocess.PIPE
    )
    await exhausted.wait()
    assert 0 < len(kept) < 20, len(kept)
    print("exhausted")
    for one in kept:
        one.close()
    await full.wait()
    print("recovered")
    child.stdin.close()
    await child.wait()

loop = new_event_loop(sys.argv[1])
loop.run_until_complete(asyncio.wait_for(main(), 20))
'''


@pytest.mark.skipif(not pathlib.Path("/proc/self/fd").is_dir(), reason="counts its descriptors in /proc")
@pytest.mark.parametrize("kind", ["asyncio", *(["uvloop"] if "uvloop" in LOOPS else [])])
def test_a_process_without_descriptors_survives(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EXHAUSTED, kind], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["exhausted", "recovered"], done.stderr
    assert "Cannot accept connections" in done.stderr
