"""Subscriptions in a server as it runs: in threads, in processes, with blocking workers, through reloads."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce.events import (
    BufferedCollector,
    ConnectionClosed,
    ConnectionOpened,
    RequestStarted,
    ResponseCompleted,
    subscribe,
)
from pounce_testing import RawClient, TestServer
from tests.end_to_end.http2_client import Http2Client
from tests.under_load.running import RunningServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GET: Final = b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def wsgi(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


WORKERS: Final[dict[str, tuple[Any, dict[str, Any]]]] = {
    "one async worker": (hello, {}),
    "async workers": (hello, {"workers": 2, "worker_kind": "thread"}),
    "a blocking pool": (wsgi, {"interface": "wsgi"}),
    "a pool of loops": (hello, {"worker_mode": "sync"}),
}


def talk(server: TestServer, requests: int) -> None:
    with RawClient("127.0.0.1", server.port) as client:
        for number in range(requests):
            client.send(GET % str(number).encode())
            assert client.read_response().body == b"ok"


@pytest.mark.parametrize(("app", "settings"), WORKERS.values(), ids=WORKERS)
def test_who_subscribes_while_workers_run_hears_of_what_begins_then(app: Any, settings: dict[str, Any]) -> None:
    with TestServer(app, **settings) as server:
        talk(server, 1)
        collector = BufferedCollector()
        subscription = subscribe(collector)
        talk(server, 3)
        heard: list[Any] = []

        def ended() -> bool:
            heard.extend(collector.take())
            return any(isinstance(record, ConnectionClosed) and record.requests == 3 for record in heard)

        wait_until(ended, "the connection is closed")
        (opened,) = [record for record in heard if isinstance(record, ConnectionOpened)]
        mine = [record for record in heard if getattr(record, "connection_id", 0) == opened.connection_id]
        names = [type(record).__name__ for record in mine]
        a_request = ["RequestStarted", "ResponseStarted", "ResponseCompleted"]
        assert names == ["ConnectionOpened", *a_request * 3, "ConnectionClosed"]
        assert {record.protocol for record in mine} == {"http/1.1"}
        subscription.cancel()
        talk(server, 1)
        assert collector.take() == []
        assert collector.dropped == 0


@pytest.mark.parametrize("tls", [False, True], ids=["in the clear", "TLS without ALPN"])
@pytest.mark.parametrize("kind", ["a blocking pool", "a pool of loops"])
def test_a_connection_that_goes_to_the_loop_beside_the_threads_is_told_to_have_moved(kind: str, tls: bool) -> None:
    app, settings = WORKERS[kind]
    collector = BufferedCollector()
    heard: list[Any] = []
    with (
        subscribe(collector),
        TestServer(app, **settings, tls=tls) as server,
    ):
        with Http2Client(server.connect()) as client:
            assert client.request("GET", "/") == (200, b"ok")

        def ended() -> bool:
            records = collector.take()
            heard.extend(record for record in records if isinstance(record, ConnectionOpened | ConnectionClosed))
            return any(isinstance(record, ConnectionClosed) and record.requests == 1 for record in heard)

        wait_until(ended, "the connection is closed")
    first, left, moved, closed = heard
    assert [first.protocol, first.moved, left.protocol, left.requests] == ["http/1.1", False, "http/1.1", 0]
    assert [moved.protocol, moved.moved, closed.protocol, closed.began_as] == ["http/1.1", True, "h2", "http/1.1"]


def test_a_failing_listener_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def bad(_record: object) -> None:
        raise RuntimeError("broken")

    with subscribe(bad, RequestStarted, ResponseCompleted), TestServer(hello) as server:
        talk(server, 2)
    assert Counter(record.name for record in caplog.records if record.name == "pounce.error") == {"pounce.error": 4}


def test_a_coroutine_function_is_refused() -> None:
    async def later(_record: object) -> None: ...

    class Later:
        async def __call__(self, _record: object) -> None: ...

    for listener in (later, Later()):
        with pytest.raises(TypeError, match="coroutine function"):
            subscribe(listener)


CODE: Final = """
import json, os
from pounce.events import ResponseCompleted, RequestStarted, subscribe

WHERE = {where!r}

def note(record):
    line = json.dumps([{name!r}, type(record).__name__, record.raw_path.decode(), os.getpid()])
    file = os.open("heard", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(file, line.encode() + b"\\n")
    os.close(file)

def listen():
    subscribe(note, ResponseCompleted)

if WHERE == "import":
    listen()

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        subscription = subscribe(note, ResponseCompleted) if WHERE == "lifespan" else None
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        if subscription is not None:
            subscription.cancel()
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"{size}")]}})
    await send({{"type": "http.response.body", "body": {body!r}}})
"""

KINDS: Final = {
    "solo": ("--workers", "1"),
    "threads": ("--worker-kind", "thread", "--workers", "2"),
    "processes": ("--worker-kind", "process", "--workers", "2"),
}


def write_code(folder: Path, name: str, where: str) -> None:
    code = CODE.format(name=name, where=where, body=name.encode(), size=len(name))
    (folder / "app.py").write_text(code, encoding="utf-8")


def ask(server: RunningServer, path: str) -> str:
    with RawClient("127.0.0.1", server.port) as client:
        client.send(f"GET /{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        return client.read_response().body.decode()


def heard_in(folder: Path) -> list[list[Any]]:
    file = folder / "heard"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP to send")
# In threads each worker runs a lifespan, and what one of them subscribes hears of all workers.
@pytest.mark.parametrize(
    ("kind", "where"), [("solo", "lifespan"), ("solo", "import"), ("threads", "import"), ("processes", "lifespan")]
)
def test_after_a_reload_nothing_is_told_twice(tmp_path: Path, kind: str, where: str) -> None:
    write_code(tmp_path, "first", where)
    with RunningServer(tmp_path, *KINDS[kind]) as server:
        asked: list[tuple[str, str]] = []

        def tell(count: int, prefix: str) -> None:
            asked.extend((ask(server, f"{prefix}{number}"), f"/{prefix}{number}") for number in range(count))

        tell(8, "a")
        write_code(tmp_path, "second", where)
        server.signal(signal.SIGHUP)
        wait_until(lambda: [ask(server, "waiting") for _ in range(4)] == ["second"] * 4, "the new code serves")
        tell(8, "b")

        def told() -> list[tuple[str, str]]:
            return sorted((name, path) for name, _, path, _ in heard_in(tmp_path) if path != "/waiting")

        wait_until(lambda: len(told()) >= len(asked), "all are noted")
        assert told() == sorted(asked)
        assert {name for name, _ in asked} == {"first", "second"}
        assert server.stop() == 0
