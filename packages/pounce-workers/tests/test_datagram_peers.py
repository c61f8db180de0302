"""Routes between processes: within one process, with two loops' worth of doubles; and with real processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from datagram_doubles import FakeMember, client, some_path
from loops import run_on

from pounce_workers import DatagramRoutes, PeerFolder, bind_udp
from pounce_workers.net.datagram_peers import DatagramPeers
from pounce_workers.net.loop import poller_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    MakeLoop = Callable[[], asyncio.AbstractEventLoop]

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no UNIX sockets")

ID = b"8 bytes!"
PATH = some_path()


class Process:
    """What one process has."""

    def __init__(self, folder: PeerFolder) -> None:
        loop = asyncio.get_running_loop()
        self.routes = DatagramRoutes()
        self.member = FakeMember()
        self.peers = DatagramPeers(folder.path)
        self.peers.start(self.routes, loop=loop, poller=poller_of(loop))

    def ask(self, data: bytes = b"data") -> bool:
        return self.peers.ask(ID, [(data, PATH)])

    @property
    def given(self) -> list[bytes]:
        return [data for data, _ in self.member.given]


@contextlib.asynccontextmanager
async def processes(count: int) -> AsyncIterator[list[Process]]:
    folder = PeerFolder.make()
    made = [Process(folder) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            one.peers.close()
            one.peers.close()
        assert os.listdir(folder.path) == []  # noqa: PTH208
        folder.remove()
        folder.remove()
        assert not pathlib.Path(folder.path).exists()  # noqa: ASYNC240 - nothing else runs here


async def until(condition: Callable[[], Any]) -> None:
    while not condition():  # noqa: ASYNC110 - what comes from elsewhere sets no event
        await asyncio.sleep(0.001)


def test_the_folder_is_for_its_user_only() -> None:
    folder = PeerFolder.make()
    try:
        assert stat.S_IMODE(pathlib.Path(folder.path).stat().st_mode) == 0o700
    finally:
        folder.remove()


def test_the_owner_answers_and_is_sent_the_rest_directly(make_loop: MakeLoop) -> None:
    async def main() -> None:
        async with processes(3) as (asking, owner, other):
            owner.routes.claim(ID, owner.member)
            assert asking.ask(b"first")
            await until(lambda: asking.peers._questions.owner(ID))
            for number in range(200):
                assert asking.ask(b"%d" % number)
            await until(lambda: len(owner.given) == 201)
            assert owner.given == [b"first", *[b"%d" % number for number in range(200)]]
            assert owner.member.given[0][1] == PATH
            assert other.given == []

    run_on(make_loop, main)


def test_what_is_not_theirs_any_more_is_asked_about_anew() -> None:
    async def main() -> None:
        async with processes(2) as (asking, owner):
            owner.routes.claim(ID, owner.member)
            assert asking.ask()
            await until(lambda: asking.peers._questions.owner(ID))
            owner.routes.release(ID, owner.member)
            assert asking.ask()
            await until(lambda: asking.peers._questions.owner(ID) is None)
            assert owner.given == [b"data"]

    run_on(asyncio.SelectorEventLoop, main)


def test_what_all_others_deny_is_nobodys() -> None:
    async def main() -> None:
        async with processes(3) as (asking, *_):
            assert asking.ask()
            await until(lambda: not asking.peers._questions._open[ID].silent)
            assert not asking.ask()
        async with processes(1) as (alone,):
            assert not alone.ask()  # there is nobody to ask

    run_on(asyncio.SelectorEventLoop, main)


def test_a_process_that_was_killed_is_forgotten_with_its_socket() -> None:
    async def main() -> None:
        async with processes(2) as (asking, dead):
            dead.routes.claim(ID, dead.member)
            assert asking.ask()
            await until(lambda: asking.peers._questions.owner(ID))
            sock = dead.peers._sock
            assert sock is not None
            poller_of(asyncio.get_running_loop())
            asyncio.get_running_loop().remove_reader(sock.fileno())
            sock.close()
            dead.peers._sock = None  # no goodbye, and its file stays
            assert asking.ask()
            await until(lambda: asking.peers._questions.owner(ID) is None)
            assert not asking.ask()
            assert not pathlib.Path(dead.peers._name).exists()  # noqa: ASYNC240 - as above

    run_on(asyncio.SelectorEventLoop, main)


def test_nonsense_is_no_error_and_a_full_receiver_holds_up_nobody() -> None:
    async def main() -> None:
        async with processes(2) as (asking, owner):
            owner.routes.claim(ID, owner.member)
            name = owner.peers._name
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(b"\x09 nonsense", name)
            for number in range(3000):  # far more than a queue of UNIX datagrams holds
                asking.peers.ask(ID, [(b"%04d" % number * 300, PATH)])
            await until(lambda: len(owner.given) >= 500)
            count = 0
            while count != len(owner.given):
                count = len(owner.given)
                await asyncio.sleep(0.02)
            assert owner.given == sorted(owner.given)  # some may be lost, the others keep their order

    run_on(asyncio.SelectorEventLoop, main)


# -- real processes ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def real_process(folder: PeerFolder, sock: socket.socket) -> Iterator[Any]:
    """A process that serves this socket; call it with a command to get its report."""
    script = pathlib.Path(__file__).parent / "datagram_process.py"
    with subprocess.Popen(
        [sys.executable, str(script), folder.path, str(sock.fileno())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(sock.fileno(),),
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def command(text: str) -> dict[str, int]:
            stdin.write(text + "\n")
            stdin.flush()
            return json.loads(stdout.readline())  # type: ignore[no-any-return]

        try:
            assert stdout.readline() == "ready\n"
            yield command
        finally:
            stdin.close()
            assert process.wait(10) == 0


@pytest.mark.skipif(os.name == "nt", reason="descriptors are not inherited by number")
def test_a_client_is_served_by_its_process_after_a_move_and_after_a_reload() -> None:
    folder = PeerFolder.make()
    (slot,) = bind_udp([("127.0.0.1", 0)], slots=1)
    sock = slot.sockets[0]
    address = sock.getsockname()
    asked = b"8 bytes! hello"
    try:
        with real_process(folder, sock) as old:
            with client(address) as one:
                one.send(b"N" + asked)
                assert one.recv(100) == asked[::-1] + b"N"
            # A successor reads the same socket; the client's connection stays where it is.
            with real_process(folder, sock) as successor:
                old("stop")
                with client(address) as moved:
                    for number in range(20):
                        again = b"S" + asked + b" %d" % number
                        moved.send(again)
                        assert moved.recv(100) == again[::-1]
                    moved.send(b"Nanother1")
                    assert moved.recv(100) == b"1rehtonaN"
                assert old("report") == {"ids": 1, "strays": 0, "forwarded": 20}
                assert successor("report")["ids"] == 1
    finally:
        slot.close()
        folder.remove()
