"""What ``worker_mode`` chooses."""

from __future__ import annotations

import asyncio
import http.client
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pounce import Server, ServerConfig
from pounce.fresh_import import FreshImport
from pounce.worker_factory import WorkerFactory
from pounce_workers import AsyncWorkerPool, SyncWorkerPool, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

HANGS_AFTER = 15.0


class App:
    """Counts its lifespans, and answers with the name of the thread that called it and what lifespan left it."""

    def __init__(self) -> None:
        self.startups = self.shutdowns = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            assert (await receive())["type"] == "lifespan.startup"
            self.startups += 1
            scope["state"]["number"] = self.startups
            await send({"type": "lifespan.startup.complete"})
            assert (await receive())["type"] == "lifespan.shutdown"
            self.shutdowns += 1
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = f"{threading.current_thread().name} {scope['state']['number']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def wsgi(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("content-length", "2")])
    return [b"ok"]


def config(app: Any, **settings: Any) -> ServerConfig:
    return ServerConfig.of({"app": app, "port": 0, "access_log": False, "sync_threads": 2} | settings)


@pytest.mark.parametrize(
    ("app", "mode", "kind"),
    [
        (App(), "auto", Worker),
        (App(), "async", Worker),
        (App(), "sync", AsyncWorkerPool),
        (wsgi, "auto", SyncWorkerPool),
        (wsgi, "async", Worker),
        (wsgi, "sync", SyncWorkerPool),
    ],
)
def test_which_worker_serves(app: Any, mode: str, kind: type) -> None:
    settings = config(app, worker_mode=mode)
    importer = FreshImport(app, factory=False, app_dir="")
    try:
        factory = WorkerFactory(settings, importer.load())
        try:
            worker = factory.make(0, lambda: None)
            assert type(worker) is kind
            if isinstance(worker, SyncWorkerPool):
                worker.lot.close()  # as its end would
        finally:
            factory.close()
    finally:
        importer.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_one_lifespan_serves_all_threads(workers: int) -> None:
    app = App()
    server = Server(config(app, worker_mode="sync", workers=workers, worker_kind="thread"))
    thread = threading.Thread(target=server.serve_blocking)
    thread.start()
    try:
        assert server.wait_until_started(HANGS_AFTER)
        address = server.addresses[0]
        answers = []
        for _ in range(4):
            client = http.client.HTTPConnection(address.host, address.port, timeout=HANGS_AFTER)
            client.request("GET", "/")
            answers.append(client.getresponse().read().split())
            client.close()
        assert all(name.startswith(b"pounce-async-") and number == b"1" for name, number in answers)
        assert (app.startups, app.shutdowns) == (1, 0)
    finally:
        server.request_stop()
        thread.join(HANGS_AFTER)
    assert not thread.is_alive()
    assert (app.startups, app.shutdowns) == (1, 1)


def test_within_a_loop_of_the_program() -> None:
    async def program() -> bytes:
        server = Server(config(App(), worker_mode="sync"))
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - it tells other threads of its start, not this one
            await asyncio.sleep(0.001)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.addresses[0].port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), HANGS_AFTER)
        writer.close()
        server.request_stop()
        await asyncio.wait_for(serving, HANGS_AFTER)
        return answer

    assert asyncio.run(program()).split(b"\r\n\r\n")[1].startswith(b"pounce-async-")


class _EndsMeanwhile(WorkerFactory):
    """Its last worker ends, in another thread, while one is made: the state is gone at the second look."""

    looks = 0

    @property
    def _shared_state(self) -> Any:
        self.looks += 1
        return self._kept if self.looks == 1 else None

    @_shared_state.setter
    def _shared_state(self, state: Any) -> None:
        self._kept = state


def test_a_worker_that_is_made_while_all_others_end_is_made() -> None:
    importer = FreshImport(App(), factory=False, app_dir="")
    try:
        factory = _EndsMeanwhile(config(App(), workers=2), importer.load())
        assert type(factory.make(0, lambda: None)) is Worker
        assert factory.looks == 1
    finally:
        importer.close()
