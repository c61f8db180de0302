"""What goes wrong around requests is told, by the name that operators know."""

from __future__ import annotations

from typing import Any

import pytest

from pounce.events import (
    BufferedCollector,
    ClientTimedOut,
    ConnectionRefused,
    LimitHit,
    StreamReset,
    subscribe,
)
from pounce_testing import RawClient, TestServer
from tests.events.test_end_to_end import hello
from tests.events.test_pairs import pairs, play
from tests.under_load.running import wait_until

GET: dict[str, bool] = {"body": False, "whole": True}
HALF: dict[str, bool] = {"body": True, "whole": False}
LONG_TARGET = b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nhost: x\r\n\r\n"
MANY_FIELDS = b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 101 + b"\r\n"

# What: protocol, what the client does -> type, name of the limit or the time.
CASES: dict[str, tuple[str, list[tuple[Any, ...]], type[Any], str]] = {
    "long target": ("http/1.1", [("receive", LONG_TARGET)], LimitHit, "limit_request_line"),
    "many fields": ("http/1.1", [("receive", MANY_FIELDS)], LimitHit, "limit_request_fields"),
    "long target, h2": ("h2", [("request", "a" * 9000, GET)], LimitHit, "limit_request_line"),
    "long target, h3": ("h3", [("request", "a" * 9000, GET)], LimitHit, "limit_request_line"),
    "resets": (
        "h2",
        [("request", "wait", GET), ("reset", 8, {"stop": False})] * 201,
        LimitHit,
        "flood:resets",
    ),
    "resets, h3": (
        "h3",
        [("request", "wait", GET), ("reset", 0x10C, {"stop": False}), ("reset", 0x10C, {"stop": True})] * 201,
        LimitHit,
        "flood:resets",
    ),
    "half a head": (
        "http/1.1",
        [("receive", b"GET / HTT"), ("time_passes",)],
        ClientTimedOut,
        "timeout_request_head",
    ),
    "half a body": ("http/1.1", [("request", "body", HALF), ("time_passes",)], ClientTimedOut, "timeout_body_stall"),
    "half a body, h2": ("h2", [("request", "body", HALF), ("time_passes",)], ClientTimedOut, "timeout_body_stall"),
    "half a body, h3": ("h3", [("request", "body", HALF), ("time_passes",)], ClientTimedOut, "timeout_body_stall"),
    "large message": (
        "http/1.1",
        [("websocket", "echo"), ("turn",), ("receive", b"\x82\xff" + (2**40).to_bytes(8) + b"\0" * 4)],
        LimitHit,
        "ws_max_size",
    ),
}


@pytest.mark.parametrize(("version", "story", "kind", "name"), CASES.values(), ids=CASES)
def test_limits(version: str, story: list[tuple[Any, ...]], kind: type[Any], name: str) -> None:
    records = play(version, story)
    told = [record for record in records if isinstance(record, LimitHit | ClientTimedOut)]
    assert [(type(record), record[6], record.protocol) for record in told] == [(kind, name, version)]
    pairs(records)


@pytest.mark.parametrize("version", ["http/1.1", "h2", "h3"])
def test_an_idle_connection_that_is_closed_is_in_order(version: str) -> None:
    records = play(version, [("request", "ok", GET), ("turn",), ("time_passes",), ("turn",)])
    names = {type(record).__name__ for record in records}
    assert names == {"ConnectionOpened", "RequestStarted", "ResponseStarted", "ResponseCompleted", "ConnectionClosed"}


@pytest.mark.parametrize(("version", "code", "internal"), [("h2", 8, 2), ("h3", 0x10C, 0x102)])
def test_resets_of_streams(version: str, code: int, internal: int) -> None:
    records = play(
        version,
        [("request", "wait", GET), ("turn",), ("reset", code, {"stop": True}), ("request", "break", GET), ("turn",)],
    )
    told = [record for record in records if isinstance(record, StreamReset)]
    first, second = (1, 3) if version == "h2" else (0, 4)
    assert [record[5:] for record in told] == [(first, code, True), (second, internal, False)]


def test_no_tls_handshake() -> None:
    collector = BufferedCollector()
    with subscribe(collector, ConnectionRefused), TestServer(hello, tls=True) as server:
        with RawClient("127.0.0.1", server.port) as client:
            client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert client.read_response().status == 400
        wait_until(lambda: len(collector) > 0, "it is told")
    (record,) = collector.take()
    assert isinstance(record, ConnectionRefused)
    assert record.reason == "tls_handshake"


def test_no_proxy_header() -> None:
    collector = BufferedCollector()
    server = TestServer(hello, proxy_protocol=True)
    with subscribe(collector), server, RawClient("127.0.0.1", server.port) as client:
        client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        wait_until(lambda: len(collector) > 0, "it is told")
    (record,) = collector.take()
    assert isinstance(record, ConnectionRefused)
    assert record.reason == "proxy_header"
    assert record.client is not None


def test_too_many_connections() -> None:
    collector = BufferedCollector()
    request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    server = TestServer(hello, limit_concurrency=1)
    with subscribe(collector, LimitHit), server, RawClient("127.0.0.1", server.port) as first:
        first.send(request)
        assert first.read_response().status == 200
        with RawClient("127.0.0.1", server.port) as second:
            second.send(request)
            assert second.read_response().status == 503
    (record,) = collector.take()
    assert isinstance(record, LimitHit)
    assert record.limit == "limit_concurrency"
