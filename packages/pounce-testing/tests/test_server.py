"""TestServer: start, stop, and what goes wrong in between."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pounce
from pounce_asgi import AppImportError, ConfigError, LifespanError, Listeners, ResponseCompleted, Subscriber
from pounce_testing import RawClient, TestServer

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope

unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no UNIX sockets")

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": threading.current_thread().name.encode()})


def body_from(server: TestServer) -> bytes:
    with server.connect() as client:
        client.send(GET)
        return client.read_response().body


def test_it_serves_in_a_thread_of_its_own() -> None:
    with TestServer(app) as server:
        assert body_from(server) == b"TestServer"
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert server.address == (server.host, server.port)
    with pytest.raises(OSError, match="refused"):
        RawClient(*server.address)


@unix
@pytest.mark.parametrize(
    ("app", "settings"), [("nowhere_at_all:app", {}), (app, {"nosuch": 1})], ids=["app", "setting"]
)
def test_one_that_does_not_start_leaves_no_folder(
    app: object, settings: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises((AppImportError, ConfigError)):
        TestServer(app, unix=True, **settings).start()  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_module_and_its_attribute(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("application")
    (folder / "application_of_the_test.py").write_text(
        "async def app(scope, receive, send):\n"
        "    assert scope['type'] == 'http'\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'imported'})\n"
    )
    monkeypatch.syspath_prepend(folder)
    with TestServer("application_of_the_test:app") as server:
        assert body_from(server) == b"imported"


def test_a_configuration_gets_a_free_port() -> None:
    config = pounce.ServerConfig.of({"app": app, "port": 1, "root_path": "/x", "access_log": False})
    with TestServer(config) as server:
        assert server.config.exchange.root_path == "/x"
        assert body_from(server) == b"TestServer"
    with pytest.raises(TypeError, match="root_path"):
        TestServer(config, root_path="/y")


def test_a_wrong_setting_is_refused() -> None:
    with pytest.raises(ConfigError, match="timeout_keep_alive"):
        TestServer(app, timeout_keep_alive=-1)


def test_a_failed_start_is_raised_here() -> None:
    async def failing(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(LifespanError, match="startup failed"), TestServer(failing, lifespan="on"):
        pytest.fail("it cannot have started")


def test_a_failed_shutdown_is_raised_here() -> None:
    async def failing(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "still busy"})

    with pytest.raises(LifespanError, match="shutdown failed"), TestServer(failing, lifespan="on"):
        pass


def test_stopping_twice_does_nothing_more() -> None:
    with TestServer(app) as server:
        server.stop()
        server.stop()
        assert server.join(0)


def test_a_stop_that_is_only_asked_for() -> None:
    with TestServer(app) as server:
        server.request_stop()
        assert server.join(10)


def test_listeners_hear_of_requests() -> None:
    heard: list[ResponseCompleted] = []
    completed = threading.Event()

    def listen(record: ResponseCompleted) -> None:
        heard.append(record)
        completed.set()

    with TestServer(app, listeners=Listeners.of(Subscriber(listen, ResponseCompleted))) as server:
        body_from(server)
        assert completed.wait(10)
    assert [record.status for record in heard] == [200]


def test_an_address_is_only_known_once_it_is_bound() -> None:
    with pytest.raises(RuntimeError, match="not been started"):
        _ = TestServer(app).url


def test_in_a_coroutine() -> None:
    async def failing(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async def scenario() -> None:
        async with TestServer(app) as server:
            assert await asyncio.to_thread(body_from, server) == b"TestServer"
        with pytest.raises(LifespanError, match="startup failed"):
            async with TestServer(failing, lifespan="on"):
                pytest.fail("it cannot have started")

    asyncio.run(scenario())


@unix
@pytest.mark.parametrize("tls", [False, True])
def test_on_a_unix_socket(tls: bool) -> None:
    with TestServer(app, unix=True, tls=tls) as server:
        assert body_from(server) == b"TestServer"
        assert server.url == f"unix:{server.host}"
        assert server.place == server.host
        with pytest.raises(RuntimeError, match="no port"):
            _ = server.port
        with server.client() as client:
            assert client.get("/").text == "TestServer"
        folder = Path(server.host).parent
        assert folder.exists()
    assert not folder.exists()


def test_a_client_of_httpx() -> None:
    with TestServer(app, tls=True) as server:
        with server.client(http2=True, headers={"x-a": "b"}) as client:
            answer = client.get("/")
            assert (answer.http_version, answer.text) == ("HTTP/2", "TestServer")
            assert answer.request.headers["x-a"] == "b"

        async def scenario() -> str:
            async with server.async_client() as client:
                return (await client.get("/")).http_version

        assert asyncio.run(scenario()) == "HTTP/1.1"


def test_what_a_client_needs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    server = TestServer(app)
    for make in (server.client, server.async_client):
        with pytest.raises(ImportError, match=r"pip install 'pounce-testing\[httpx\]'"):
            make()


def test_worker_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "application_in_processes.py").write_text(
        "import os\n"
        "async def app(scope, receive, send):\n"
        "    assert scope['type'] == 'http'\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': str(os.getpid()).encode()})\n"
    )
    with TestServer("application_in_processes:app", app_dir=str(tmp_path), worker_kind="process") as server:
        assert int(body_from(server)) != os.getpid()


def test_pytest_does_not_collect_it() -> None:
    assert TestServer.__test__ is False
