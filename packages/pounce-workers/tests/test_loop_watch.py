"""What another thread sees of a worker's loop: whether it sleeps, what it runs, and for which request."""

from __future__ import annotations

import asyncio
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from worker_runner import HANGS_AFTER, RunningWorker, every_loop

from pounce_workers.serving.loop_watch import LoopWatch, RunningRequest, loop_watches

if TYPE_CHECKING:
    from collections.abc import Callable

OK: list[dict[str, Any]] = [
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]},
    {"type": "http.response.body", "body": b"ok"},
]


class Holding:
    """An application that holds its loop until it is let go."""

    def __init__(self) -> None:
        self.holds = threading.Event()
        self.let_go = threading.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/at-once":
            self.hold()
        elif scope["path"] == "/later":
            await asyncio.sleep(0.001)
            self.hold()
        elif scope["path"] == "/by-another":
            self.tasks.append(asyncio.create_task(self.other()))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        for message in OK:
            await send(message)

    async def other(self) -> None:
        await asyncio.sleep(0)
        self.hold()

    def hold(self) -> None:
        self.holds.set()
        assert self.let_go.wait(HANGS_AFTER)


def comes(what: Callable[[], Any]) -> Any:
    """What it gives, once that is something."""
    end = time.monotonic() + HANGS_AFTER
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.001)
    return found


@every_loop
def test_a_loop_that_waits_is_asleep_or_answers(loop: str) -> None:
    with RunningWorker(Holding(), loop, exchange={"lifespan": "off"}) as running:
        (watch,) = loop_watches(running.worker, 3)
        assert (watch.worker_id, watch.name, watch.calm) == (3, "worker", True)
        turn = watch.ask()
        assert turn is not None
        comes(lambda: watch.asleep or turn.ended)
        if loop == "asyncio":
            assert watch.asleep
            assert turn.ended or watch.ask() is None, "one at a time"
        else:
            assert turn.ended >= turn.asked


@every_loop
@pytest.mark.parametrize("path", ["/at-once", "/later"])
def test_a_loop_that_is_held_tells_by_what_and_for_whom(loop: str, path: str) -> None:
    app = Holding()
    with RunningWorker(app, loop, exchange={"lifespan": "off"}) as running, running.connect() as client:
        (watch,) = loop_watches(running.worker, 3)
        assert watch.requests_of_closed == 0
        client.send(f"GET {path}?secret=1 HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        assert app.holds.wait(HANGS_AFTER)
        try:
            turn = watch.ask()
            assert not watch.asleep
            task = watch.task()
            assert task is not None
            assert watch.request(task) == RunningRequest("GET", path, "http/1.1", client.socket.getsockname())
            functions = [frame.function for frame in watch.stack()]
            assert functions[functions.index("hold") - 1] == "__call__"
        finally:
            app.let_go.set()
        client.response()
        assert turn is None or comes(lambda: turn.ended) >= turn.asked
        client.socket.close()
        assert comes(lambda: watch.requests_of_closed) == 1


def test_a_task_of_no_request_is_not_given_one() -> None:
    app = Holding()
    with RunningWorker(app, exchange={"lifespan": "off"}) as running, running.connect() as client:
        (watch,) = loop_watches(running.worker, 3)
        client.send(b"GET /by-another HTTP/1.1\r\nhost: a\r\n\r\n")
        assert app.holds.wait(HANGS_AFTER)
        try:
            assert watch.request(watch.task()) is None
        finally:
            app.let_go.set()
        client.response()
    assert watch.request(None) is None


@every_loop
def test_the_tasks_of_requests_are_told_in_the_loop(loop: str) -> None:
    seen: list[tuple[int, int]] = []
    waiting, go_on = threading.Event(), asyncio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        waiting.set()
        await go_on.wait()
        for message in OK:
            await send(message)

    with RunningWorker(app, loop, exchange={"lifespan": "off"}) as running, running.connect() as client:
        (watch,) = loop_watches(running.worker, 3)
        client.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert waiting.wait(HANGS_AFTER)
        assert watch.ask_requests(lambda tasks: seen.append((len(tasks), threading.get_ident())))
        comes(lambda: seen)
        assert seen == [(1, watch.thread_id)]
        watch.loop.call_soon_threadsafe(go_on.set)
        client.response()
    assert not loop_watches(running.worker, 3), "it serves no more"
    assert not watch.ask_requests(print)


def test_loops_of_one_request_are_not_watched() -> None:
    def one(role: str) -> Any:
        return SimpleNamespace(role=role, thread_id=1, loop=object(), server=object())

    worker: Any = SimpleNamespace(served_loops=[one(role) for role in ("parking", "front", "pool", "shared", "worker")])
    assert [watch.name for watch in loop_watches(worker, 0)] == ["shared", "worker"]


@pytest.mark.parametrize(
    ("draining", "retiring", "calm"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_one_that_has_been_told_to_end_is_not_calm(draining: bool, retiring: bool, calm: bool) -> None:
    server: Any = SimpleNamespace(wire=SimpleNamespace(draining=draining, retiring=retiring))
    loop: Any = None
    assert LoopWatch(0, "worker", 0, loop, server).calm is calm


def test_requests_on_streams_are_found() -> None:
    task: Any = object()

    def exchange(path: bytes, task: object) -> Any:
        return SimpleNamespace(
            task=task,
            head=SimpleNamespace(method="POST", raw_path=path),
            context=SimpleNamespace(protocol="h2"),
            peer=SimpleNamespace(client=("192.0.2.1", 5)),
        )

    streams = {
        1: SimpleNamespace(exchange=None),
        3: SimpleNamespace(exchange=exchange(b"/other", object())),
        5: SimpleNamespace(exchange=SimpleNamespace(exchange=exchange(b"/socket", task))),
    }
    server: Any = SimpleNamespace(wire=SimpleNamespace(connections={_Connection(streams)}))
    loop: Any = None
    found = LoopWatch(0, "worker", 0, loop, server).request(task)
    assert found == RunningRequest("POST", "/socket", "h2", ("192.0.2.1", 5))


class _Connection:
    def __init__(self, streams: Any) -> None:
        self.streams = streams
