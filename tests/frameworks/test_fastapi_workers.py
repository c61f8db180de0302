"""Where a FastAPI application keeps what belongs to an event loop, with four worker threads that share it."""

# FastAPI reads signatures at run time and finds no names of functions in strings: no annotations from the future here.

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request

from pounce_asgi import ServerLifespan, SharedState
from pounce_testing import RawClient
from pounce_workers import ServingSettings, Worker, bind_tcp
from tests.frameworks.idioms import get

WORKERS = 4
HANGS_AFTER = 15.0


class Pool:
    """Like a database driver's: it answers through futures of the loop on which it was opened."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.closed = False

    async def fetch(self) -> str:
        answer: asyncio.Future[str] = self.loop.create_future()
        if asyncio.get_running_loop() is self.loop:
            self.loop.call_soon(answer.set_result, "row")
        return await answer

    def close(self) -> None:
        assert asyncio.get_running_loop() is self.loop
        self.closed = True


def serving(app: Any, on_started: Callable[[], None]) -> tuple[Worker, Any]:
    sock = bind_tcp("127.0.0.1", 0, 16)
    return Worker(app, [sock], settings=ServingSettings(), on_started=on_started), sock.getsockname()


@contextlib.contextmanager
def four_workers(make: Callable[[], Any], *, shared: SharedState | None = None) -> Iterator[list[Any]]:
    """Four worker threads, started one after another; ``make`` is called for the application of each.

    Gives where each of them listens.
    """
    threads: list[threading.Thread] = []
    workers: list[Worker] = []
    addresses = []
    try:
        for _ in range(WORKERS):
            started = threading.Event()
            worker, address = serving(make(), started.set)
            thread = threading.Thread(target=worker.run, daemon=True)
            thread.start()
            threads.append(thread)
            workers.append(worker)
            addresses.append(address)
            assert started.wait(HANGS_AFTER)
            if shared is not None:
                shared.started()
        yield addresses
    finally:
        for worker in workers:
            worker.request_stop()
        for thread in threads:
            thread.join(HANGS_AFTER)
            assert not thread.is_alive()


def statuses(addresses: list[Any]) -> list[int]:
    """What each worker answers."""
    found = []
    for host, port in addresses:
        with RawClient(host, port) as client:
            found.append(get(client, "/").status)
    return found


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "pounce.lifespan"]


def application_that_yields_its_pool(pools: list[Pool]) -> FastAPI:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        pool = Pool()
        pools.append(pool)
        yield {"pool": pool}
        pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def row(request: Request) -> str:
        found: str = await request.state.pool.fetch()
        return found

    return app


def application_with_a_pool_in_its_state() -> FastAPI:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = Pool()
        app.state.name = "shop"
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def row() -> str:
        found: str = await app.state.pool.fetch()
        return found

    return app


def test_a_pool_that_is_yielded_belongs_to_its_worker(caplog: pytest.LogCaptureFixture) -> None:
    pools: list[Pool] = []
    app = application_that_yields_its_pool(pools)
    with four_workers(lambda: app, shared=SharedState(app)) as addresses:
        assert statuses(addresses) == [200] * WORKERS
        assert len({id(pool.loop) for pool in pools}) == WORKERS
    assert all(pool.closed for pool in pools)
    assert warnings_of(caplog) == []


def test_a_pool_in_the_state_of_a_shared_application_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    app = application_with_a_pool_in_its_state()
    with four_workers(lambda: app, shared=SharedState(app)) as addresses:
        (line,) = warnings_of(caplog)
        assert "app.state.pool" in line
        assert "app.state.name" not in line
        assert "--factory" in line
        assert statuses(addresses) == [500, 500, 500, 200], "the last lifespan's pool is everybody's"


def test_it_is_right_with_a_factory(caplog: pytest.LogCaptureFixture) -> None:
    with four_workers(application_with_a_pool_in_its_state) as addresses:
        assert statuses(addresses) == [200] * WORKERS
    assert warnings_of(caplog) == []


def test_the_error_of_a_client_in_a_module_carries_the_hint(caplog: pytest.LogCaptureFixture) -> None:
    module: dict[str, Pool] = {}

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        module["client"] = Pool()
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def row() -> str:
        return await module["client"].fetch()

    with four_workers(lambda: app, shared=SharedState(app)) as addresses, caplog.at_level(logging.ERROR):
        assert warnings_of(caplog) == [], "a module is not looked into"
        assert statuses(addresses) == [500, 500, 500, 200]
    lines = [one.getMessage() for one in caplog.records if one.name == "pounce.error"]
    assert len(lines) == WORKERS - 1
    for line in lines:
        assert line.startswith("Exception in the application: GET / - ")
        assert "yield it from the lifespan as state" in line


def test_once_for_the_server() -> None:
    """What is not bound to a loop can be shared; each request has a copy of the dict, not of what is in it."""
    started: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        started.append(threading.current_thread().name)
        yield {"settings": {"name": "shop"}}

    app: Any = FastAPI(lifespan=lifespan)
    scope = ServerLifespan(app)
    assert scope.startup()
    assert scope.state == {"settings": {"name": "shop"}}
    scope.shutdown()
    assert started == ["pounce-lifespan"]
