"""One UDP socket on every kind of loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
from datagram_doubles import client
from loops import run_on

from pounce_asgi import DatagramPath
from pounce_workers import bind_udp
from pounce_workers.net import datagram_socket
from pounce_workers.net.datagram_socket import READS_PER_TURN, WAITING, DatagramSocket
from pounce_workers.net.loop import poller_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pounce_asgi import Datagram

    MakeLoop = Callable[[], asyncio.AbstractEventLoop]

LINUX = sys.platform == "linux"
V6 = socket.has_dualstack_ipv6()


class Reader:
    """A `DatagramSocket` and what it has read."""

    def __init__(self, place: tuple[str, int]) -> None:
        self.slots = bind_udp([place], slots=1)
        self.sock = self.slots[0].sockets[0]
        self.port: int = self.sock.getsockname()[1]
        self.batches: list[list[Datagram]] = []
        self.heard = asyncio.Event()
        self.datagrams = DatagramSocket(self.sock, 0, poller_of(asyncio.get_running_loop()), self._deliver)

    def _deliver(self, batch: list[Datagram]) -> None:
        self.batches.append(batch)
        self.heard.set()

    async def got(self, count: int) -> list[Datagram]:
        while (have := sum(map(len, self.batches))) < count:
            self.heard.clear()
            await self.heard.wait()
        assert have == count
        return [one for batch in self.batches for one in batch]


@contextlib.asynccontextmanager
async def reading(place: tuple[str, int] = ("127.0.0.1", 0)) -> AsyncIterator[Reader]:
    reader = Reader(place)
    reader.datagrams.start_reading()
    try:
        yield reader
    finally:
        reader.datagrams.close()
        assert reader.sock.fileno() >= 0  # it is the server's
        reader.slots[0].close()


def test_what_comes_is_read_in_batches_with_its_path(make_loop: MakeLoop) -> None:
    async def main() -> None:
        async with reading() as reader:
            with client(("127.0.0.1", reader.port)) as one:
                for number in range(READS_PER_TURN + 10):
                    one.send(b"%d" % number)
                got = await reader.got(READS_PER_TURN + 10)
                assert [data for data, _ in got] == [b"%d" % number for number in range(READS_PER_TURN + 10)]
                assert max(map(len, reader.batches)) <= READS_PER_TURN
                paths = {id(path): path for _, path in got}
                (path,) = paths.values()  # one object, compared by identity
                assert path.client == one.getsockname()
                assert path.local == ("127.0.0.1", reader.port)

    run_on(make_loop, main)


@pytest.mark.skipif(not LINUX, reason="elsewhere all of 127.0.0.0/8 is not local")
@pytest.mark.parametrize("place", ["0.0.0.0", pytest.param("", marks=pytest.mark.skipif(not V6, reason="no IPv6"))])
def test_behind_a_wildcard_answers_leave_from_the_address_that_was_reached(make_loop: MakeLoop, place: str) -> None:
    async def main() -> None:
        async with reading((place, 0)) as reader:
            for host in ("127.0.0.1", "127.0.0.9"):
                with client((host, reader.port)) as one:
                    one.send(b"question")
                    ((_, path),) = await reader.got(1)
                    assert path.client == one.getsockname()  # IPv4, whatever the socket is
                    assert path.local == (host, reader.port)
                    reader.datagrams.send([(b"answer", path), *[(b"x" * 900, path)] * 3])
                    assert [one.recv(2000) for _ in range(4)] == [b"answer", *[b"x" * 900] * 3]
                reader.batches.clear()

    run_on(make_loop, main)


@pytest.mark.skipif(not V6, reason="this machine has no IPv6")
def test_an_ipv6_client_is_answered_too(make_loop: MakeLoop) -> None:
    async def main() -> None:
        async with reading(("::", 0)) as reader:
            with client(("::1", reader.port)) as one:
                one.send(b"question")
                ((_, path),) = await reader.got(1)
                assert (path.client, path.local) == (one.getsockname()[:2], ("::1", reader.port))
                reader.datagrams.send([(b"answer", path)] * 3)
                assert [one.recv(2000) for _ in range(3)] == [b"answer"] * 3

    run_on(make_loop, main)


@pytest.mark.parametrize("cuts", [True, False])
def test_runs_of_any_sizes_arrive_as_they_were(cuts: bool) -> None:
    sizes = [1200] * 10 + [700] + [1200] * 2 + [1201] + [5] * 70 + [1300, 1300, 1] + [1] * 3 + [1452] * 50

    async def main() -> None:
        async with reading() as reader:
            reader.datagrams._cuts = reader.datagrams._cuts and cuts
            with client(("127.0.0.1", reader.port)) as one, client(("127.0.0.1", reader.port)) as other:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
                one.send(b"1")
                ((_, path),) = await reader.got(1)
                other.send(b"2")
                (_, (_, elsewhere)) = await reader.got(2)
                out = [(bytes((number % 256,)) * size, path) for number, size in enumerate(sizes)]
                reader.datagrams.send([*out[:4], (b"between", elsewhere), *out[4:]])
                assert [one.recv(2000) for _ in sizes] == [data for data, _ in out]
                assert other.recv(2000) == b"between"

    run_on(asyncio.SelectorEventLoop, main)


@pytest.mark.skipif(not LINUX, reason="UDP_SEGMENT is Linux's")
def test_a_run_costs_one_call() -> None:
    calls: list[int] = []

    class Counted(socket.socket):
        def sendmsg(self, buffers: Any, *rest: Any) -> int:
            calls.append(len(buffers))
            return super().sendmsg(buffers, *rest)

        def sendto(self, *call: Any) -> int:
            calls.append(1)
            return super().sendto(*call)

    async def main() -> None:
        sock = Counted(socket.AF_INET, socket.SOCK_DGRAM)
        with sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
            sock.bind(("127.0.0.1", 0))
            far.bind(("127.0.0.1", 0))
            path = DatagramPath(far.getsockname(), ("127.0.0.1", 1), far.getsockname())
            link = DatagramSocket(sock, 0, poller_of(asyncio.get_running_loop()), lambda batch: None)
            link.send([(b"x" * 1200, path)] * 9 + [(b"x" * 3, path)])
            assert calls == [10]
            calls.clear()
            link.send([(b"x" * 1200, path)] * 130)
            assert calls == [54, 54, 22]  # at most 65,000 bytes
            calls.clear()
            link.send([(b"x" * 10, path)] * 130 + [(b"y" * 11, path)])
            assert calls == [64, 64, 2, 1]  # at most 64 datagrams

    run_on(asyncio.SelectorEventLoop, main)


class Stubborn:
    """A socket that takes what it is told to take."""

    family = socket.AF_INET

    def __init__(self) -> None:
        self.errors: list[OSError | None] = []
        self.took: list[bytes] = []

    def fileno(self) -> int:
        return 77

    def getsockname(self) -> tuple[str, int]:
        return ("192.0.2.1", 443)

    def sendto(self, data: bytes, address: Any) -> int:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.took.append(data)
        return len(data)

    def sendmsg(self, buffers: Any, control: Any, flags: int, address: Any) -> int:
        return self.sendto(b"+".join(buffers), address)

    def getsockopt(self, *call: Any) -> int:
        return 0

    def recvfrom(self, size: int) -> Any:
        return self.sendto(b"", None)


class FakePoller:
    def __init__(self) -> None:
        self.calls: list[Any] = []

    def watch(self, fd: int, watcher: Any) -> None:
        self.calls.append("watch")

    def change(self, fd: int, *, readable: bool, writable: bool) -> None:
        self.calls.append((readable, writable))

    def forget(self, fd: int) -> None:
        self.calls.append("forget")


def _stubborn() -> tuple[Stubborn, FakePoller, DatagramSocket, DatagramPath]:
    sock: Any = Stubborn()
    poller = FakePoller()
    path = DatagramPath(("192.0.2.9", 9), ("192.0.2.1", 443), ("192.0.2.9", 9))
    return sock, poller, DatagramSocket(sock, 0, poller, lambda batch: None), path


def test_what_a_full_socket_does_not_take_waits_in_order_and_within_bounds() -> None:
    sock, poller, link, path = _stubborn()
    sock.errors = [BlockingIOError()]
    for number in range(WAITING + 20):
        link.send([(b"%d" % number, path)])
    assert sock.took == []
    assert poller.calls == ["watch", (False, True)]
    link.on_writable()
    assert sock.took == [b"%d" % number for number in range(WAITING)]
    assert poller.calls[-1] == "forget"
    link.send([(b"later", path)])
    assert sock.took[-1] == b"later"


class Flood(Stubborn):
    """Has always one more."""

    def recvfrom(self, size: int) -> Any:
        return b"x", ("192.0.2.9", 9)


@pytest.mark.parametrize(
    ("quick", "sizes"),
    [
        (None, [16, 32, 64, 64, 64]),
        ([False] * 9, [16, 32, 64, 64, 64]),
        ([True] * 9, [16, 32, 20, 40, 20]),
        ([False, True, False], [16, 32, 64, 20, 40]),
    ],
)
def test_fewer_are_read_at_once_while_somebody_waits(
    quick: list[bool] | None, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    now = 0.0

    def deliver(batch: list[Any]) -> None:
        nonlocal now
        seen.append(len(batch))
        now += len(batch) * 0.00025 / 20.5

    sock: Any = Flood()
    poller: Any = FakePoller()
    monkeypatch.setattr("pounce_workers.net.datagram_socket.monotonic", lambda: now)
    options: Any = {} if quick is None else {"quick_wait": lambda: quick.pop(0)}
    link = DatagramSocket(sock, 0, poller, deliver, **options)
    link.start_reading()
    for _ in range(5):
        link.on_readable()
    assert seen == sizes


def test_a_reader_goes_on_reading_while_it_waits_to_send() -> None:
    sock, poller, link, path = _stubborn()
    link.start_reading()
    sock.errors = [BlockingIOError(), BlockingIOError()]
    link.send([(b"x", path)])
    link.on_writable()  # still none
    link.on_writable()
    assert poller.calls == ["watch", (True, True), (True, False)]
    link.send([(b"y", path)])
    assert sock.took == [b"x", b"y"]
    link.stop_reading()
    link.stop_reading()
    assert poller.calls[3:] == ["forget"]


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.ENETUNREACH, errno.EMSGSIZE, errno.EPERM, errno.ENOBUFS])
def test_no_error_of_sending_is_anybodys(number: int) -> None:
    sock, _, link, path = _stubborn()
    sock.errors = [OSError(number, "no"), None]
    link.send([(b"lost", path)])
    link.send([(b"next", path)])
    assert sock.took == [b"next"]


def test_where_the_system_cannot_cut_datagrams_go_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagram_socket, "can_cut", lambda sock: True)
    sock, _, link, path = _stubborn()
    sock.errors = [OSError(errno.EIO, "no checksums")]
    link.send([(b"a", path), (b"b", path)])
    link.send([(b"c", path), (b"d", path)])
    assert sock.took == [b"a", b"b", b"c", b"d"]


def test_errors_of_earlier_sends_do_not_end_a_batch() -> None:
    sock, _, link, _ = _stubborn()
    link.start_reading()
    sock.errors = [ConnectionRefusedError(), ConnectionRefusedError(), BlockingIOError()]
    link.on_readable()
    assert not sock.errors


@pytest.mark.parametrize("takes", [0.0, 1.0])
def test_fewer_are_read_in_a_row_where_they_take_long(monkeypatch: pytest.MonkeyPatch, takes: float) -> None:
    async def main() -> None:
        now = 0.0
        monkeypatch.setattr(datagram_socket, "monotonic", lambda: now)

        async with reading() as reader:
            delivered = reader.datagrams._deliver

            def deliver(batch: list[Datagram]) -> None:
                nonlocal now
                now += takes
                delivered(batch)

            reader.datagrams._deliver = deliver
            with client(("127.0.0.1", reader.port)) as one:
                for number in range(2 * READS_PER_TURN):
                    one.send(b"%d" % number)
                got = await reader.got(2 * READS_PER_TURN)
            assert [data for data, _ in got] == [b"%d" % number for number in range(2 * READS_PER_TURN)]
            sizes = [len(batch) for batch in reader.batches]
            assert sizes[-2:] == [1, 1] if takes else max(sizes) == READS_PER_TURN

    asyncio.run(main())
