"""What connections pass on their way to a worker: nothing is lost, nothing comes twice, nothing is counted wrong."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import random
import socket
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from pounce_workers.net.accept_distributor import AcceptDistributor
from pounce_workers.net.datagram_inbox import DatagramInbox
from pounce_workers.net.datagram_routes import DatagramRoutes
from pounce_workers.net.intake import Intake
from pounce_workers.serving.connection_budget import ConnectionBudget
from pounce_workers.serving.head_queue import HeadQueue
from pounce_workers.serving.http1_wire import _connection_ids
from pounce_workers.serving.streaming_paths import MOST_PATHS, StreamingPaths
from pounce_workers.serving.sync_queue import SyncQueue
from tests.stress.crowd import Crowd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stress.crowd import Circumstances

__all__ = ["SUBJECTS"]


def queue_of_blocking_workers(given: Circumstances) -> None:
    """Some put, some take, one looks for what is overdue: each comes out once, and not before it went in."""
    queue = SyncQueue(64, 3600.0)
    put = [0] * given.threads
    taken: list[Any] = []
    takers = max(1, given.threads // 2)
    ends = [threading.Thread(target=lambda: taken.extend(iter(queue.take, None))) for _ in range(takers)]
    for one in ends:
        one.start()

    def puts(number: int, _dice: random.Random) -> None:
        if queue.put((number, put[number])):  # type: ignore[arg-type]
            put[number] += 1

    Crowd(given).run(puts, extra=(lambda: taken.extend(queue.take_overdue(0.0)),))
    left = queue.close()
    for one in ends:
        one.join(10)
        assert not one.is_alive(), "a worker waits on a queue that is closed"
    assert sorted([*taken, *left]) == [(one, each) for one, count in enumerate(put) for each in range(count)]


def queue_of_heads(given: Circumstances) -> None:
    """Who finds nothing is woken for the next; at the end nothing waits while somebody is free."""
    queue = HeadQueue(64, 3600.0)
    put, taken = [0] * given.threads, [0] * given.threads
    takers = [threading.Event() for _ in range(given.threads)]
    served = threading.Event()
    members = [SimpleNamespace(wake=one.set) for one in takers]

    def serve(number: int) -> None:
        while True:
            if queue.take(members[number]) is not None:
                taken[number] += 1
            elif served.is_set():
                return
            else:
                takers[number].wait(5)
                takers[number].clear()

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(given.threads)]
    for one in threads:
        one.start()

    def puts(number: int, _dice: random.Random) -> None:
        if queue.put(object()):  # type: ignore[arg-type]
            put[number] += 1

    Crowd(given).run(puts)
    deadline = time.monotonic() + 20
    while sum(taken) < sum(put) and time.monotonic() < deadline:
        time.sleep(0.001)
    assert sum(taken) == sum(put), "something waits, and nobody was woken for it"
    served.set()
    for event in takers:
        event.set()
    for one in threads:
        one.join(10)


def places_for_connections(given: Circumstances) -> None:
    """Never more than the limit; every place comes back."""
    limit = max(1, given.threads // 2)
    budget = ConnectionBudget(limit)
    places = threading.BoundedSemaphore(limit)

    def comes_and_goes(_number: int, _dice: random.Random) -> None:
        if budget.take():
            assert places.acquire(blocking=False), "more places than there are"
            places.release()
            budget.give_back()

    Crowd(given).run(comes_and_goes)
    assert [budget.take() for _ in range(limit + 1)] == [True] * limit + [False]


def paths_that_stream(given: Circumstances) -> None:
    """Bounded, and asking never fails while others add and time passes."""
    clock = itertools.count()
    paths = StreamingPaths(lambda: next(clock) / 50)

    def adds_and_asks(number: int, dice: random.Random) -> None:
        path = b"/%d" % dice.randrange(MOST_PATHS * 2)
        paths.add(path) if number % 2 else path in paths
        assert len(paths) <= MOST_PATHS + 1

    Crowd(given).run(adds_and_asks)


def numbers_of_connections(given: Circumstances) -> None:
    """Each is given once."""
    mine: list[list[int]] = [[] for _ in range(given.threads)]
    Crowd(given).run(lambda number, _: mine[number].append(next(_connection_ids)) if len(mine[number]) < 50_000 else 0)
    every = list(itertools.chain.from_iterable(mine))
    assert len(set(every)) == len(every)
    assert all(one == sorted(one) for one in mine)


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> asyncio.AbstractEventLoop:
        self._thread.start()
        return self.loop

    def __exit__(self, *exc_info: object) -> None:
        # What was called before this is run before it.
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.loop.close()


def intake_of_a_loop(given: Circumstances) -> None:
    """What ``put`` accepts is taken in, once and in order; after a refusal there is news of room."""
    intake = Intake()
    taken: collections.deque[Any] = collections.deque()
    news = _News()
    intake.on_room = news.ring
    accepted = [0] * given.threads

    def puts(number: int, _dice: random.Random) -> None:
        heard = news.count
        if intake.put((number, accepted[number]), None, None):  # type: ignore[arg-type]
            accepted[number] += 1
        else:
            assert news.wait(heard), "there is room, and nobody says so"

    with _Loop() as loop:
        asyncio.run_coroutine_threadsafe(
            _call(lambda: intake.open(loop, lambda sock, peer, local: taken.append(sock))), loop
        ).result(20)
        Crowd(given).run(puts)
        asyncio.run_coroutine_threadsafe(_call(intake.close), loop).result(20)
    _each_once_in_order(taken, accepted)


class _News:
    """How often there was news."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def ring(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait(self, heard: int) -> bool:
        """For more than were heard."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count > heard, 20)


def inbox_of_datagrams(given: Circumstances) -> None:
    """What arrives is in the order of each who put, and nothing twice; what does not is dropped for want of room."""
    seen: list[Any] = []
    sent = [0] * given.threads

    def puts(number: int, _dice: random.Random) -> None:
        inbox.put([(number, sent[number])])  # type: ignore[list-item]
        sent[number] += 1

    with _Loop() as loop:
        inbox = DatagramInbox(loop, seen.extend)
        Crowd(given).run(puts)
    for number in range(given.threads):
        mine = [one[1] for one in seen if one[0] == number]
        assert mine == sorted(set(mine))
    assert len(seen) <= sum(sent)
    assert seen or not sum(sent)


def routes_of_datagrams(given: Circumstances) -> None:
    """Whoever came first has an ID until it lets go; who has left owns nothing."""
    routes = DatagramRoutes()
    members = [SimpleNamespace(number=number) for number in range(given.threads)]
    names = [b"%d" % number for number in range(8)]
    owned = collections.Counter[bytes]()
    lock = threading.Lock()

    def claims(number: int, dice: random.Random) -> None:
        me: Any = members[number]
        routes.take_new(me)
        name = dice.choice(names)
        routes.claim(name, me)
        if routes.owner(name) is me:
            with lock:
                owned[name] += 1
                assert owned[name] == 1, "two own one ID"
                owned[name] -= 1
            assert routes.owner(name) is me
        routes.taker(name)
        routes.release(name, me)
        if dice.random() < 0.1:
            routes.leave(me)

    Crowd(given).run(claims)
    for one in members:
        routes.leave(one)
    assert len(routes) == 0
    assert routes.taker(b"x") is None


class _Target:
    """A worker that counts what it is given, and has room now and then."""

    def __init__(self, seed: int) -> None:
        self.on_room: Any = None
        self.load = 0
        self.taken: list[socket.socket] = []
        self.missed = False
        self.ended = False
        self.late = 0
        self._dice = random.Random(seed)

    def hand_over(self, sock: socket.socket, _peer: Any, _local: Any, /) -> bool:
        if self.ended:
            self.late += 1
        if self._dice.random() < 0.2:
            self.missed = True
            return False
        self.taken.append(sock)
        self.load = len(self.taken)
        return True


def accepting_for_all(given: Circumstances) -> None:
    """Every connection reaches one target, whichever they are just now; former targets get none."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    address = listener.getsockname()
    distributor = AcceptDistributor([listener], [_Target(given.seed)])
    every: list[_Target] = []
    swap = threading.Lock()
    came = [0] * given.threads
    now: list[_Target] = []

    def swaps() -> None:
        nonlocal now
        fresh = [_Target(given.seed + len(every) + index) for index in range(3)]
        with swap:
            before, now = now, fresh
            every.extend(fresh)
            distributor.set_targets(fresh)
            for one in before:
                one.ended = True
        time.sleep(0.005)
        for one in fresh:
            if one.missed and one.on_room is not None:
                one.missed = False
                one.on_room()

    swaps()
    distributor.start()

    def connects(number: int, _dice: random.Random) -> None:
        if came[number] < 40:
            socket.create_connection(address, 20).close()
            came[number] += 1
        else:
            time.sleep(0.01)

    with contextlib.ExitStack() as stack:
        stack.callback(distributor.stop, 10.0)
        Crowd(given).run(connects, extra=(swaps,))
        wanted = sum(came)
        deadline = time.monotonic() + 20
        while _reached(every) < wanted and time.monotonic() < deadline:
            swaps()
        assert _reached(every) == wanted
    assert not any(one.late for one in every), "a target that was replaced got a connection"
    for target in every:
        for sock in target.taken:
            sock.close()


def _reached(targets: list[_Target]) -> int:
    return sum(len(one.taken) for one in targets)


async def _call(function: Any) -> None:
    function()


def _each_once_in_order(taken: Any, accepted: list[int]) -> None:
    by_thread: dict[int, Iterator[int]] = {number: itertools.count() for number in range(len(accepted))}
    for number, index in taken:
        assert next(by_thread[number]) == index
    assert len(taken) == sum(accepted)


SUBJECTS: Final = (
    queue_of_blocking_workers,
    queue_of_heads,
    places_for_connections,
    paths_that_stream,
    numbers_of_connections,
    intake_of_a_loop,
    inbox_of_datagrams,
    routes_of_datagrams,
    accepting_for_all,
)
