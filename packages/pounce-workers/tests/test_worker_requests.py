"""What an application finds when a worker calls it: tasks, contexts, threads, streaming; on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import random
import sys
import threading
import time
from typing import Any

import anyio
import anyio.to_thread
import pytest
from http1_driver import answer, echo_body, echo_path, read_body
from responses import parse_one
from worker_runner import HANGS_AFTER, Client, RunningWorker, every_loop

from pounce_asgi import ConnectionClosed, ConnectionOpened, Listeners, ResponseCompleted

pytestmark = every_loop

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


def without_lifespan(app: Any) -> Any:
    """An application for HTTP alone."""

    async def http(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await app(scope, receive, send)

    return http


def test_the_scope_tells_both_addresses(loop: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["client"], scope["server"], scope["scheme"]))
        await answer(send)

    with RunningWorker(without_lifespan(app), loop) as worker, worker.connect() as client:
        client.get()
        assert seen == [(client.socket.getsockname(), worker.address, "http")]


def test_the_current_task_in_the_first_step_and_after(loop: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        first = asyncio.current_task()
        assert first is not None
        assert asyncio.get_running_loop() is first.get_loop()
        assert first in asyncio.all_tasks()
        await asyncio.sleep(0)
        seen.append(asyncio.current_task() is first)
        await answer(send)

    with RunningWorker(without_lifespan(app), loop) as worker, worker.connect() as client:
        assert client.get().status == 200
    assert seen == [True]


def test_an_application_that_never_waits_is_done_before_anybody_else_runs(loop: str) -> None:
    """Eager tasks, from Python 3.12 on: no turn of the loop between the request and its answer."""
    turns: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asyncio.get_running_loop().call_soon(turns.append, "turn")
        await receive()
        await answer(send)
        turns.append("answered")

    with RunningWorker(without_lifespan(app), loop) as worker, worker.connect() as client:
        client.get()
        client.get()
    assert turns.count("answered") == turns.count("turn") == 2
    if sys.version_info >= (3, 12):
        # The next request may come before the turn: a loop that is not ours has its sockets read until they are empty.
        assert turns in (["answered", "turn"] * 2, ["answered", "answered", "turn", "turn"])


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("pipelined", [False, True])
def test_contexts(loop: str, waits: bool, pipelined: bool) -> None:
    """Every request has its own; a task that it starts inherits it; nothing of the test's thread is in it."""
    seen: list[str] = []
    VARIABLE.set("of the thread that started it")

    async def inherited() -> str:
        return VARIABLE.get()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(VARIABLE.get())
        VARIABLE.set(scope["path"])
        await read_body(receive)
        if waits:
            await asyncio.sleep(0)
            assert await asyncio.create_task(inherited()) == scope["path"]
        assert VARIABLE.get() == scope["path"]
        await answer(send)

    with RunningWorker(without_lifespan(app), loop) as worker, worker.connect() as client:
        wire = [b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody" % number for number in range(4)]
        if pipelined:
            client.send(b"".join(wire))
            client.read_until(lambda data: data.count(b"ok") == 4)
        else:
            for one in wire:
                client.send(one[:-2])
                client.send(one[-2:])
                client.response()
    assert seen == ["unset"] * 4
    VARIABLE.set("unset")


def test_timeouts_groups_and_cancellation(loop: str) -> None:
    results: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        # The first step, eager where it can be: all of these need a task that is really there.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        results.append("timeout")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(0, number)) for number in range(3)]
        results.append(f"group {[task.result() for task in tasks]}")
        with anyio.move_on_after(0.001) as scope_:
            await anyio.sleep_forever()
        results.append(f"anyio {scope_.cancelled_caught}")
        task = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        results.append("cancelled")
        await answer(send)

    with RunningWorker(without_lifespan(app), loop) as worker, worker.connect() as client:
        assert client.get().status == 200
    assert results == ["timeout", "group [0, 1, 2]", "anyio True", "cancelled"]


def test_an_application_that_cancels_itself(loop: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/cancel":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)
        await answer(send)

    with RunningWorker(without_lifespan(app), loop) as worker, worker.connect() as client:
        assert client.get("/cancel").status == 500
        assert client.get("/").status == 200


def test_anyio_uses_its_threads_again(loop: str) -> None:
    """It ties them to the root task; where it finds none, every request starts a thread and ends it."""
    threads: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        threads.append(await anyio.to_thread.run_sync(threading.get_ident))
        await answer(send)

    with RunningWorker(without_lifespan(app), loop) as worker, worker.connect() as client:
        for _ in range(50):
            client.get()
        # Thread ids are given away again; a thread that is alive is the same one.
        alive = {thread.ident for thread in threading.enumerate()}
        assert set(threads) <= alive
    assert len(threads) == 50
    assert len(set(threads)) == 1


def test_a_piece_is_at_the_client_before_the_application_blocks(loop: str) -> None:
    release = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        assert release.wait(HANGS_AFTER)  # as time.sleep() would: the whole loop stands still
        await send({"type": "http.response.body", "body": b" last"})

    with RunningWorker(without_lifespan(app), loop) as worker, worker.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_until(lambda data: data.endswith(b"5\r\nfirst\r\n"))
        release.set()
        assert client.response().body == b"first last"


def test_a_blocked_loop_costs_no_other_client_its_time(loop: str) -> None:
    """Half a head arrives, another request blocks the loop for longer than a head may take; then the rest arrives."""
    release, blocked = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/block":
            blocked.set()
            assert release.wait(HANGS_AFTER)
        await answer(send)

    settings: dict[str, Any] = {"timeout_request_head": 0.3, "timeout_keep_alive": 0.5}
    with (
        RunningWorker(without_lifespan(app), loop, **settings) as worker,
        worker.connect() as half,
        worker.connect() as blocking,
    ):
        half.get()
        blocking.send(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        assert blocked.wait(HANGS_AFTER)
        half.send(b"GET / HTTP/1.1\r\nHo")
        time.sleep(0.6)  # this is the blocking itself
        release.set()
        assert blocking.response().status == 200
        half.send(b"st: x\r\n\r\n")
        assert half.response().status == 200


def test_time_limits_on_a_real_clock(loop: str) -> None:
    limits: dict[str, Any] = {"timeout_request_head": 0.1, "timeout_keep_alive": 0.2, "timeout_body_stall": 0.1}
    with (
        RunningWorker(without_lifespan(echo_body), loop, **limits) as worker,
        worker.connect() as slow,
        worker.connect() as stalled,
        worker.connect() as idle,
    ):
        slow.send(b"GET / HTTP")
        stalled.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo")
        assert slow.response().status == 408
        assert stalled.response().status == 408
        for client in (slow, stalled, idle):
            assert client.at_end()


def test_a_write_that_stalls_is_given_up(loop: str) -> None:
    ended = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
        except OSError:
            ended.set()

    with RunningWorker(without_lifespan(app), loop, timeout_write_stall=0.1) as worker, worker.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ended.wait(HANGS_AFTER)


def test_no_two_connections_of_a_process_have_one_number(loop: str) -> None:
    """Of all workers and generations: what is told of them may be told in one place."""
    numbers: list[int] = []
    listeners = Listeners(connection_opened=lambda record: numbers.append(record.connection_id))
    workers = [RunningWorker(without_lifespan(echo_path), loop, listeners=listeners) for _ in range(4)]

    def connect(worker: RunningWorker) -> None:
        for _ in range(50):
            with worker.connect() as client:
                client.get()

    with contextlib.ExitStack() as stack:
        threads = [threading.Thread(target=connect, args=(stack.enter_context(worker),)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(numbers) == len(set(numbers)) == 200


@pytest.mark.parametrize("http", ["fast", "h11"])
def test_every_connection_and_request_is_told_of_once(loop: str, http: str) -> None:
    opened: list[ConnectionOpened] = []
    closed: list[ConnectionClosed] = []
    completed: list[ResponseCompleted] = []
    listeners = Listeners(
        connection_opened=opened.append, connection_closed=closed.append, response_completed=completed.append
    )
    with RunningWorker(without_lifespan(echo_path), loop, listeners=listeners, http=http) as worker:
        for _ in range(3):
            with worker.connect() as client:
                client.get("/1")
                client.get("/2")
    assert len(opened) == len(closed) == 3
    assert {record.connection_id for record in opened} == {record.connection_id for record in closed}
    assert [record.requests for record in closed] == [2, 2, 2]
    assert sorted(record.raw_path for record in completed) == [b"/1"] * 3 + [b"/2"] * 3
    assert {(record.worker_id, record.status, record.aborted) for record in completed} == {(3, 200, False)}
    assert min(record.duration for record in closed) >= 0
    assert min(record.duration for record in completed) >= 0


def test_a_large_upload_and_download_with_a_slow_reader(loop: str) -> None:
    body = random.Random(3).randbytes(3_000_000)
    with RunningWorker(without_lifespan(echo_body), loop) as worker, worker.connect() as client:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        client.send(head + body)
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        received = client.read_until(lambda data: len(data) > 1_000_000 and data.count(b"HTTP/1.1 200 OK\r\n") == 2)
        assert body in received


# -- many at once ----------------------------------------------------------------------------------------------------


async def busy(scope: Any, receive: Any, send: Any) -> None:
    """Echoes in one of several ways, chosen by the path: at once, after a wait, from a thread, in pieces."""
    way = scope["path"]
    body = await read_body(receive)
    if way == "/wait":
        await asyncio.sleep(0.001)
    elif way == "/thread":
        body = await asyncio.to_thread(bytes, body)
    elif way == "/fail":
        await answer(send, body, status=503)
        return
    if way == "/pieces":
        await send({"type": "http.response.start", "status": 200})
        for start in range(0, len(body), 5000):
            await send({"type": "http.response.body", "body": body[start : start + 5000], "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})
    else:
        await answer(send, body)


def talk(address: tuple[str, int], seed: int, rounds: int, errors: list[BaseException]) -> None:
    """A client that does all that clients do: keeps alive, sends ahead, leaves early, half-closes, resets."""
    chance = random.Random(seed)
    try:
        for _ in range(rounds):
            with Client(address) as client:
                for _ in range(chance.randint(1, 4)):
                    ways = [
                        chance.choice(["", "wait", "thread", "pieces", "fail"]) for _ in range(chance.randint(1, 4))
                    ]
                    bodies = [chance.randbytes(chance.choice([0, 1, 100, 20_000, 90_000])) for _ in ways]
                    wire = b"".join(
                        b"POST /%b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"
                        % (way.encode(), len(body), body)
                        for way, body in zip(ways, bodies, strict=True)
                    )
                    act = chance.random()
                    if act < 0.1:
                        client.send(wire[: len(wire) // 2])
                        break
                    client.send(wire)
                    if act < 0.2:
                        break
                    for way, body in zip(ways, bodies, strict=True):
                        response = next_response(client)
                        assert response.status == (503 if way == "fail" else 200)
                        assert response.body == body
    except BaseException as error:  # noqa: BLE001 - for the test's own thread
        errors.append(error)


def next_response(client: Client) -> Any:
    """The next of several that may have come at once."""
    while True:
        try:
            response, client.received = parse_one(client.received)
        except ValueError:
            data = client.socket.recv(65536)
            if not data:
                raise ConnectionError("the connection ended early") from None
            client.received += data
        else:
            return response


@pytest.mark.parametrize("http", ["fast", "h11"])
def test_many_clients_at_once(loop: str, http: str, caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = []
    opened: list[Any] = []
    closed: list[Any] = []
    listeners = Listeners(connection_opened=opened.append, connection_closed=closed.append)
    with RunningWorker(without_lifespan(busy), loop, http=http, listeners=listeners) as worker:
        clients = [
            threading.Thread(target=talk, args=(worker.address, seed, 12, errors))
            for seed in random.sample(range(10**6), 8)
        ]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join(60)
            assert not thread.is_alive()
        worker.stop()
        assert worker.join(2), "a connection was forgotten: its client is gone, and it is still open"
    assert errors == []
    assert len(opened) == len(closed) == 8 * 12
    assert [
        record
        for record in caplog.records
        if record.levelname == "ERROR" and record.name.startswith("pounce") and "Connection" not in record.message
    ] == []
