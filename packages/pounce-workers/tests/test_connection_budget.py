"""A limit that several workers share: never exceeded, and never less than it says."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import sync_runner
from async_runner import RunningAsyncPool
from http1_driver import echo_path
from sync_runner import Gate, RunningPool
from worker_runner import HANGS_AFTER, Client, Inlet, RunningWorker

from pounce_asgi import Listeners
from pounce_workers import AcceptDistributor, bind_tcp
from pounce_workers.serving.connection_budget import ConnectionBudget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_target import RunningTarget


class Places:
    """Counts, under a lock of its own, who has a place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = 0
        self.most = 0

    def change(self, by: int) -> None:
        with self._lock:
            self.now += by
            self.most = max(self.most, self.now)


def test_places_are_given_out_up_to_the_limit() -> None:
    budget = ConnectionBudget(2)
    assert [budget.take() for _ in range(4)] == [True, True, False, False]
    budget.give_back()
    assert [budget.take() for _ in range(2)] == [True, False]


def test_a_connection_that_moves_has_its_place_while_nobody_has_the_connection() -> None:
    budget = ConnectionBudget(1)
    assert budget.take(7)
    budget.keep(7)
    assert not budget.take(8)
    assert budget.take(7)
    assert not budget.take(7), "it brings it along once"
    budget.give_back()
    assert budget.take(8)


def test_who_is_closed_on_the_way_leaves_its_place_to_the_next_with_its_descriptor() -> None:
    budget = ConnectionBudget(1)
    assert budget.take(7)
    budget.keep(7)
    assert budget.take(7)
    assert not budget.take(8)


def test_many_threads_never_have_more_places_than_there_are() -> None:
    budget = ConnectionBudget(5)
    places = Places()
    begin = threading.Barrier(8)

    def come_and_go() -> None:
        begin.wait(HANGS_AFTER)
        for _ in range(2000):
            if budget.take():
                places.change(1)
                places.change(-1)
                budget.give_back()

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= places.most <= 5
    assert [budget.take() for _ in range(6)] == [True] * 5 + [False]


def running(kind: str, budget: ConnectionBudget, listeners: Listeners | None = None) -> RunningTarget:
    """A worker of a kind to which connections are handed over, while the block runs."""
    options = {"budget": budget}
    if kind == "sync":
        return RunningPool(sync_runner.echo_path, threads=1, accepts=False, listeners=listeners, options=options)
    if kind == "async-pool":
        return RunningAsyncPool(echo_path, 1, accepts=False, listeners=listeners, options=options)
    return RunningWorker(echo_path, kind, sockets=[], listeners=listeners, options=options)


@pytest.mark.parametrize("kind", ["asyncio", "sync", "async-pool"])
def test_an_idle_connection_moves_with_its_place(kind: str) -> None:
    budget = ConnectionBudget(1)
    shelf: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    with running(kind, budget) as old, running(kind, budget) as new:
        target = new.target
        _, guest = Inlet(old.target).connect()
        with guest:
            assert guest.get().status == 200
            old.target.retire(lambda *connection: shelf.put(connection))
            moved = shelf.get(timeout=HANGS_AFTER)
            inlet = Inlet(target)
            with inlet.connect()[1] as newcomer:
                assert newcomer.get().status == 503, "the place of one that moves is not free"
            assert target.hand_over(*moved)
            for _ in range(2):
                assert guest.get().status == 200, "it has brought its place along"
        new.empties()
        with inlet.connect()[1] as newcomer:
            assert newcomer.get().status == 200, "it has given its place back"


@contextlib.contextmanager
def four_workers(kind: str, limit: int) -> Iterator[tuple[Any, threading.Semaphore]]:
    """The address of four workers behind one that accepts, and what counts the connections that are closed."""
    closed = threading.Semaphore(0)
    listeners = Listeners(connection_closed=lambda _: closed.release())
    budget = ConnectionBudget(limit)
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(running(kind, budget, listeners)).target for _ in range(4)]
        sock = bind_tcp("127.0.0.1", 0, 64)
        distributor = AcceptDistributor([sock], workers)
        distributor.start()
        stack.callback(distributor.stop, HANGS_AFTER)
        yield sock.getsockname(), closed


@pytest.mark.parametrize("kind", ["asyncio", "sync"])
def test_four_workers_hold_a_limit_exactly(kind: str) -> None:
    limit = 10
    with four_workers(kind, limit) as (address, closed), contextlib.ExitStack() as stack:
        held = [stack.enter_context(Client(address)) for _ in range(limit)]
        assert [client.get().status for client in held] == [200] * limit
        for leaving in (3, limit, 1):
            for _ in range(5):
                with Client(address) as refused:
                    answer = refused.get()
                    assert (answer.status, answer.closes) == (503, True)
                    assert b"too many connections" in answer.body
                    assert refused.at_end()
            for _ in range(leaving):
                held.pop().socket.close()
            for _ in range(5 + leaving):
                assert closed.acquire(timeout=HANGS_AFTER)
            # Who was refused gave no place back, and who left gave back one.
            fresh = [stack.enter_context(Client(address)) for _ in range(leaving)]
            assert [client.get().status for client in fresh] == [200] * leaving
            held += fresh
            assert [client.get().status for client in held] == [200] * limit


@pytest.mark.parametrize("kind", ["asyncio", "sync"])
def test_many_who_come_at_once_find_as_many_places_as_there_are(kind: str) -> None:
    limit, count = 6, 16
    with four_workers(kind, limit) as (address, _), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(address)) for _ in range(count)]
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda client=client: statuses.append(client.get().status)) for client in clients
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANGS_AFTER)
        assert sorted(statuses) == [200] * limit + [503] * (count - limit)


def test_who_finds_no_worker_gives_its_place_back() -> None:
    gate = Gate()
    closed = threading.Semaphore(0)
    listeners = Listeners(connection_closed=lambda _: closed.release())
    pool = RunningPool(gate, threads=1, limit_queue=1, limit_concurrency=3, listeners=listeners)
    with pool as running, running.connect() as busy, running.connect() as waiting:
        busy.send(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
        gate.await_entries(1)
        waiting.send(b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n")
        while not len(running.pool.queue):
            time.sleep(0.001)
        for _ in range(5):
            with running.connect() as client:
                answer = client.get()
                assert (answer.status, b"all workers are busy" in answer.body) == (503, True)
            assert closed.acquire(timeout=HANGS_AFTER)
        gate.open.set()
        assert busy.response().body == b"/busy"
        assert waiting.response().body == b"/waits"
