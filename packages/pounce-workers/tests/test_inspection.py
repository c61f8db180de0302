"""What workers tell of themselves while they serve, and while an application holds them up. On real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from async_runner import Gates, RunningAsyncPool, by_path
from http1_driver import answer
from sync_runner import Gate, RunningPool
from worker_runner import HANGS_AFTER, Client, RunningWorker, every_loop

from pounce_asgi.lifecycle import ConnectionClosed, ResponseCompleted
from pounce_asgi.listeners import Listeners, Subscriber
from pounce_workers.serving.inspection import Inspection
from pounce_workers.serving.live_worker import LiveWorker

if TYPE_CHECKING:
    from collections.abc import Callable

    from running_target import RunningTarget

GET = b"GET %b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hidden\r\nX-Color: blue\r\n\r\n"


class Application:
    """Waits in as many ways as there are paths, until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()
        self.left = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("none")
        self.begun.release()
        await getattr(self, scope["path"].strip("/") or "at_once")(send)

    async def at_once(self, send: Any) -> None:
        await answer(send, b"done")

    async def hang_in_await(self, send: Any) -> None:
        await self._until_open()
        await answer(send, b"done")

    async def _until_open(self) -> None:
        while not self.open.is_set():  # noqa: ASYNC110 - it is opened from another thread
            await asyncio.sleep(0.005)

    async def hold_the_loop(self, send: Any) -> None:
        self._block()
        await answer(send, b"done")

    def _block(self) -> None:
        assert self.open.wait(HANGS_AFTER)

    async def call_a_thread(self, send: Any) -> None:
        await asyncio.to_thread(self._block)
        await answer(send, b"done")

    async def gather_two(self, send: Any) -> None:
        await asyncio.gather(asyncio.sleep(0), self._until_open())
        await answer(send, b"done")

    async def iterate(self, send: Any) -> None:
        async for _ in self._pieces():
            pass
        await answer(send, b"done")

    async def _pieces(self) -> Any:
        await self._until_open()
        yield b"piece"

    async def go_on_after_the_answer(self, send: Any) -> None:
        await answer(send, b"done")
        await self._until_open()

    async def leave_a_task(self, send: Any) -> None:
        self.task = asyncio.get_running_loop().create_task(self._until_open(), name="left behind")
        await answer(send, b"done")


def inspection(target: RunningTarget, worker_id: int = 3) -> Inspection:
    return Inspection(lambda: [LiveWorker(worker_id, 1, "thread", target.target)], version="1.2.3")


def asked(look: Callable[[dict[str, Any]], dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """The answer as whoever reads the JSON has it."""
    read: dict[str, Any] = json.loads(json.dumps(look(arguments)))
    return read


def settled(look: Callable[[dict[str, Any]], dict[str, Any]], true: Callable[[Any], bool], **arguments: Any) -> Any:
    """Ask until this is true of the answer."""
    end = time.monotonic() + HANGS_AFTER
    while True:
        value = asked(look, **arguments)
        if true(value):
            return value
        assert time.monotonic() < end, value


def begun(tasks: dict[str, Any]) -> bool:
    """A request is in flight. Its application may know that a moment before the worker can tell."""
    return bool(tasks["requests"])


def functions(sketch: dict[str, Any]) -> list[str]:
    return [frame["function"] for frame in sketch["stack"]]


def busy(worker: dict[str, Any]) -> list[bool]:
    return sorted(each["busy"] is not None for each in worker["threads"])


def listening() -> Listeners:
    return Listeners.of(Subscriber(lambda _: None, ConnectionClosed), Subscriber(lambda _: None, ResponseCompleted))


# -- an async worker -------------------------------------------------------------------------------------------------


WAITS = [
    ("hang_in_await", ["__call__", "hang_in_await", "_until_open", "sleep"]),
    ("call_a_thread", ["__call__", "call_a_thread", "to_thread"]),
    ("gather_two", ["__call__", "gather_two", "_until_open", "sleep"]),
    ("iterate", ["__call__", "iterate", "_pieces", "_until_open", "sleep"]),
]


@every_loop
@pytest.mark.parametrize(("path", "expected"), WAITS, ids=[path for path, _ in WAITS])
def test_a_request_shows_what_its_task_waits_in(loop: str, path: str, expected: list[str]) -> None:
    app = Application()
    with RunningWorker(app, loop, listeners=listening()) as running, running.connect() as client:
        client.send(GET % f"/{path}?page=2&secret".encode())
        assert app.begun.acquire(timeout=HANGS_AFTER)
        look = inspection(running).tasks
        tasks = settled(look, lambda value: value["requests"] and functions(value["requests"][0]) == expected)
        app.open.set()
        client.response()
    (request,) = tasks["requests"]
    assert (tasks["total"], tasks["left_out"]) == (1, 0)
    assert (request["method"], request["path"], request["query"]) == ("GET", f"/{path}", "page=*&*")
    assert (request["state"], request["worker_id"], request["status"]) == ("waiting", 3, None)
    assert request["waiting_for"] == "Future"
    assert request["age"] > 0
    assert request["stack"][0]["code"].startswith("await getattr(self")
    assert request["stack"][0]["file"] == __file__
    assert "headers" not in request
    assert [(each["answers"], each["stack"]) for each in tasks["loops"]] == [(True, None)]


@every_loop
def test_a_call_in_a_thread_of_the_pool_is_shown_with_its_stack(loop: str) -> None:
    app = Application()
    with RunningWorker(app, loop) as running, running.connect() as client:
        client.send(GET % b"/call_a_thread")
        assert app.begun.acquire(timeout=HANGS_AFTER)

        def blocks(value: Any) -> bool:
            return any("_block" in functions(each) for each in value["threads"])

        tasks = settled(inspection(running).tasks, blocks)
        app.open.set()
        client.response()

        # Soon it waits for work, and is not worth a line.
        settled(
            inspection(running).tasks, lambda value: not any("executor" in each["name"] for each in value["threads"])
        )
    (thread,) = [each for each in tasks["threads"] if "_block" in functions(each)]
    assert "executor" in thread["name"]


def _in_executor(value: Any) -> list[list[str]]:
    """What the threads of an executor are in; other tests may have left threads of their own."""
    return [found for found in map(functions, value["threads"]) if "_worker" in found]


def test_a_call_of_c_in_a_thread_is_shown_too() -> None:
    lock = threading.Lock()
    lock.acquire()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await asyncio.to_thread(lock.acquire)
        await answer(send, b"done")

    with RunningWorker(app, exchange={"lifespan": "off"}) as running, running.connect() as client:
        client.send(GET % b"/")
        tasks = settled(inspection(running).tasks, lambda value: bool(_in_executor(value)))
        lock.release()
        client.response()
    assert _in_executor(tasks)[0][-1] == "run"


@every_loop
def test_of_a_loop_that_is_held_up_the_threads_stack_is_shown(loop: str) -> None:
    app = Application()
    with RunningWorker(app, loop) as running, running.connect() as waiting, running.connect() as blocking:
        waiting.send(GET % b"/hang_in_await")
        assert app.begun.acquire(timeout=HANGS_AFTER)
        blocking.send(GET % b"/hold_the_loop")
        assert app.begun.acquire(timeout=HANGS_AFTER)
        look = inspection(running)
        tasks = asked(look.tasks, timeout=0.05)
        connections = asked(look.connections, timeout=0.05)
        workers = asked(look.workers, timeout=0.05)
        app.open.set()
        waiting.response()
        blocking.response()
    (held,) = tasks["loops"]
    assert (held["answers"], held["lag"]) == (False, None)
    assert "_block" in functions(held)
    by_path = {each["path"]: each for each in tasks["requests"]}
    assert by_path["/hold_the_loop"]["state"] == "running"
    assert "_block" in functions(by_path["/hold_the_loop"])
    assert by_path["/hang_in_await"]["state"] == "waiting"
    assert by_path["/hang_in_await"]["stack"] is None
    assert [each["state"] for each in connections["connections"]] == ["in_request", "in_request"]
    (worker,) = workers["workers"]
    assert (worker["answers"], worker["lag"], worker["in_flight"]) == (False, None, 2)


@every_loop
def test_a_request_is_shown_until_its_application_returns(loop: str) -> None:
    app = Application()
    with RunningWorker(app, loop) as running:
        with running.connect() as client:
            client.send(GET % b"/go_on_after_the_answer")
            client.response()
            tasks = settled(inspection(running).tasks, lambda value: value["requests"])
        (request,) = tasks["requests"]
        assert (request["answered"], request["status"], request["sent"]) == (True, 200, 4)
        assert functions(request)[:2] == ["__call__", "go_on_after_the_answer"]
        app.open.set()
        settled(inspection(running).tasks, lambda value: not value["requests"])


@every_loop
def test_a_client_that_has_gone_is_said_to_have(loop: str) -> None:
    app = Application()
    with RunningWorker(app, loop) as running:
        with running.connect() as client:
            client.send(GET % b"/hang_in_await")
            assert app.begun.acquire(timeout=HANGS_AFTER)
            assert not settled(inspection(running).tasks, begun)["requests"][0]["client_gone"]
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        tasks = settled(inspection(running).tasks, lambda value: begun(value) and value["requests"][0]["client_gone"])
        assert tasks["requests"][0]["path"] == "/hang_in_await"
        assert asked(inspection(running).connections)["total"] == 0
        app.open.set()


@every_loop
def test_a_client_that_will_send_no_more_is_said_to(loop: str) -> None:
    app = Application()
    with RunningWorker(app, loop) as running, running.connect() as client:
        client.send(GET % b"/hang_in_await")
        assert app.begun.acquire(timeout=HANGS_AFTER)
        assert not settled(inspection(running).tasks, begun)["requests"][0]["half_closed"]
        client.socket.shutdown(socket.SHUT_WR)
        tasks = settled(inspection(running).tasks, lambda value: begun(value) and value["requests"][0]["half_closed"])
        assert not tasks["requests"][0]["client_gone"]
        app.open.set()
        client.response()


@every_loop
def test_tasks_of_no_request_are_shown_apart_and_our_own_not_at_all(loop: str) -> None:
    app = Application()
    with RunningWorker(app, loop) as running, running.connect() as client:
        client.send(GET % b"/leave_a_task")
        client.response()
        tasks = settled(inspection(running).tasks, lambda value: value["others"])
        assert not asked(inspection(running).tasks, others=False)["others"]
        app.open.set()
    assert [each["task"] for each in tasks["others"]] == ["left behind"]
    assert functions(tasks["others"][0])[0] == "_until_open"
    assert tasks["others_left_out"] == 0


@every_loop
def test_connections_are_told_by_what_they_do(loop: str) -> None:
    app = Application()
    with (
        RunningWorker(app, loop, listeners=listening()) as running,
        running.connect() as idle,
        running.connect() as half,
        running.connect() as asking,
    ):
        idle.get("/")
        half.send(b"GET /half HTTP/1.1\r\nHost:")
        asking.send(GET % b"/hang_in_await")
        assert app.begun.acquire(timeout=HANGS_AFTER)
        assert app.begun.acquire(timeout=HANGS_AFTER)
        answered = settled(
            inspection(running).connections,
            lambda value: sorted(each["state"] for each in value["connections"]) == ["idle", "in_request", "reading"],
        )
        workers = asked(inspection(running).workers)
        app.open.set()
        asking.response()
    assert (answered["total"], answered["left_out"], answered["handshakes"]) == (3, 0, 0)
    by_state = {each["state"]: each for each in answered["connections"]}
    assert by_state["idle"]["requests"] == 1
    assert by_state["idle"]["path"] is None
    assert by_state["reading"]["requests"] == 0
    assert (by_state["in_request"]["method"], by_state["in_request"]["path"]) == ("GET", "/hang_in_await")
    assert all(each["client"].startswith("127.0.0.1:") for each in answered["connections"])
    assert all(each["age"] > 0 and each["protocol"] == "http/1.1" for each in answered["connections"])
    assert answered["connections"][-1]["state"] == "idle"
    (worker,) = workers["workers"]
    assert (worker["mode"], worker["connections"], worker["in_flight"]) == ("async", 3, 1)
    assert (worker["kind"], worker["generation"], worker["pid"]) == ("thread", 1, os.getpid())
    assert worker["thread"] == "target under test"
    assert worker["lag"] >= 0


def test_lists_are_bounded_and_the_rest_is_counted() -> None:
    app = Application()
    with RunningWorker(app) as running:
        clients = [running.connect() for _ in range(5)]
        for client in clients:
            client.send(GET % b"/hang_in_await")
        for _ in clients:
            assert app.begun.acquire(timeout=HANGS_AFTER)
        look = inspection(running)
        tasks = settled(look.tasks, lambda value: value["total"] == 5, limit=2)
        connections = asked(look.connections, limit=2)
        assert (len(tasks["requests"]), tasks["left_out"]) == (2, 3)
        assert (len(connections["connections"]), connections["left_out"]) == (2, 3)
        app.open.set()
        for client in clients:
            client.response()
            client.socket.close()


SHOWN = [
    ({}, "a=*&b=*&*", None),
    ({"query": True}, "a=1&b=2&secret", None),
    ({"headers": True}, "a=*&b=*&*", [["host", "x"], ["authorization", "(hidden)"], ["x-color", "blue"]]),
]


@pytest.mark.parametrize(("arguments", "query", "headers"), SHOWN)
def test_what_may_be_secret_is_hidden(arguments: dict[str, Any], query: str, headers: Any) -> None:
    app = Application()
    with RunningWorker(app) as running, running.connect() as client:
        client.send(GET % b"/hang_in_await?a=1&b=2&secret")
        assert app.begun.acquire(timeout=HANGS_AFTER)
        tasks = settled(inspection(running).tasks, lambda value: value["requests"], **arguments)
        app.open.set()
        client.response()
    (request,) = tasks["requests"]
    assert request["query"] == query
    assert request.get("headers") == headers


def test_without_listeners_ages_of_requests_are_not_known() -> None:
    app = Application()
    with RunningWorker(app) as running, running.connect() as client:
        client.send(GET % b"/hang_in_await")
        assert app.begun.acquire(timeout=HANGS_AFTER)
        assert settled(inspection(running).tasks, lambda value: value["requests"])["requests"][0]["age"] is None
        assert asked(inspection(running).connections)["connections"][0]["age"] >= 0
        app.open.set()
        client.response()


def test_a_worker_that_has_ended_has_nothing_to_tell() -> None:
    app = Application()
    with RunningWorker(app) as running, running.connect() as client:
        client.get("/")
    look = inspection(running)
    assert asked(look.connections)["connections"] == []
    assert asked(look.tasks)["loops"] == []
    (worker,) = asked(look.workers)["workers"]
    assert (worker["connections"], worker["requests_served"], worker["threads"]) == (0, 1, [])


def test_the_process_is_described() -> None:
    info = asked(Inspection(list, version="1.2.3").info)
    assert (info["pid"], info["version"]) == (os.getpid(), "1.2.3")
    assert info["python"].startswith("3.")
    assert info["rss"] > 1_000_000
    assert info["threads"] >= 1
    assert isinstance(info["gil"], bool)


def test_there_is_an_answer_to_each_question() -> None:
    look = Inspection(list)
    for answer_to in look.answers.values():
        assert asked(answer_to)["pid"] == os.getpid()
    assert set(look.answers) == {"info", "workers", "connections", "tasks"}


# -- pools -----------------------------------------------------------------------------------------------------------


def test_blocking_workers_show_what_their_threads_are_in() -> None:
    gate = Gate()
    with RunningPool(gate, 2) as running, running.connect() as client, running.connect() as idle:
        idle.get("/free")
        client.send(GET % b"/gated?x=1")
        gate.await_entries(1)
        look = inspection(running)
        # The idle client may have its answer a moment before its thread has put it away.
        tasks = settled(look.tasks, lambda value: value["total"] == 1)
        workers = settled(look.workers, lambda value: busy(value["workers"][0]) == [False, True])
        connections = settled(look.connections, lambda value: value["connections"][-1]["state"] == "idle")
        gate.open.set()
        client.response()
    (request,) = tasks["requests"]
    assert (request["path"], request["query"], request["state"]) == ("/gated", "x=*", "running")
    assert "__call__" in functions(request)
    assert request["age"] is not None
    assert request["task"].startswith("pounce-sync-")
    (worker,) = workers["workers"]
    assert (worker["mode"], worker["in_flight"], worker["connections"], worker["queued"]) == ("sync", 1, 2, 0)
    assert busy(worker) == [False, True]
    assert worker["thread_id"]
    assert worker["beat_age"] is not None
    assert [each["state"] for each in connections["connections"]] == ["in_request", "idle"]


def test_a_pool_of_loops_shows_each_thread() -> None:
    gates = Gates()
    app = by_path(block=gates.block, wait=gates.wait)
    with RunningAsyncPool(app, 2) as running, running.connect() as blocking, running.connect() as waiting:
        blocking.send(GET % b"/block")
        waiting.send(GET % b"/wait")
        gates.await_entries(2)
        look = inspection(running)
        tasks = settled(look.tasks, lambda value: value["total"] == 2, timeout=0.2)
        workers = asked(look.workers)
        with running.connect() as idle:
            idle.get("/")
            connections = settled(look.connections, lambda value: value["total"] == 3, timeout=0.2)
        gates.open.set()
        blocking.response()
        waiting.response()
    by_path_ = {each["path"]: each for each in tasks["requests"]}
    assert by_path_["/block"]["state"] == "running"
    assert "block" in functions(by_path_["/block"])
    assert by_path_["/wait"]["state"] == "waiting"
    assert functions(by_path_["/wait"])[-1] == "sleep"
    assert sorted(each["answers"] for each in tasks["loops"]).count(False) == 1
    (worker,) = workers["workers"]
    assert (worker["mode"], worker["in_flight"], worker["connections"]) == ("async_pool", 2, 2)
    assert {"parking", "shared"} <= {each["role"] for each in worker["threads"]}
    assert sorted(each["state"] for each in connections["connections"]) == ["idle", "in_request", "in_request"]


# -- while everything moves ------------------------------------------------------------------------------------------


def test_looking_harms_nothing_while_connections_come_and_go() -> None:
    app = Application()
    stop = threading.Event()
    served: list[int] = []

    with RunningWorker(app) as running:

        def knock() -> None:
            count = 0
            while not stop.is_set():
                with Client(running.address) as client:
                    client.get("/")
                    client.get("/")
                    count += 2
            served.append(count)

        clients = [threading.Thread(target=knock) for _ in range(3)]
        for client in clients:
            client.start()
        look = inspection(running)
        for _ in range(12):
            # Some of them too impatient for an answer: those look from outside.
            for answer_to in look.answers.values():
                asked(answer_to, timeout=0.01)
        stop.set()
        for client in clients:
            client.join()
        running.empties()
        end = settled(look.workers, lambda value: value["workers"][0]["requests_served"] == sum(served))
    assert len(served) == 3
    assert end["workers"][0]["connections"] == 0
