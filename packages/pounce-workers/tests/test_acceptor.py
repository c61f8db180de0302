"""Accepting: many at once, and surviving every error of it."""

from __future__ import annotations

import asyncio
import contextlib
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

from pounce_workers import bind_tcp, bind_tcp_all, bind_unix
from pounce_workers.net import acceptor as accepting
from pounce_workers.net.acceptor import Acceptor
from pounce_workers.net.loop import poller_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def folder() -> Iterator[pathlib.Path]:
    """A short path: that of a UNIX socket may have about 100 bytes, and pytest's own are longer on some systems."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield pathlib.Path(name)


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
        self.setsockopt = sock.setsockopt

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
            listener: Any = FailingListener(sock, [number, number, number])
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
    """It says so when it begins, not with each try."""
    monkeypatch.setattr(accepting, "BACK_OFF", 0.01)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with bind_tcp("127.0.0.1", 0, 16) as sock:
            accepted = Accepted()
            listener: Any = FailingListener(sock, [number, number, number])
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
    assert len(caplog.records) == 1
    if number == errno.EMFILE:
        assert "ulimit -n" in caplog.text
    assert os.strerror(number) in caplog.text


EXHAUSTED = '''
import asyncio, logging, pathlib, resource, socket, sys
from pounce_workers import ServingLoop, bind_tcp
from pounce_workers.net import acceptor as accepting
from pounce_workers.net.loop import new_event_loop, poller_of

accepting.BACK_OFF = 0.02
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
    acceptor = accepting.Acceptor(sock, loop=loop, poller=poller_of(loop), on_connection=connected)
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


def test_an_error_that_comes_back_after_a_while_is_said_again(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(accepting, "BACK_OFF", 0.01)
    monkeypatch.setattr(accepting, "SAY_AGAIN", 0.005)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with bind_tcp("127.0.0.1", 0, 16) as sock:
            accepted = Accepted()
            listener: Any = FailingListener(sock, [errno.EMFILE, errno.EMFILE])
            acceptor = Acceptor(listener, loop=loop, poller=poller_of(loop), on_connection=accepted)
            acceptor.start()
            with socket.create_connection(sock.getsockname()):
                await accepted.reach(1)
            acceptor.stop()

    with caplog.at_level(logging.ERROR, "pounce.worker"):
        run_on(make_loop, main)
    assert len(caplog.records) == 2


def test_stopping_twice_and_while_it_accepts(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Who is called with a connection may have had enough: a shared socket is not watched again then."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with bind_tcp("127.0.0.1", 0, 16) as sock:
            accepted = Accepted()

            def enough(*connection: Any) -> None:
                accepted(*connection)
                acceptor.stop()
                acceptor.stop()

            acceptor = Acceptor(sock, loop=loop, poller=poller_of(loop), on_connection=enough, shared=True)
            acceptor.start()
            with socket.create_connection(sock.getsockname()):
                await accepted.reach(1)
            with socket.create_connection(sock.getsockname()):
                await turns()
            assert len(accepted.connections) == 1

    run_on(make_loop, main)


def test_those_behind_a_connection_that_cannot_be_served_are_closed() -> None:
    """On a shared socket several are accepted before the first is served; none of them is left waiting for ever."""

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def fail(sock: socket.socket, *addresses: Any) -> None:
            sock.close()
            raise RuntimeError("a mistake of ours")

        with bind_tcp("127.0.0.1", 0, 16) as sock:
            acceptor = Acceptor(sock, loop=loop, poller=poller_of(loop), on_connection=fail, shared=True)
            with (
                socket.create_connection(sock.getsockname(), 10) as first,
                socket.create_connection(sock.getsockname(), 10) as second,
            ):
                with pytest.raises(RuntimeError, match="a mistake of ours"):
                    acceptor.on_readable()
                assert first.recv(1) == second.recv(1) == b""

    run_on(LOOPS["serving"], main)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_an_ipv4_client_of_a_socket_for_both_families(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        (sock,) = bind_tcp_all([("::", 0)], 16)
        with sock:
            port = sock.getsockname()[1]
            accepted = Accepted()
            acceptor = Acceptor(sock, loop=loop, poller=poller_of(loop), on_connection=accepted)
            acceptor.start()
            with socket.create_connection(("127.0.0.1", port)) as four:
                await accepted.reach(1)
                assert accepted.connections == [(four.getsockname(), ("127.0.0.1", port))]
            with socket.create_connection(("::1", port)) as six:
                await accepted.reach(2)
                assert accepted.connections[1] == (six.getsockname()[:2], ("::1", port))
            acceptor.stop()

    run_on(make_loop, main)


SHARING = """
import asyncio, sys
from pounce_workers import adopt_fd
from pounce_workers.net.acceptor import Acceptor
from pounce_workers.net.loop import new_event_loop, poller_of

kept = []

def connected(sock, peer, local):
    sock.send(sys.argv[2].encode())
    kept.append(sock)

async def main():
    loop = asyncio.get_running_loop()
    sock = adopt_fd(int(sys.argv[1]))
    Acceptor(sock, loop=loop, poller=poller_of(loop), on_connection=connected, shared=True).start()
    print("ready", flush=True)
    over = asyncio.Event()
    loop.add_reader(0, over.set)
    await over.wait()

new_event_loop("asyncio").run_until_complete(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere who is woken is left to the system")
def test_processes_that_share_a_socket_take_turns() -> None:
    """Not one of them everything: connections are kept, so an uneven start lasts."""
    names = ("a", "b", "c")
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(bind_tcp("127.0.0.1", 0, 64))
        children = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SHARING, str(sock.fileno()), name],
                    pass_fds=[sock.fileno()],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for name in names
        ]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
        answers: list[str] = []
        while len(answers) < 150:
            client = stack.enter_context(socket.create_connection(sock.getsockname(), 10))
            answers.append(client.recv(1).decode())
        for child in children:
            child.communicate(timeout=10)
    # The first ones are answered while the others still wake for the first time.
    counts = [answers[60:].count(name) for name in names]
    assert max(counts) <= 1.5 * 90 / len(names), counts
