"""The UDP side of workers: threads and generations that share their sockets."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from datagram_doubles import EchoEndpoint, FakeMember, client, some_path
from loops import run_on, turns

from pounce_workers import DatagramRoutes, DatagramSockets, ServingLoop, bind_udp
from pounce_workers.net.datagram_service import DatagramService
from pounce_workers.net.loop import poller_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MakeLoop = Callable[[], asyncio.AbstractEventLoop]

ID = b"8 bytes!"
PATH = some_path()
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


@contextlib.contextmanager
def ports(slots: int = 1) -> Iterator[tuple[DatagramSockets, ...]]:
    bound = bind_udp([("127.0.0.1", 0)], slots=slots)
    try:
        yield bound
    finally:
        for slot in bound:
            slot.close()


def _serve(sockets: DatagramSockets, routes: DatagramRoutes) -> tuple[DatagramService, EchoEndpoint]:
    loop = asyncio.get_running_loop()
    service = DatagramService(sockets, routes, loop=loop, poller=poller_of(loop))
    endpoint = EchoEndpoint(service)
    service.start(endpoint)
    return service, endpoint


class WorkerThread:
    """One worker: a loop in a thread of its own, and its service."""

    def __init__(self, sockets: DatagramSockets, routes: DatagramRoutes) -> None:
        self._sockets = sockets
        self._routes = routes
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.endpoint: EchoEndpoint
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=ServingLoop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self.service, self.endpoint = _serve(self._sockets, self._routes)
        self._ready.set()
        await self._stopped.wait()
        self.endpoint.give_up()
        self.service.close()
        self.service.close()

    def call(self, function: Callable[[], object]) -> None:
        """Have it called in the worker's thread, and wait."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(function)
        self._loop.call_soon_threadsafe(done.set)
        assert done.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        assert not self._thread.is_alive()


def test_what_comes_is_answered(make_loop: MakeLoop) -> None:
    async def main() -> None:
        with ports() as (slot,):
            service, endpoint = _serve(slot, DatagramRoutes())
            with client(slot.sockets[0].getsockname()) as one:
                one.send(b"N" + ID)
                await endpoint.heard.wait()
                assert one.recv(100) == (b"N" + ID)[::-1]
            service.close()
            assert slot.sockets[0].fileno() >= 0

    run_on(make_loop, main)


# -- timers ------------------------------------------------------------------------------------------------------------


def test_the_endpoint_is_called_when_it_asked_to_be(make_loop: MakeLoop) -> None:
    async def main() -> None:
        with ports() as (slot,):
            loop = asyncio.get_running_loop()
            service, endpoint = _serve(slot, DatagramRoutes())
            begin = loop.time()
            for when in (0.5, 0.03, 0.2, 0.02):
                service.set_timer(begin + when)
            await endpoint.heard.wait()
            assert len(endpoint.expired) == 1
            assert begin + 0.019 <= endpoint.expired[0] < begin + 0.45
            service.set_timer(loop.time() + 0.01)
            service.set_timer(None)
            await asyncio.sleep(0.03)
            assert len(endpoint.expired) == 1
            endpoint.heard.clear()
            service.set_timer(0.0)  # in the past: in the next turn
            await endpoint.heard.wait()
            service.set_timer(loop.time() + 0.01)
            service.close()
            await asyncio.sleep(0.02)
            assert len(endpoint.expired) == 2

    run_on(make_loop, main)


def test_a_timer_that_moves_to_later_costs_the_loop_nothing() -> None:
    async def main() -> None:
        with ports() as (slot,):
            loop = asyncio.get_running_loop()
            service, endpoint = _serve(slot, DatagramRoutes())
            calls = []
            real = loop.call_at

            def counted(*args: Any, **options: Any) -> Any:
                calls.append(args[0])
                return real(*args, **options)

            loop.call_at = counted  # type: ignore[method-assign,assignment]
            begin = loop.time()
            for number in range(100):
                service.set_timer(begin + 0.01 + number / 5000)
            assert len(calls) == 1
            await endpoint.heard.wait()
            assert len(calls) <= 2  # one, if the loop was held up for so long
            assert endpoint.expired[0] >= begin + 0.0298
            service.close()

    run_on(ServingLoop, main)


def test_timers_and_reads_do_not_run_in_the_context_of_a_request(make_loop: MakeLoop) -> None:
    async def main() -> None:
        with ports() as (slot,):
            seen: list[str] = []

            class Looking(EchoEndpoint):
                def expire(self, now: float) -> None:
                    seen.append(VARIABLE.get())
                    super().expire(now)

            loop = asyncio.get_running_loop()
            service = DatagramService(slot, DatagramRoutes(), loop=loop, poller=poller_of(loop))
            endpoint = Looking(service)
            service.start(endpoint)
            VARIABLE.set("of a request")
            service.set_timer(loop.time() + 0.001)
            await endpoint.heard.wait()
            assert seen == ["unset"]
            service.close()

    run_on(make_loop, main)


# -- who gets what -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepting", "spreads", "new", "owner", "taken_by"),
    [
        (True, True, True, None, None),
        (True, True, False, None, None),
        (True, True, True, "other", "other"),
        (True, True, False, "other", "other"),
        (True, True, False, "self", None),
        (False, True, True, None, "other"),
        (False, True, False, None, None),
        (False, True, True, "self", None),
        (True, False, True, "other", "other"),
    ],
)
def test_whom_a_datagram_is_passed_on_to(
    accepting: bool, spreads: bool, new: bool, owner: str | None, taken_by: str | None
) -> None:
    async def main() -> None:
        with ports() as (slot,):
            routes, other = DatagramRoutes(), FakeMember()
            service, _ = _serve(DatagramSockets(slot.sockets, spreads=spreads), routes)
            routes.take_new(other)
            if not accepting:
                service.stop_reading()
            if owner is not None:
                routes.claim(ID, other if owner == "other" else service)
            assert service.pass_on(ID, [(b"data", PATH)], new=new) == (taken_by is not None)
            assert other.given == ([(b"data", PATH)] if taken_by is not None else [])
            service.close()

    run_on(asyncio.SelectorEventLoop, main)


def test_where_one_reads_for_all_new_connections_go_round() -> None:
    """As on systems that do not spread datagrams: the first worker reads, the others have only their inboxes."""
    with ports() as (slot,):
        routes = DatagramRoutes()
        workers = [
            WorkerThread(DatagramSockets(slot.sockets, reads=number == 0, spreads=False), routes) for number in range(3)
        ]
        try:
            clients = [client(slot.sockets[0].getsockname()) for _ in range(30)]
            for number, one in enumerate(clients):
                for kind in (b"N", b"N", b"S"):
                    one.send(b"%b%08d" % (kind, number))
                    assert one.recv(100) == (b"%b%08d" % (kind, number))[::-1]
                one.close()
            had = [len(worker.endpoint.ids) for worker in workers]
            assert sum(had) == 30
            assert min(had) > 2
            assert all(not worker.endpoint.strays for worker in workers)
        finally:
            for worker in workers:
                worker.stop()
        assert len(routes) == 0


def test_a_client_that_moves_stays_with_its_worker() -> None:
    """Another address is another socket's, mostly: whoever reads it passes it on."""
    with ports(slots=3) as slots:
        routes = DatagramRoutes()
        workers = [WorkerThread(slot, routes) for slot in slots]
        address = slots[0].sockets[0].getsockname()
        try:
            with client(address) as one:
                one.send(b"N" + ID)
                assert one.recv(100) == (b"N" + ID)[::-1]
            for number in range(40):
                with client(address) as moved:
                    moved.send(b"S" + ID + b"%d" % number)
                    assert moved.recv(100) == (b"S" + ID + b"%d" % number)[::-1]
            assert sorted(len(worker.endpoint.ids) for worker in workers) == [0, 0, 1]
            assert not any(worker.endpoint.strays for worker in workers)
            if slots[1].reads:
                assert sum(worker.endpoint.forwarded for worker in workers) > 0
        finally:
            for worker in workers:
                worker.stop()


def test_a_reload_loses_nothing_of_connections_that_are_open() -> None:
    """Clients ask again and again, each on its connection, while the workers of both slots are replaced; nobody waits
    for an answer in vain, and who was with the old workers is answered by them to the end.
    """
    with ports(slots=2) as slots:
        routes = DatagramRoutes()
        old = [WorkerThread(slot, routes) for slot in slots]
        new: list[WorkerThread] = []
        address = slots[0].sockets[0].getsockname()
        clients = [client(address) for _ in range(12)]
        reloaded = threading.Event()
        answers = [0] * len(clients)
        failed: list[BaseException] = []

        def ask(number: int) -> None:
            try:
                after = 0
                kind = b"N"
                while after < 15:
                    after += reloaded.is_set()
                    asked = b"%b%08d %d" % (kind, number, answers[number])
                    clients[number].send(asked)
                    assert clients[number].recv(100) == asked[::-1]
                    answers[number] += 1
                    kind = b"S"
            except BaseException as error:  # noqa: BLE001 - the test raises it
                failed.append(error)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(clients))]
        try:
            for thread in threads:
                thread.start()
            while min(answers) < 5 and not failed:
                threading.Event().wait(0.001)
            new = [WorkerThread(slot, routes) for slot in slots]
            for worker in old:
                worker.call(worker.service.stop_reading)
            reloaded.set()
            for thread in threads:
                thread.join(10)
            assert failed == []
            assert sum(len(worker.endpoint.ids) for worker in old) == len(clients)
            assert all(not worker.endpoint.ids and not worker.endpoint.strays for worker in new)
            with client(address) as late:
                late.send(b"Nlatecome")
                assert late.recv(100) == b"emocetalN"
            assert sum(len(worker.endpoint.ids) for worker in new) == 1
        finally:
            for worker in (*old, *new):
                worker.stop()
            for one in clients:
                one.close()
        assert len(routes) == 0


def test_nothing_happens_after_the_end(make_loop: MakeLoop) -> None:
    async def main() -> None:
        with ports() as (slot,):
            routes = DatagramRoutes()
            service, endpoint = _serve(slot, routes)
            service.hand_over([(b"N" + ID, PATH)])
            service.close()
            service.close()
            service.hand_over([(b"N" + ID, PATH)])
            with client(slot.sockets[0].getsockname()) as one:
                one.send(b"N" + ID)
                await turns()
            assert endpoint.batches == []
            assert routes.taker(ID) is None

    run_on(make_loop, main)


def test_its_sockets_know_whether_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as the loop does."""
    monkeypatch.setattr("pounce_workers.net.datagram_socket.TURN_SECONDS", 0.0)
    asked: list[bool] = []

    def quick_wait(_loop: ServingLoop) -> bool:
        asked.append(True)
        return False

    monkeypatch.setattr(ServingLoop, "quick_wait", quick_wait)

    async def main(slot: DatagramSockets) -> None:
        service, endpoint = _serve(slot, DatagramRoutes())
        with client(slot.sockets[0].getsockname()) as peer:
            peer.send(b"hello")
            await asyncio.wait_for(endpoint.heard.wait(), 10)
        service.close()

    for kind in (ServingLoop, asyncio.SelectorEventLoop):
        asked.clear()
        with ports() as (slot,):
            run_on(kind, partial(main, slot))
        assert bool(asked) == (kind is ServingLoop)
