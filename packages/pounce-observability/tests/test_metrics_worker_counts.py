"""What becomes of each record."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from metrics_records import closed, completed, opened, settings, tell, values

from pounce_asgi.lifecycle import (
    ClientTimedOut,
    ConnectionRefused,
    LimitHit,
    RequestFailed,
    StreamReset,
    WebSocketClosed,
    WebSocketOpened,
)
from pounce_observability.metrics import Metrics

CLIENT = ("192.0.2.1", 5)


def counted(*records: Any) -> dict[tuple[str, ...], Any]:
    metrics = Metrics(settings(), application=False)
    tell(metrics.listeners_for_worker(0), *records)
    return values(metrics.snapshot()["families"])


def refused(reason: str) -> ConnectionRefused:
    return ConnectionRefused(1.0, 1e9, 0, CLIENT, reason, None)


WS_OPENED = WebSocketOpened(1.0, 1e9, 0, 1, None, CLIENT, b"/", None, "h2", 1)
WS_CLOSED = WebSocketClosed(1.0, 1e9, 0, 1, None, CLIENT, b"/", None, "h2", 1, 1000, 5.0, 3, 4, 30, 40)

CASES: list[tuple[list[Any], dict[tuple[str, ...], Any]]] = [
    (
        [opened(), opened("h2", "https"), closed("h2"), opened("h2", "https")],
        {
            ("pounce_connections_opened_total", "http/1.1"): 1,
            ("pounce_connections_opened_total", "h2"): 2,
            ("pounce_connections_open", "http/1.1"): 1,
            ("pounce_connections_open", "h2"): 1,
            ("pounce_tls_handshakes_total", "ok"): 2,
        },
    ),
    (  # from a blocking worker to the loop beside it
        [opened(scheme="https"), closed(), opened(scheme="https")._replace(moved=True)],
        {
            ("pounce_connections_opened_total", "http/1.1"): 1,
            ("pounce_connections_open", "http/1.1"): 1,
            ("pounce_tls_handshakes_total", "ok"): 1,
        },
    ),
    (
        [opened(), closed(), opened()._replace(moved=True), closed("h2", began_as="http/1.1")],
        {("pounce_connections_opened_total", "http/1.1"): 1, ("pounce_connections_open", "http/1.1"): 0},
    ),
    (
        [opened(), closed("h2", began_as="http/1.1"), opened("h2", "https")],
        {("pounce_connections_open", "http/1.1"): 0, ("pounce_connections_open", "h2"): 1},
    ),
    (
        [refused("tls_handshake"), refused("ssl_handshake_timeout"), refused("limit_concurrency")],
        {
            ("pounce_connections_refused_total", "tls_handshake"): 1,
            ("pounce_connections_refused_total", "limit_concurrency"): 1,
            ("pounce_tls_handshakes_total", "failed"): 2,
        },
    ),
    (
        [
            LimitHit(1.0, 1e9, 0, 1, "h2", CLIENT, "max_request_body"),
            LimitHit(1.0, 1e9, 0, 1, "h2", CLIENT, "flood:resets"),
        ],
        {("pounce_limits_hit_total", "max_request_body"): 1, ("pounce_floods_refused_total", "resets"): 1},
    ),
    (
        [ClientTimedOut(1.0, 1e9, 0, 1, "h2", CLIENT, "timeout_body_stall")],
        {("pounce_client_timeouts_total", "timeout_body_stall"): 1},
    ),
    (
        [StreamReset(1.0, 1e9, 0, 1, "h2", 1, 8, True), StreamReset(1.0, 1e9, 0, 1, "h3", 0, 8, False)],
        {("pounce_stream_resets_total", "h2", "client"): 1, ("pounce_stream_resets_total", "h3", "server"): 1},
    ),
    (
        [RequestFailed(1.0, 1e9, 0, 1, None, "GET", b"/", KeyError(), False, 1, "h2")],
        {("pounce_application_errors_total", "h2"): 1},
    ),
    (
        [WS_OPENED, WS_OPENED, WS_CLOSED],
        {
            ("pounce_websocket_connections_opened_total", "h2"): 2,
            ("pounce_websocket_connections_open", "h2"): 1,
            ("pounce_websocket_messages_total", "received"): 3,
            ("pounce_websocket_messages_total", "sent"): 4,
            ("pounce_websocket_bytes_total", "received"): 30,
            ("pounce_websocket_bytes_total", "sent"): 40,
        },
    ),
]


@pytest.mark.parametrize(("records", "expected"), CASES, ids=[type(records[0]).__name__ for records, _ in CASES])
def test_records(records: list[Any], expected: dict[tuple[str, ...], Any]) -> None:
    found = counted(*records)
    assert {key: found.get(key) for key in expected} == expected


def test_requests() -> None:
    found = counted(
        completed(duration=0.005),
        completed(duration=0.5),
        completed("POST", 503, protocol="h2", size=0, duration=4.0),
        completed(aborted=True, duration=0.0625),
    )
    assert found["pounce_http_requests_total", "GET", "200", "http/1.1"] == 3
    assert found["pounce_http_requests_total", "POST", "503", "h2"] == 1
    assert found["pounce_http_requests_aborted_total", "http/1.1"] == 1
    assert found["pounce_http_requests_aborted_total", "h2"] == 0
    assert found["pounce_http_response_body_bytes_total", "http/1.1"] == 39
    latency = found["pounce_http_request_duration_seconds", "GET", "http/1.1"]
    assert latency["sum"] == 0.5675
    assert sum(latency["counts"].values()) == 3
    assert found["pounce_http_request_duration_seconds", "POST", "h2"]["sum"] == 4.0


def test_methods_that_clients_invent_are_one() -> None:
    found = counted(*(completed(f"M{number}") for number in range(1000)), completed("other"), completed("get"))
    requests = {key: value for key, value in found.items() if key[0] == "pounce_http_requests_total"}
    assert requests == {("pounce_http_requests_total", "other", "200", "http/1.1"): 1002}


def test_a_websocket_is_a_request_but_its_life_is_no_latency() -> None:
    found = counted(
        completed(status=101, duration=3600.0), completed("CONNECT", protocol="h2", duration=3600.0), completed()
    )
    assert found["pounce_http_requests_total", "GET", "101", "http/1.1"] == 1
    assert found["pounce_http_requests_total", "CONNECT", "200", "h2"] == 1
    latencies = [value for key, value in found.items() if key[0] == "pounce_http_request_duration_seconds"]
    assert [value["sum"] for value in latencies] == [0.05]


def test_threads_that_share_a_worker_count_each_for_itself() -> None:
    metrics = Metrics(settings(), application=False)
    listeners = metrics.listeners_for_worker(0, shared=True)

    def work() -> None:
        for _ in range(500):
            tell(listeners, opened(), completed(), closed())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = values(metrics.snapshot()["families"])
    assert found["pounce_http_requests_total", "GET", "200", "http/1.1"] == 2000
    assert found["pounce_connections_opened_total", "http/1.1"] == 2000
