"""Workers that make way for others: on real sockets and in threads, as a reload has them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import pytest
import sync_runner
from http1_driver import answer, echo_path
from sync_runner import RunningPool
from worker_runner import HANGS_AFTER, Client, Inlet, RunningWorker, every_loop

from pounce_workers import bind_tcp
from pounce_workers.serving import worker as worker_module

if TYPE_CHECKING:
    import socket

pytestmark = every_loop

GET = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"


class Gate:
    """Notes its lifespan. Answers with the path: ``/wait`` when it is let, ``/stream`` in two pieces, anything else
    at once.
    """

    def __init__(self) -> None:
        self.events: list[str] = []
        self.seen: list[Any] = []
        self.begun = threading.Semaphore(0)
        self.release = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                self.events.append(kind)
                await send({"type": f"lifespan.{kind}.complete"})
            return
        self.seen.append(scope["state"].get("answer") if "state" in scope else None)
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        if scope["path"] in ("/wait", "/stream"):
            self.begun.release()
            await asyncio.to_thread(self.release.wait, HANGS_AFTER)
        if scope["path"] == "/stream":
            await send({"type": "http.response.body", "body": b"ended"})
        else:
            await answer(send, scope["path"].encode())

    def entered(self) -> None:
        assert self.begun.acquire(timeout=HANGS_AFTER)


def arrival(worker: Any) -> Any:
    """What moves to this worker, and fails when it takes none."""

    def move(*connection: Any) -> None:
        assert worker.hand_over(*connection)

    return move


def until(true: Any) -> None:
    """It becomes so soon."""
    end = time.monotonic() + HANGS_AFTER
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


# -- to a successor --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("successor", ["worker", "pool"])
def test_idle_connections_move_at_once_and_the_others_after_their_answer(loop: str, successor: str) -> None:
    app = Gate()
    with contextlib.ExitStack() as stack:
        new: Any
        if successor == "pool":
            new = stack.enter_context(RunningPool(sync_runner.echo_path, accepts=False)).pool
        else:
            new = stack.enter_context(RunningWorker(echo_path, loop, sockets=[])).worker
        old = stack.enter_context(RunningWorker(app, loop, sockets=[]))
        inlet = Inlet(old.worker)
        idle, busy, half, stream = (stack.enter_context(inlet.connect()[1]) for _ in range(4))
        assert idle.get("/old").body == b"/old"
        busy.send(GET % b"/wait")
        half.send(b"GET /ha")
        stream.send(GET % b"/stream")
        for _ in range(2):
            app.entered()
        old.worker.retire(arrival(new))
        until(lambda: new.load == 1)
        assert idle.get("/new").body == b"/new"
        half.send(b"lf HTTP/1.1\r\nHost: x\r\n\r\n")
        assert half.response().body == b"/half"
        until(lambda: old.worker.load == 2)
        app.release.set()
        response = busy.response()
        assert (response.body, response.closes) == (b"/wait", False)
        assert stream.read_until(lambda data: data.endswith(b"ended")).count(b"HTTP/1.1 200") == 1
        stream.received = b""
        assert old.take_error() is None
        assert (old.worker.load, old.worker.requests_served) == (0, 4)
        for client in (idle, busy, half, stream):
            assert client.get("/again").body == b"/again"
        assert app.events == ["startup", "shutdown"]
        assert not old.worker.hand_over(*inlet_pair(stack)), "it takes none any more"


def inlet_pair(stack: contextlib.ExitStack) -> tuple[Any, None, None]:
    """A connection to offer."""
    sock = stack.enter_context(bind_tcp("127.0.0.1", 0, 1))
    return sock, None, None


class Generations:
    """Workers that follow each other; every connection belongs to one of them, wherever it is moved."""

    def __init__(self, loop: str) -> None:
        self.loop = loop
        self.calls: list[bytes] = []
        self.workers: list[RunningWorker] = []
        self.next()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        path = scope["path"].encode()
        self.calls.append(path)
        if b"slow" in path:
            await asyncio.sleep(0.001)
        await answer(send, path)

    def next(self) -> None:
        """Another one serves, and the one before it makes way."""
        successor = RunningWorker(self.app, self.loop, sockets=[]).start()
        self.workers.append(successor)
        if len(self.workers) > 1:
            self.workers[-2].worker.retire(self.move)

    def move(self, *connection: Any) -> None:
        while True:  # the newest may make way itself, but then there is a newer one
            if self.workers[-1].worker.hand_over(*connection):
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.stop()
            assert worker.take_error() is None


def ask(client: Client, chance: random.Random, path: bytes) -> None:
    """A request at a random moment, in one piece or in two, and its answer."""
    time.sleep(chance.random() * 0.003)
    request = GET % path
    cut = chance.randrange(2 * len(request))
    client.send(request[:cut])
    if cut < len(request):
        time.sleep(chance.random() * 0.002)
        client.send(request[cut:])
    response = client.response()
    assert (response.status, response.body, response.closes) == (200, path, False)


def test_every_request_is_answered_once_while_connections_go_from_worker_to_worker(loop: str) -> None:
    clients, each = 8, 30
    failures: list[BaseException] = []
    running = threading.Semaphore(0)

    def be_client(client: Client, number: int) -> None:
        chance = random.Random(number)
        try:
            for count in range(each):
                kind = chance.choice(["quick", "quick", "slow"])
                ask(client, chance, b"/%b/%d/%d" % (kind.encode(), number, count))
        except BaseException as error:  # noqa: BLE001 - it belongs to the test
            failures.append(error)
        finally:
            running.release()

    with Generations(loop) as generations, contextlib.ExitStack() as stack:
        inlet = Inlet(generations.workers[0].worker)
        threads = []
        for number in range(clients):
            client = stack.enter_context(inlet.connect()[1])
            threads.append(threading.Thread(target=be_client, args=(client, number)))
        for thread in threads:
            thread.start()
        for _ in range(8):
            generations.next()
            assert generations.workers[-2].take_error() is None
        for _ in threads:
            assert running.acquire(timeout=HANGS_AFTER)
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
    assert len(generations.calls) == len(set(generations.calls)) == clients * each
    assert sum(worker.worker.requests_served for worker in generations.workers) == clients * each


# -- without one -----------------------------------------------------------------------------------------------------


def test_clients_are_told_with_their_next_answer_and_come_again(loop: str) -> None:
    """As processes do it: the sockets are shared, and who comes meanwhile finds the successor."""
    sock = bind_tcp("127.0.0.1", 0, 256)
    options = {"shared_sockets": True, "tick": 0.02}
    clients, each = 8, 30
    failures: list[BaseException] = []
    calls: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        path = scope["path"].encode()
        calls.append(path)
        await answer(send, path)

    def be_client(number: int) -> None:
        chance = random.Random(number)
        client = Client(sock.getsockname())
        try:
            for count in range(each):
                time.sleep(chance.random() * 0.003)
                path = b"/%d/%d" % (number, count)
                client.send(GET % path)
                response = client.response()
                assert (response.status, response.body) == (200, path)
                if response.closes:
                    assert client.at_end()
                    client.socket.close()
                    client = Client(sock.getsockname())
        except BaseException as error:  # noqa: BLE001 - it belongs to the test
            failures.append(error)
        finally:
            client.socket.close()

    def new_worker() -> RunningWorker:
        return RunningWorker(app, loop, sockets=[sock.dup()], options=options, drain_idle=60).start()

    with sock:
        workers = [new_worker()]
        threads = [threading.Thread(target=be_client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            workers.append(new_worker())
            workers[-2].worker.retire()
            assert workers[-2].take_error() is None
        for thread in threads:
            thread.join(HANGS_AFTER)
        workers[-1].stop()
        assert workers[-1].take_error() is None
    if failures:
        raise failures[0]
    assert len(calls) == len(set(calls)) == clients * each
    assert sum(worker.worker.requests_served for worker in workers) == clients * each


def test_who_is_idle_for_long_is_closed_and_nobody_else(loop: str) -> None:
    app = Gate()
    running = RunningWorker(app, loop, options={"tick": 0.02}, drain_idle=0.3)
    with running, running.connect() as idle, running.connect() as stream, running.connect() as busy:
        assert not idle.get().closes
        stream.send(GET % b"/stream")
        busy.send(GET % b"/wait")
        for _ in range(2):
            app.entered()
        running.worker.retire()
        began = time.monotonic()
        assert idle.at_end()
        # It was idle for a moment before it was told to make way.
        assert time.monotonic() - began > 0.2
        until(lambda: running.worker.load == 2)
        app.release.set()
        assert busy.response().closes
        assert busy.at_end()
        stream.read_until(lambda data: data.endswith(b"ended"))
        stream.received = b""
        assert stream.get("/kept").closes
        assert stream.at_end()
        assert running.take_error() is None
    assert app.events == ["startup", "shutdown"]


# -- at other times --------------------------------------------------------------------------------------------------


def test_with_nothing_to_do_it_ends_at_once(loop: str) -> None:
    for move_to in (None, lambda *_: None):
        app = Gate()
        running = RunningWorker(app, loop).start()
        began = time.monotonic()
        running.worker.retire(move_to)
        assert running.take_error() is None
        assert time.monotonic() - began < 3
        assert app.events == ["startup", "shutdown"]
        assert running.socket.fileno() == -1


def test_before_it_starts(loop: str) -> None:
    app = Gate()
    running = RunningWorker(app, loop)
    running.worker.retire()
    assert running.start().take_error() is None
    assert app.events == []
    shared = RunningWorker(app, loop, options={"state": {}})
    shared.worker.retire()
    assert shared.start().take_error() is None
    assert app.events == []


def test_during_its_startup(loop: str) -> None:
    starting = threading.Event()
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        starting.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    running = RunningWorker(app, loop)
    thread = threading.Thread(target=running.start)
    thread.start()
    assert starting.wait(HANGS_AFTER)
    running.worker.retire()
    thread.join(HANGS_AFTER)
    assert running.take_error() is None
    assert seen == ["cancelled"]


@pytest.mark.parametrize("stops", [1, 2])
def test_a_stop_while_it_makes_way(loop: str, stops: int) -> None:
    app = Gate()
    with contextlib.ExitStack() as stack:
        new = stack.enter_context(RunningWorker(echo_path, loop, sockets=[])).worker
        old = stack.enter_context(RunningWorker(app, loop, sockets=[], graceful_timeout=60))
        inlet = Inlet(old.worker)
        idle, half, busy = (stack.enter_context(inlet.connect()[1]) for _ in range(3))
        idle.get()
        half.send(b"GET / HT")
        busy.send(GET % b"/wait")
        app.entered()
        old.worker.retire(arrival(new))
        until(lambda: new.load == 1)
        wire = old.worker._pulse._wire
        assert wire is not None
        for _ in range(stops):
            old.stop()
        if stops == 1:
            until(lambda: wire.draining)
            app.release.set()
            response = busy.response()
            assert (response.body, response.closes) == (b"/wait", True)
            half.send(b"TP/1.1\r\nHost: x\r\n\r\n")
            assert half.response().closes
        else:
            # It may get a 500 or nothing, and either way its end.
            with contextlib.suppress(ConnectionResetError):
                while busy.socket.recv(1 << 16):
                    pass
            app.release.set()
        assert busy.at_end()
        assert half.at_end()
        assert old.take_error() is None
        assert idle.get("/moved").body == b"/moved"


def test_a_stop_while_it_makes_way_without_a_successor_closes_who_is_idle(loop: str) -> None:
    running = RunningWorker(Gate(), loop, drain_idle=60)
    with running, running.connect() as idle:
        idle.get()
        running.worker.retire()
        assert not running.join(0.1)
        running.stop()
        assert idle.at_end()
        assert running.take_error() is None


def test_the_second_word_counts(loop: str) -> None:
    """First without a successor, then with one; and the other way round."""
    with contextlib.ExitStack() as stack:
        new = stack.enter_context(RunningWorker(echo_path, loop, sockets=[])).worker
        old = stack.enter_context(RunningWorker(Gate(), loop, sockets=[], drain_idle=60))
        inlet = Inlet(old.worker)
        idle, half = (stack.enter_context(inlet.connect()[1]) for _ in range(2))
        idle.get()
        half.send(b"GET / HT")
        until(lambda: old.worker.load == 2)
        old.worker.retire()
        assert not old.join(0.05)
        old.worker.retire(arrival(new))
        until(lambda: new.load == 1)
        assert not idle.get().closes
        old.worker.retire()
        half.send(b"TP/1.1\r\nHost: x\r\n\r\n")
        assert half.response().closes
        assert old.take_error() is None


# -- what else a worker among others is given ------------------------------------------------------------------------


def test_with_the_state_of_a_lifespan_that_somebody_else_runs(loop: str) -> None:
    app = Gate()
    called: list[str] = []
    options = {"state": {"answer": 42}, "on_lifespan": lambda: called.append("lifespan")}
    running = RunningWorker(app, loop, options=options)
    with running, running.connect() as client:
        client.get()
    assert (app.seen, app.events, called) == ([42], [], [])
    assert running.socket.fileno() == -1


def test_its_own_lifespan_is_told_of_when_its_startup_is_complete(loop: str) -> None:
    app = Gate()
    seen: list[Any] = []
    running = RunningWorker(app, loop, options={"on_lifespan": lambda: seen.append((*app.events, serves()))})

    def serves() -> bool:
        return running.worker.beat > 0

    with running, running.connect() as client:
        assert seen == [("startup", False)]
        client.get()
    assert app.events == ["startup", "shutdown"]


@pytest.mark.parametrize("shared", [True, False])
def test_a_socket_that_others_accept_on_too(loop: str, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []

    class Acceptor(worker_module.Acceptor):  # type: ignore[misc,name-defined]
        __slots__ = ()

        def __init__(self, sock: socket.socket, **options: Any) -> None:
            told.append(options["shared"])
            super().__init__(sock, **options)

    monkeypatch.setattr(worker_module, "Acceptor", Acceptor)
    sock = bind_tcp("127.0.0.1", 0, 64)
    options = {"shared_sockets": shared}
    with (
        sock,
        RunningWorker(echo_path, loop, sockets=[sock.dup()], options=options) as staying,
        RunningWorker(echo_path, loop, sockets=[sock.dup()], options=options) as leaving,
    ):
        leaving.worker.retire(arrival(staying.worker))
        for _ in range(20):
            with Client(sock.getsockname()) as client:
                assert client.get("/x").body == b"/x"
        assert leaving.take_error() is None
    assert told == [shared, shared]


def test_connections_wait_for_a_worker_that_has_not_started(loop: str) -> None:
    running = RunningWorker(echo_path, loop, sockets=[])
    inlet = Inlet(running.worker)
    taken, client = inlet.connect()
    assert not taken
    with running, client:
        assert inlet.told.wait(HANGS_AFTER)
        assert running.worker.hand_over(inlet.kept.pop(), ("192.0.2.7", 1), ("192.0.2.1", 80))
        assert client.get("/x").body == b"/x"
