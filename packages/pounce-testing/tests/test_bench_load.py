"""Load generators: our own against real servers, wrk by what it is told and by what it says."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from pounce_testing import TestServer
from pounce_testing.bench.asyncio_load import LoadOrder, generate, report_from_json
from pounce_testing.bench.errors import BenchError
from pounce_testing.bench.load import run_load
from pounce_testing.bench.load_report import LoadReport, percentile
from pounce_testing.bench.request import LoadRequest
from pounce_testing.bench.wrk_load import find_wrk, parse_wrk, wrk_command, wrk_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    assert scope["type"] == "http"
    status = 500 if scope["path"] == "/wrong" else 200
    headers = [(b"connection", b"close")] if scope["path"] == "/close" else []
    body = scope["method"].encode() + (await receive()).get("body", b"")  # type: ignore[operator]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": scope["path"] == "/chunked"})
    if scope["path"] == "/chunked":
        await send({"type": "http.response.body", "body": b"end"})


@pytest.fixture(scope="module")
def server() -> Iterator[TestServer]:
    with TestServer(app) as running:
        yield running


def report_of(port: int, request: LoadRequest) -> LoadReport:
    wire = request.wire("127.0.0.1", port).decode("latin-1")
    return asyncio.run(generate(LoadOrder(host="127.0.0.1", port=port, wire=wire, connections=3, seconds=0.2)))


@pytest.mark.parametrize(
    "request_",
    [LoadRequest(), LoadRequest(path="/close"), LoadRequest(path="/chunked"), LoadRequest(method="POST", body=b"abc")],
    ids=["get", "close", "chunked", "post"],
)
def test_requests_are_counted(server: TestServer, request_: LoadRequest) -> None:
    report = report_of(server.port, request_)
    assert report.requests > 3, "more than one on each connection"
    assert report.failures == 0
    assert 0 < report.latencies[50.0] <= report.latencies[99.9] < 0.2
    assert report.generator_cpu > 0
    assert report.rate == report.requests / report.seconds


def test_answers_that_say_that_it_failed(server: TestServer) -> None:
    report = report_of(server.port, LoadRequest(path="/wrong"))
    assert report.requests == 0
    assert report.failures > 3


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        report = report_of(sock.getsockname()[1], LoadRequest())
    assert (report.requests, report.rate, report.latencies[50.0]) == (0, 0.0, 0.0)
    assert report.failures > 0


def test_answers_that_are_cut_off_and_what_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for number in range(10):
                sock, _ = listener.accept()
                with sock:
                    sock.recv(1000)
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello" if number % 2 else b"SSH\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        report = report_of(listener.getsockname()[1], LoadRequest())
        thread.join()
    assert report.requests == 0
    assert report.failures >= 10


def test_in_a_process_of_its_own(server: TestServer) -> None:
    report = run_load("asyncio", LoadRequest(), port=server.port, connections=2, seconds=0.2)
    assert report.requests > 2
    assert report.failures == 0


@pytest.mark.skipif(find_wrk() is None, reason="wrk is not installed")
def test_wrk_sends_what_it_is_told() -> None:
    seen: list[tuple[str, bytes | None]] = []

    async def noting(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        seen.append((scope["method"], dict(scope["headers"]).get(b"x-quoted")))
        await app(scope, receive, send)

    request = LoadRequest(method="POST", headers=(("X-Quoted", 'a"\\b'),), body=b"\x00\xff\n")
    with TestServer(noting) as server:
        report = run_load("wrk", request, port=server.port, connections=2, seconds=1)
    assert set(seen) == {("POST", b'a"\\b')}
    assert report.requests > 2
    assert report.failures == 0
    assert set(report.latencies) == {50.0, 90.0, 99.0, 99.9}
    assert report.generator_cpu > 0


def test_wrk_that_says_nothing() -> None:
    with pytest.raises(BenchError, match="unable to connect"):
        parse_wrk("unable to connect", 0.0)


def test_wrk_takes_whole_seconds() -> None:
    command = wrk_command("wrk", "x.lua", "http://127.0.0.1:1/", connections=4, seconds=0.2)
    assert command[command.index("--duration") + 1] == "1s"
    assert 'wrk.method = "GET"' in wrk_script(LoadRequest())


def test_a_report_survives_json() -> None:
    report = LoadReport(requests=1, seconds=2.0, failures=3, latencies={99.9: 0.5}, generator_cpu=1.9)
    assert report_from_json(json.dumps(asdict(report))) == report
    assert report.saturated


@pytest.mark.parametrize(
    ("share", "expected"), [(0, 1.0), (50, 5.0), (90, 9.0), (99, 10.0), (100, 10.0)], ids=lambda value: str(value)
)
def test_percentile(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(1, 11)], share) == expected
    assert percentile([], share) == 0.0
