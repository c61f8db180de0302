"""Metrics over HTTP: on a path of the application's server, and on a port of their own."""

from __future__ import annotations

import asyncio
import gzip
import threading
from typing import Any

import pytest
from metrics_records import alone, settings

from pounce_observability.metrics import Metrics, MetricsApp, MetricsMiddleware


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": scope["type"].encode()})


TOTALS = alone(Metrics(settings(), application=False))


def ask(app: Any, path: str = "/metrics", method: str = "GET", kind: str = "http", **more: Any) -> tuple[Any, ...]:
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in more.pop("fields", {}).items()]
    scope = {"type": kind, "method": method, "path": path, "headers": fields, "root_path": "", **more}
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is to be received")

    asyncio.run(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0].get("status"), dict(sent[0].get("headers", ())), body


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({}, 200),
        ({"method": "HEAD"}, 200),
        ({"method": "POST"}, 405),
        ({"path": "/"}, 299),
        ({"path": "/metrics/"}, 299),
        ({"path": "/api/metrics", "root_path": "/api"}, 200),
        ({"path": "/metrics", "root_path": "/api"}, 200),
        ({"path": "/apimetrics", "root_path": "/api"}, 299),
        ({"kind": "websocket"}, 299),
        ({"kind": "lifespan"}, 299),
    ],
)
def test_the_middleware(scope: dict[str, Any], status: int) -> None:
    found, fields, body = ask(MetricsMiddleware(application, collect=TOTALS.collect), **scope)
    assert found == status
    if status == 200:
        assert fields[b"content-type"].startswith(b"text/plain")
        assert fields[b"cache-control"] == b"no-store"
        assert int(fields[b"content-length"]) > 100
        assert (b"pounce_build_info" in body) is (scope.get("method") != "HEAD")
    elif status == 405:
        assert fields[b"allow"] == b"GET, HEAD"


def test_another_path() -> None:
    app = MetricsMiddleware(application, collect=TOTALS.collect, path="/-/numbers")
    assert [ask(app, path)[0] for path in ("/-/numbers", "/metrics")] == [200, 299]


def test_gzip() -> None:
    app = MetricsApp(collect=TOTALS.collect)
    _, fields, body = ask(app, fields={"accept_encoding": "br, gzip"})
    assert fields[b"content-encoding"] == b"gzip"
    assert b"pounce_build_info" in gzip.decompress(body)
    assert b"content-encoding" not in ask(app)[1]


def test_protobuf() -> None:
    accept = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
    _, fields, body = ask(MetricsApp(collect=TOTALS.collect), fields={"accept": accept})
    assert fields[b"content-type"] == accept.encode()
    assert body[1:3] != b"# "


def test_collecting_blocks_no_loop() -> None:
    threads: list[threading.Thread] = []

    def collect() -> Any:
        threads.append(threading.current_thread())
        return TOTALS.collect()

    ask(MetricsApp(collect=collect))
    assert threads[0] is not threading.main_thread()


def test_a_port_of_their_own_has_nothing_else() -> None:
    app = MetricsApp(collect=TOTALS.collect, path="/numbers")
    assert [ask(app, path)[0] for path in ("/numbers", "/metrics", "/")] == [200, 404, 404]


def test_a_websocket_and_the_lifespan_on_a_port_of_their_own() -> None:
    app: Any = MetricsApp(collect=TOTALS.collect)
    sent: list[str] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def main() -> None:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive() -> Any:
            return next(messages)

        await app({"type": "lifespan"}, receive, send)
        await app({"type": "websocket", "path": "/metrics"}, receive, send)

    asyncio.run(main())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


def test_metrics_that_cannot_be_collected() -> None:
    def collect() -> Any:
        raise OSError("no answer within 5 s")

    status, fields, body = ask(MetricsApp(collect=collect))
    assert (status, fields[b"cache-control"]) == (503, b"no-store")
    assert body == b"the metrics cannot be collected: no answer within 5 s\n"


def test_those_who_wait_share_what_is_collected() -> None:
    """A process that does not answer holds each collection up, and any number may ask."""
    collected, everybody_waits = [], threading.Event()

    def collect() -> Any:
        collected.append(everybody_waits.wait(10))
        return TOTALS.collect()

    app = MetricsApp(collect=collect)

    async def main() -> list[int]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope: Any = {"type": "http", "method": "GET", "path": "/metrics", "headers": [], "root_path": ""}
        asking = [asyncio.create_task(app(scope, lambda: None, send)) for _ in range(20)]  # type: ignore[arg-type, return-value]
        await asyncio.sleep(0)
        everybody_waits.set()
        await asyncio.gather(*asking)
        return [message["status"] for message in sent if "status" in message]

    assert asyncio.run(main()) == [200] * 20
    assert len(collected) <= 2
