"""Requests that go on: the thread keeps them, another takes its place, and nothing is called twice."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import pytest
from async_runner import Gates, RunningAsyncPool, Scope, by_path, respond, stream
from worker_runner import HANGS_AFTER, every_loop

LIMIT = 0.02
FRONTS = 2
ALWAYS = FRONTS + 1  # and the shared one

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
local = threading.local()


async def beyond_the_limit() -> None:
    await asyncio.sleep(4 * LIMIT)


@every_loop
def test_a_request_that_waits_keeps_its_thread_and_another_takes_its_place(loop: str) -> None:
    gates = Gates()
    with RunningAsyncPool(by_path(wait=gates.wait), FRONTS, async_limit=LIMIT, loop=loop) as running:
        clients = [running.connect() for _ in range(6)]
        for number, client in enumerate(clients):
            client.send(f"GET /wait/{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        gates.await_entries(6)
        running.threads_are(ALWAYS + 6)
        with running.connect() as other:
            assert other.get().body
        gates.open.set()
        names = {client.response().body for client in clients}
        assert len(names) == 6  # a thread each
        assert sorted(gates.calls) == [f"/wait/{number}" for number in range(6)]
        running.threads_are(ALWAYS)
        assert all(client.get().status == 200 for client in clients)  # the connections live on
        for client in clients:
            client.socket.close()
        running.empties()
        assert running.pool.requests_served == 13


def test_past_the_bound_it_simply_finishes() -> None:
    gates = Gates()
    with (
        RunningAsyncPool(by_path(wait=gates.wait), 1, async_limit=LIMIT, limit_pool_threads=1) as running,
        running.connect() as first,
        running.connect() as second,
        running.connect() as third,
    ):
        for client in (first, second):
            client.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        gates.await_entries(2)
        third.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        third.socket.settimeout(10 * LIMIT)
        with pytest.raises(TimeoutError):
            third.socket.recv(1)
        third.socket.settimeout(HANGS_AFTER)
        assert len(running.pool.threads) == 3
        gates.open.set()
        assert {client.response().status for client in (first, second, third)} == {200}
        assert len(gates.calls) == 2
        running.threads_are(2)


def test_an_application_that_computes_is_no_reason_for_a_thread() -> None:
    gates = Gates()

    async def compute(scope: Scope, receive: Any, send: Any) -> None:
        await gates.block(scope, receive, send)

    with RunningAsyncPool(by_path(compute=compute), 2, async_limit=LIMIT) as running, running.connect() as client:
        client.send(b"GET /compute HTTP/1.1\r\nHost: x\r\n\r\n")
        gates.await_entries(1)
        with running.connect() as other:
            assert other.get().body
        assert [thread.name for thread in running.pool.blocked(0)]
        assert len(running.pool.threads) == 3
        gates.open.set()
        assert client.response().status == 200


async def keeps_context(scope: Scope, receive: Any, send: Any) -> None:
    assert variable.get() == "unset"
    variable.set(scope["path"])
    local.path = scope["path"]
    thread = threading.get_ident()
    for _ in range(5):
        await asyncio.sleep(LIMIT)
        assert variable.get() == scope["path"]
        assert local.path == scope["path"]
        assert threading.get_ident() == thread
    await respond(send)


async def all_tasks_hold(scope: Scope, receive: Any, send: Any) -> None:
    before = asyncio.all_tasks()
    assert asyncio.current_task() in before
    loop = asyncio.get_running_loop()
    await beyond_the_limit()
    assert asyncio.all_tasks() == before
    assert asyncio.get_running_loop() is loop
    await respond(send)


async def groups(scope: Scope, receive: Any, send: Any) -> None:
    done = []

    async def one(number: int) -> None:
        await beyond_the_limit()
        done.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(one(number))
    assert sorted(done) == [0, 1, 2]
    await respond(send)


async def timeouts(scope: Scope, receive: Any, send: Any) -> None:
    try:
        async with asyncio.timeout(3 * LIMIT):
            await asyncio.sleep(HANGS_AFTER)
    except TimeoutError:
        await respond(send)


async def cancels(scope: Scope, receive: Any, send: Any) -> None:
    task = asyncio.ensure_future(asyncio.sleep(HANGS_AFTER))
    await beyond_the_limit()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        await respond(send)


async def in_threads(scope: Scope, receive: Any, send: Any) -> None:
    await beyond_the_limit()
    assert await asyncio.to_thread(threading.get_ident) != threading.get_ident()
    await respond(send)


async def reads_its_body(scope: Scope, receive: Any, send: Any) -> None:
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    await beyond_the_limit()
    await respond(send, body)


@pytest.mark.parametrize("handler", [keeps_context, all_tasks_hold, groups, timeouts, cancels, in_threads])
@every_loop
def test_what_a_request_may_rely_on(handler: Any, loop: str) -> None:
    with RunningAsyncPool(by_path(it=handler), FRONTS, async_limit=LIMIT, loop=loop) as running:
        clients = [running.connect() for _ in range(3)]
        for _ in range(2):
            for number, client in enumerate(clients):
                client.send(f"GET /it/{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert [client.response().status for client in clients] == [200] * 3
        for client in clients:
            client.socket.close()


@every_loop
@pytest.mark.parametrize("waits", [False, True])
def test_a_request_begins_without_the_variables_of_the_one_before(loop: str, waits: bool) -> None:
    async def sets(scope: Scope, receive: Any, send: Any) -> None:
        found = variable.get()
        variable.set(scope["path"])
        if waits:
            await asyncio.sleep(0)
        await respond(send, found.encode())

    with RunningAsyncPool(by_path(it=sets), 1, loop=loop) as running, running.connect() as client:
        for fields in ((), ("Accept: text/event-stream",)):
            assert [client.get("/it", *fields).body for _ in range(3)] == [b"unset"] * 3
        client.send(b"GET /it HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        client.read_until(lambda data: data.count(b"unset") == 3)


def test_a_body_that_arrives_after_the_thread_changed_its_role() -> None:
    with (
        RunningAsyncPool(by_path(echo=reads_its_body), 1, async_limit=LIMIT) as running,
        running.connect() as client,
    ):
        client.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        running.threads_are(3)
        with running.connect() as other:
            assert other.get().body
        client.send(b"world")
        assert client.response().body == b"helloworld"


def test_a_client_that_leaves_is_noticed() -> None:
    left = threading.Event()

    async def waits_for_the_end(scope: Scope, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    with RunningAsyncPool(by_path(it=waits_for_the_end), 1, async_limit=LIMIT) as running:
        with running.connect() as client:
            client.send(b"GET /it HTTP/1.1\r\nHost: x\r\n\r\n")
            running.threads_are(3)
        assert left.wait(HANGS_AFTER)
        running.threads_are(2)
        running.empties()


def test_work_that_goes_on_after_the_answer_holds_up_nobody() -> None:
    gates = Gates()

    async def background(scope: Scope, receive: Any, send: Any) -> None:
        await respond(send)

        async def nothing(_: Any) -> None:
            """The answer is out already."""

        await gates.wait(scope, receive, nothing)

    with RunningAsyncPool(by_path(it=background), 1, async_limit=LIMIT) as running, running.connect() as client:
        assert client.get("/it").status == 200
        gates.await_entries(1)
        running.threads_are(3)
        assert client.get().status == 200  # by the next thread
        gates.open.set()
        running.threads_are(2)


@pytest.mark.parametrize("kind", ["task", "timer"])
def test_what_the_application_leaves_on_a_loop_is_waited_for(kind: str) -> None:
    done = threading.Event()
    gates = Gates()

    async def later() -> None:
        await asyncio.sleep(10 * LIMIT)
        done.set()

    async def leaves(scope: Scope, receive: Any, send: Any) -> None:
        await gates.wait(scope, receive, send)
        if kind == "task":
            scope["state"]["kept"].append(asyncio.ensure_future(later()))
        else:
            asyncio.get_running_loop().call_later(10 * LIMIT, done.set)

    kept: list[Any] = []
    with (
        RunningAsyncPool(by_path(it=leaves), 1, async_limit=LIMIT, state={"kept": kept}) as running,
        running.connect() as client,
    ):
        client.send(b"GET /it HTTP/1.1\r\nHost: x\r\n\r\n")
        running.threads_are(3)
        gates.open.set()
        assert client.response().status == 200
        running.threads_are(2)
        assert done.is_set()


def test_a_path_that_streams_is_remembered() -> None:
    with RunningAsyncPool(by_path(stream=stream), 1, async_limit=LIMIT) as running:
        with running.connect() as first:
            first.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            first.read_until(lambda data: data.count(b"data:") > 5)
            assert b"pounce-async-2" in first.received
            running.threads_are(3)
            with running.connect() as second:
                second.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
                second.read_until(lambda data: b"data:" in data)
                assert b"pounce-async-1\n" in second.received
                assert len(running.pool.threads) == 3
        running.empties()
        running.threads_are(2)


def test_a_stop_cancels_what_goes_on_after_the_graceful_time(caplog: pytest.LogCaptureFixture) -> None:
    entered = threading.Event()
    cancelled = threading.Event()

    async def for_ever(scope: Scope, receive: Any, send: Any) -> None:
        entered.set()
        try:
            await asyncio.sleep(HANGS_AFTER)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    running = RunningAsyncPool(by_path(it=for_ever), 1, async_limit=LIMIT, graceful_timeout=0.1)
    with running, running.connect() as client:
        client.send(b"GET /it HTTP/1.1\r\nHost: x\r\n\r\n")
        assert entered.wait(HANGS_AFTER)
        running.threads_are(3)
        running.pool.request_stop()
        assert running.join()
    assert cancelled.is_set()
    assert "1 request unfinished" in caplog.text
    assert not running.pool.threads
