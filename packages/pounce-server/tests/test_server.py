"""The life of a server, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import logging
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pytest

import pounce
from pounce import AppImportError, BindError, LifespanError, Listeners, Server, ServerConfig, life, preparation
from pounce.overview import Overview
from pounce_workers import GilCulprit, GilWatch
from pounce_workers.supervision.departures import BLOCKED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pounce_asgi import ResponseCompleted


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def failing_startup(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


def config(application: Any = app, **settings: Any) -> ServerConfig:
    return ServerConfig.of({"app": application, "port": 0, "log_format": "text"} | settings)


def get(server: Server) -> bytes:
    address = server.addresses[0]
    connection = http.client.HTTPConnection(address.host, address.port, timeout=10)
    try:
        connection.request("GET", "/items?q=1")
        return connection.getresponse().read()
    finally:
        connection.close()


def _get_nothing(server: Server) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        get(server)


class Running:
    """A server in a thread of its own, and what its method returned or raised."""

    def __init__(self, server: Server, run: Callable[[], object]) -> None:
        self.server = server
        self.outcome: object = None

        def work() -> None:
            try:
                self.outcome = run()
            except BaseException as error:  # noqa: BLE001 - handed to the test
                self.outcome = error

        self.thread = threading.Thread(target=work)

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.server.wait_until_started(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.request_stop()
        self.thread.join(10)
        assert not self.thread.is_alive()


def running_now(settings: ServerConfig) -> Running:
    server = Server(settings)
    return Running(server, server.run)


def test_run_serves_until_it_is_asked_to_stop(capsys: pytest.CaptureFixture[str]) -> None:
    server = Server(config())
    assert (server.started, server.addresses) == (False, ())
    with Running(server, server.run) as running:
        assert server.started
        address = server.addresses[0]
        assert get(server) == b"hello"
    assert running.outcome == 0
    assert server.addresses == ()
    out, err = capsys.readouterr()
    assert '"GET /items?q=1 HTTP/1.1" 200 5' in out
    assert f"INFO:     Listening on {address.url} (Ctrl+C stops)" in err


@pytest.mark.parametrize(("workers", "kind"), [(1, "auto"), (2, "thread")])
def test_a_limit_that_threads_cannot_keep_is_said_once(
    capsys: pytest.CaptureFixture[str], workers: int, kind: str
) -> None:
    server = Server(config(workers=workers, worker_kind=kind, workers_max_rss=512))
    with Running(server, server.run):
        pass
    assert capsys.readouterr().err.count("workers_max_rss has no effect on worker threads") == 1


def test_who_switches_the_gil_on_while_it_serves_is_said_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Semaphore(0)

    class Watch(GilWatch):
        late: ClassVar = [GilCulprit(modules=("_brotli",), certain=False)]

        def look_again(self) -> GilCulprit | None:
            looked.release()
            return self.late.pop() if self.late else None

    monkeypatch.setattr(preparation, "GilWatch", Watch)
    with running_now(config(workers=2, worker_kind="thread")) as running:
        for _ in range(2):
            assert looked.acquire(timeout=10)
    assert running.outcome == 0
    err = capsys.readouterr().err
    assert err.count("The GIL is on: '_brotli' is not ready for free threading") == 1
    assert "--worker-kind process (2 worker threads share the GIL now)" in err


def test_what_settings_import_is_watched_like_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []

    class Watch(GilWatch):
        entered = False

        def __enter__(self) -> Self:
            Watch.entered = True
            return super().__enter__()

        def __exit__(self, *exc_info: object) -> None:
            Watch.entered = False
            super().__exit__(*exc_info)

    def noting(name: str, before: Callable[..., Any]) -> Callable[..., Any]:
        def note(*args: Any, **kwargs: Any) -> Any:
            seen.append((name, Watch.entered))
            return before(*args, **kwargs)

        return note

    monkeypatch.setattr(preparation, "GilWatch", Watch)
    names = ("quic_certificates", "opened_certificates", "begin_error_reports", "import_chain")
    for name in names:
        monkeypatch.setattr(preparation, name, noting(name, getattr(preparation, name)))
    with running_now(config()):
        pass
    assert seen == [(name, True) for name in names]


def test_the_access_log_can_be_off(capsys: pytest.CaptureFixture[str]) -> None:
    server = Server(config(access_log=False))
    with Running(server, server.run):
        get(server)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("access_log", [True, False])
def test_listeners_hear_beside_the_access_log(access_log: bool, capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[ResponseCompleted] = []
    server = Server(config(access_log=access_log), listeners=Listeners(response_completed=heard.append))
    with Running(server, server.run):
        get(server)
    assert [record.raw_path for record in heard] == [b"/items"]
    assert ("GET /items" in capsys.readouterr().out) is access_log


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_several_workers_serve(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    server = Server(config(workers=2, worker_kind=kind))
    with Running(server, server.run):
        assert get(server) == b"hello"
    out, err = capfd.readouterr()
    assert '"GET /items?q=1 HTTP/1.1" 200 5' in out
    assert f"workers:     2 {'threads' if kind == 'thread' else 'processes'}: asked for" in err


def test_the_third_request_to_stop_waits_for_no_worker(caplog: pytest.LogCaptureFixture) -> None:
    entered, release = threading.Event(), threading.Event()

    async def blocking(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            entered.set()
            release.wait(20)

    server = Server(config(blocking, workers=2, worker_kind="thread"))
    with Running(server, server.serve_blocking) as running:
        client = threading.Thread(target=_get_nothing, args=(server,))
        client.start()
        assert entered.wait(10)
        for _ in range(3):
            server.request_stop()
        running.thread.join(BLOCKED / 2)
        assert not running.thread.is_alive(), "sooner than it would be given up anyway"
        release.set()
        client.join()
    assert running.outcome is None
    assert "does not end and is left behind" in caplog.text


def test_a_stop_that_comes_first_is_not_lost() -> None:
    server = Server(config())
    server.request_stop()
    assert server.run() == 0


def test_a_server_serves_once() -> None:
    server = Server(config())
    server.request_stop()
    server.serve_blocking()
    with pytest.raises(RuntimeError, match="serves once"):
        server.serve_blocking()


def test_what_a_running_loop_cannot_have_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async def main(**settings: Any) -> None:
        server = Server(config(**settings))
        server.request_stop()
        await server.serve()

    asyncio.run(main())
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
    asyncio.run(main(workers=4, limit_max_requests=10))
    assert "so there is no effect of workers, limit_max_requests;" in caplog.text


def test_embedded_in_a_running_loop(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(config())

    async def main() -> bytes:
        task = asyncio.create_task(server.serve())
        await asyncio.to_thread(server.wait_until_started, 10)
        body = await asyncio.to_thread(get, server)
        server.request_stop()
        await task
        return body

    with caplog.at_level(logging.INFO, "pounce"):
        assert asyncio.run(main()) == b"hello"
    assert any('"GET /items?q=1 HTTP/1.1" 200 5' in message for message in caplog.messages)
    assert logging.getLogger("pounce").handlers == []


def test_embedded_it_raises_what_goes_wrong() -> None:
    with pytest.raises(AppImportError):
        asyncio.run(Server(config("no_such_module_anywhere:app")).serve())
    with pytest.raises(LifespanError):
        asyncio.run(Server(config(failing_startup)).serve())
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(BindError):
        asyncio.run(Server(config(port=other.getsockname()[1])).serve())


def test_waiting_ends_when_it_fails() -> None:
    server = Server(config(failing_startup))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert not server.wait_until_started(10)
    thread.join(10)
    assert not server.started


@pytest.mark.parametrize(
    ("application", "settings", "code", "line"),
    [
        ("no_such_module_anywhere:app", {}, 2, "there is no module 'no_such_module_anywhere'"),
        (lambda: app, {}, 2, "--factory"),
        (failing_startup, {}, 1, "application startup failed"),
        (app, {"fd": 0}, 1, "cannot listen on file descriptor 0: "),
        (app, {"app_dir": "/no/such/folder", "uds": "/no/such/folder/x"}, 1, "cannot listen on unix:/no/such/folder/x"),
    ],
)
def test_what_goes_wrong_is_a_line_and_a_code(
    capsys: pytest.CaptureFixture[str], application: Any, settings: dict[str, Any], code: int, line: str
) -> None:
    assert Server(config(application, **settings)).run() == code
    err = capsys.readouterr().err
    last = err.splitlines()[-1]
    assert last.startswith("ERROR:    ")
    assert line in last
    assert "Traceback" not in err


@pytest.mark.parametrize("level", ["critical", "error"])
def test_no_level_hides_why_it_does_not_serve(capsys: pytest.CaptureFixture[str], level: str) -> None:
    assert Server(config("no_such_module_anywhere:app", log_level=level)).run() == 2
    assert "there is no module" in capsys.readouterr().err


@pytest.mark.parametrize(("loop", "module"), [("asyncio", "asyncio"), ("uvloop", "uvloop")])
def test_loops(loop: str, module: str) -> None:
    pytest.importorskip(module)
    server = Server(config(loop=loop))
    with Running(server, server.run):
        assert get(server) == b"hello"


@pytest.mark.parametrize(("http_engine", "module"), [("fast", "asyncio"), ("h11", "h11")])
def test_engines(http_engine: str, module: str) -> None:
    pytest.importorskip(module)
    server = Server(config(http=http_engine))
    with Running(server, server.run):
        assert get(server) == b"hello"


@pytest.mark.parametrize(("setting", "extra"), [({"loop": "uvloop"}, "uvloop"), ({"http": "h11"}, "h11")])
def test_missing_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: dict[str, str], extra: str
) -> None:
    monkeypatch.setattr("pounce.features.Feature.installed", property(lambda self: False))
    assert Server(config(**setting)).run() == 2
    assert f"pip install 'pounce-server[{extra}]'" in capsys.readouterr().err


def test_unix_socket_is_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "it.sock"
    server = Server(config(uds=str(path)))
    with Running(server, server.run):
        assert path.is_socket()
        assert server.addresses[0].url == f"unix:{path}"
    assert not path.exists()


def test_a_socket_file_of_another_server_stays(tmp_path: Path) -> None:
    path = tmp_path / "it.sock"
    server = Server(config(uds=str(path)))
    with socket.socket(socket.AF_UNIX) as other, Running(server, server.run):
        path.unlink()
        other.bind(str(path))
    assert path.is_socket()


def test_run_takes_flat_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ServerConfig] = []

    def run(self: Server) -> int:
        seen.append(self.config)
        return 0

    monkeypatch.setattr(Server, "run", run)
    pounce.run(app, port=5, timeout_keep_alive=2)
    assert seen == [ServerConfig.of({"app": app, "port": 5, "timeout_keep_alive": 2.0})]


def test_run_exits_when_it_cannot_serve() -> None:
    with pytest.raises(SystemExit) as caught:
        pounce.run("no_such_module_anywhere:app")
    assert caught.value.code == 2


async def leaving(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        raise SystemExit(5)


@pytest.mark.parametrize("workers", [1, 3])
def test_an_application_that_ends_the_process_ends_the_server(workers: int) -> None:
    server = Server(config(leaving, workers=workers, worker_kind="thread"))
    with Running(server, server.serve_blocking) as running:
        address = server.addresses[0]
        with contextlib.suppress(OSError), socket.create_connection((address.host, address.port or 0), 10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while client.recv(4096):
                pass
        running.thread.join(10)
        assert not running.thread.is_alive()
    assert isinstance(running.outcome, SystemExit)
    assert running.outcome.code == 5


def blocking(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"blocking"]


def test_cancelling_serve_ends_blocking_workers_too() -> None:
    server = Server(config(blocking))

    async def main() -> None:
        serving = asyncio.create_task(server.serve())
        assert await asyncio.to_thread(server.wait_until_started, 10)
        address = server.addresses[0]
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"blocking")
        writer.close()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(main())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pounce-")]


@pytest.mark.parametrize(
    "distribution",
    [
        "distributor",
        pytest.param("reuseport", marks=pytest.mark.skipif(sys.platform != "linux", reason="it is Linux's")),
    ],
)
def test_an_embedded_server_leaves_the_garbage_of_its_program_alone(distribution: str) -> None:
    server = Server(config(worker_kind="thread", workers=2, distribution=distribution))
    thresholds = gc.get_threshold()
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        not_frozen: list[list[int]] = [[] for _ in range(20_000)]
        with Running(server, server.serve_blocking):
            assert get(server) == b"hello"
            assert gc.get_threshold() == thresholds
            assert gc.get_freeze_count() < frozen + len(not_frozen)
        assert gc.get_freeze_count() > frozen / 2
    finally:
        gc.unfreeze()


def test_a_stop_that_comes_while_garbage_is_collected_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the import nothing is raised by the handler: it would be lost in a callback of the collector."""

    class Interrupted(Overview):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            gc.callbacks.append(stop_once)
            gc.collect()

    def stop_once(*_: object) -> None:
        gc.callbacks.remove(stop_once)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(life, "Overview", Interrupted)
    assert Server(config()).run() == 0
