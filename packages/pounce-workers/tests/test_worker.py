"""The worker's life on real sockets: how it starts, stops, and what must not hold it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import threading
import time
from typing import Any

import anyio.to_thread
import pytest
from http1_driver import answer, echo_path, read_body
from worker_runner import HANGS_AFTER, RunningWorker, every_loop

from pounce_asgi import LifespanError
from pounce_workers import ServingSettings, Worker, WorkerSettings, bind_tcp

pytestmark = every_loop


class Lifecycle:
    """Notes its lifespan; answers ``/wait`` when it is let, anything else at once."""

    def __init__(self, *, startup: str = "complete", shutdown: str = "complete") -> None:
        self.events: list[str] = []
        self.begun = threading.Event()
        self.release = threading.Event()
        self.startup = startup
        self.shutdown = shutdown

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if scope["path"] == "/wait":
            self.begun.set()
            try:
                await asyncio.to_thread(self.release.wait)
            except asyncio.CancelledError:
                self.events.append("cancelled")
                raise
        await answer(send, scope["path"].encode())

    async def _lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if self.startup == "exit":
            raise SystemExit(3)
        if self.startup == "failed":
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            return
        scope["state"]["answer"] = 42
        self.events.append("startup")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        # It takes its time, as closing a pool does: longer than any grace for what is merely cancelled.
        await asyncio.sleep(0.6 if self.shutdown == "slow" else 0)
        self.events.append("shutdown")
        if self.shutdown == "failed":
            await send({"type": "lifespan.shutdown.failed", "message": "cannot"})
        else:
            await send({"type": "lifespan.shutdown.complete"})


# -- starting --------------------------------------------------------------------------------------------------------


def test_requests_find_the_lifespans_state(loop: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["answer"] = 42
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        seen.append(scope["state"].get("answer"))
        scope["state"]["answer"] = "of one request"
        await answer(send)

    with RunningWorker(app, loop) as worker, worker.connect() as client:
        client.get()
        client.get()
    assert seen == [42, 42]


@pytest.mark.parametrize("startup", ["failed", "exit"])
def test_a_startup_that_fails(loop: str, startup: str, caplog: pytest.LogCaptureFixture) -> None:
    worker = RunningWorker(Lifecycle(startup=startup), loop)
    with caplog.at_level(logging.ERROR):
        worker.start()
        assert isinstance(worker.take_error(), LifespanError)
    assert "pounce.lifespan" in {record.name for record in caplog.records}
    with pytest.raises(ConnectionError), socket.create_connection(worker.address, 5):
        pass


def test_a_stop_that_came_before_the_start(loop: str) -> None:
    app = Lifecycle()
    worker = RunningWorker(app, loop)
    worker.stop()
    worker.start()
    assert worker.take_error() is None
    assert app.events in ([], ["startup", "shutdown"])


def test_within_a_loop_that_runs_already(loop: str) -> None:
    """``serve()`` in somebody else's loop: another task of it is the client."""
    app = Lifecycle()

    async def main() -> None:
        sock = bind_tcp("127.0.0.1", 0, 16)
        started = asyncio.Event()
        worker = Worker(app, [sock], settings=ServingSettings(), on_started=started.set)
        serving = asyncio.ensure_future(worker.serve())
        await started.wait()
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        writer.write(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"/hello")
        writer.close()
        worker.request_stop()
        await asyncio.wait_for(serving, HANGS_AFTER)

    if loop == "uvloop":
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    else:
        runner = asyncio.Runner()
    with runner:
        runner.run(main())
    assert app.events == ["startup", "shutdown"]


# -- stopping --------------------------------------------------------------------------------------------------------


def test_a_graceful_stop(loop: str) -> None:
    app = Lifecycle(shutdown="slow")
    with (
        RunningWorker(app, loop) as worker,
        worker.connect() as idle,
        worker.connect() as busy,
        worker.connect() as new,
    ):
        assert idle.get("/1").body == b"/1"
        busy.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert app.begun.wait(HANGS_AFTER)
        worker.stop()
        assert idle.at_end()
        assert new.at_end()
        with pytest.raises(ConnectionError):
            worker.connect()
        assert app.events == ["startup"]
        app.release.set()
        response = busy.response()
        assert (response.body, response.closes) == (b"/wait", True)
        assert busy.at_end()
        assert worker.take_error() is None
    assert app.events == ["startup", "shutdown"]


def test_a_stop_with_nothing_to_do_is_quick(loop: str) -> None:
    app = Lifecycle()
    with RunningWorker(app, loop) as worker, worker.connect() as client:
        client.get()
        began = time.monotonic()
        worker.stop()
        assert client.at_end()
        assert worker.join()
        assert time.monotonic() - began < 2
    assert app.events == ["startup", "shutdown"]


def test_a_second_stop_does_not_wait(loop: str) -> None:
    app = Lifecycle(shutdown="slow")
    try:
        with RunningWorker(app, loop, graceful_timeout=60.0) as worker, worker.connect() as client:
            client.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            assert app.begun.wait(HANGS_AFTER)
            worker.stop()
            assert not worker.join(0.1)
            began = time.monotonic()
            worker.stop()
            assert worker.take_error() is None
            assert time.monotonic() - began < 3
            with contextlib.suppress(ConnectionResetError):
                client.socket.recv(65536)
            assert client.at_end()
    finally:
        app.release.set()
    assert app.events == ["startup", "cancelled", "shutdown"]


def test_the_graceful_time_has_an_end(loop: str, caplog: pytest.LogCaptureFixture) -> None:
    app = Lifecycle()
    try:
        with RunningWorker(app, loop, graceful_timeout=0.2) as worker, worker.connect() as client:
            client.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            assert app.begun.wait(HANGS_AFTER)
            began = time.monotonic()
            worker.stop()
            assert worker.take_error() is None
            assert 0.2 <= time.monotonic() - began < 1.2
    finally:
        app.release.set()
    assert app.events == ["startup", "cancelled", "shutdown"]
    assert "Stopping with 1 connection open and 1 request unfinished" in caplog.text


def test_a_client_that_keeps_a_request_half_sent_does_not_hold_the_stop(loop: str) -> None:
    with RunningWorker(echo_path, loop, graceful_timeout=0.2) as worker, worker.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHo")
        with worker.connect() as other:
            other.get()
        began = time.monotonic()
        worker.stop()
        assert worker.take_error() is None
        assert time.monotonic() - began < 1.2
        assert client.at_end()


@pytest.mark.parametrize("kind", ["executor", "anyio"])
def test_a_blocked_thread_does_not_hold_the_exit(loop: str, kind: str) -> None:
    begun, release = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        release.wait(60)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        if kind == "anyio":
            await anyio.to_thread.run_sync(block)
        else:
            await asyncio.get_running_loop().run_in_executor(None, block)

    try:
        with RunningWorker(app, loop, graceful_timeout=0.2) as worker, worker.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert begun.wait(HANGS_AFTER)
            began = time.monotonic()
            worker.stop()
            assert worker.take_error() is None
            assert time.monotonic() - began < 1.2
    finally:
        release.set()


def test_an_application_that_resists_its_cancellation_does_not_hold_the_exit(
    loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    begun = threading.Event()
    resisting = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        while not resisting.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                begun.set()
                await asyncio.sleep(0.05)

    with RunningWorker(app, loop, graceful_timeout=0.2) as worker, worker.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(HANGS_AFTER)
        began = time.monotonic()
        worker.stop()
        assert worker.join(10)
        resisting.set()
        assert time.monotonic() - began < 1.7
        worker.take_error()
    del worker, client
    gc.collect()
    assert "does not heed its cancellation and is left behind: <Task" in caplog.text
    assert "Task was destroyed" not in caplog.text


# -- every way out ---------------------------------------------------------------------------------------------------


def test_a_shutdown_that_fails(loop: str, caplog: pytest.LogCaptureFixture) -> None:
    worker = RunningWorker(Lifecycle(shutdown="failed"), loop).start()
    worker.stop()
    assert isinstance(worker.take_error(), LifespanError | None)
    assert "cannot" in caplog.text


@pytest.mark.parametrize("where", ["at once", "later", "in a task of its own"])
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_an_application_that_ends_the_process(loop: str, where: str, kind: type[BaseException]) -> None:
    """``run()`` ends as ``asyncio.run()`` would, with that exception, and the lifespan is shut down all the same."""
    life = Lifecycle(shutdown="slow")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" or scope["path"] != "/exit":
            await life(scope, receive, send)
            return
        if where == "later":
            await asyncio.sleep(0.01)
        if where == "in a task of its own":
            await asyncio.create_task(leave())
        raise kind(7)

    async def leave() -> None:
        raise kind(7)

    worker = RunningWorker(app, loop).start()
    with worker.connect() as other, worker.connect() as client:
        assert other.get("/other").body == b"/other"
        client.send(b"GET /exit HTTP/1.1\r\nHost: x\r\n\r\n")
        error = worker.take_error()
        assert type(error) is kind
        assert error.args == (7,)
        # It got a 500 or nothing, and either way its end.
        with contextlib.suppress(ConnectionResetError):
            while client.socket.recv(65536):
                pass
        assert other.at_end()
    assert life.events == ["startup", "shutdown"]


def test_serve_that_is_cancelled(loop: str) -> None:
    app = Lifecycle(shutdown="slow")

    async def main() -> None:
        started = asyncio.Event()
        settings = ServingSettings(worker=WorkerSettings(loop=loop))  # type: ignore[arg-type]
        worker = Worker(app, [bind_tcp("127.0.0.1", 0, 16)], settings=settings, on_started=started.set)
        serving = asyncio.ensure_future(worker.serve())
        await started.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(main())
    assert app.events == ["startup", "shutdown"]


def test_nothing_is_left_behind(loop: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await asyncio.to_thread(threading.get_ident)
        await answer(send, await read_body(receive))

    before = set(threading.enumerate())
    with RunningWorker(app, loop) as worker, worker.connect() as client:
        client.get()
    deadline = time.monotonic() + HANGS_AFTER
    for thread in set(threading.enumerate()) - before:
        thread.join(max(deadline - time.monotonic(), 0))
    assert set(threading.enumerate()) <= before
    assert worker.socket.fileno() == -1
