"""Limits that hold for a server as a whole, whatever serves it, and clients that must cost others nothing."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from pounce_testing import TestServer, Variant
from pounce_testing.fixtures import over
from tests.end_to_end import applications

if TYPE_CHECKING:
    from pounce_testing import RawClient
    from pounce_testing.fixtures import Serve

GET: Final = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"

IDLE: Final = 2000
HALF_SENT: Final = 50
PROMPT: Final = 0.05
"""Seconds in which a new client has its answer: the best of `TRIES`, for the machine may be busy."""
TRIES: Final = 5


def several(workers: int) -> tuple[Variant, ...]:
    many = {"workers": workers}
    return (
        Variant(name=f"{workers}-threads", settings={**many, "worker_kind": "thread"}),
        Variant(name=f"{workers}-processes", settings={**many, "worker_kind": "process"}, processes=True),
        Variant(name=f"{workers}-blocking", settings={**many, "worker_kind": "thread"}, blocking=True),
    )


def status_of(client: RawClient) -> int:
    client.send_as_far_as_taken([GET % b"x"])
    return client.read_response().status


@over([*several(1), *several(4)])
def test_connections_beyond_the_limit_are_told(serve: Serve, variant: Variant) -> None:
    """The limit is the server's: with several processes each has its part of it."""
    limit = 8
    server = serve(applications.CASES, limit_concurrency=limit)
    with contextlib.ExitStack() as stack:
        served: list[RawClient] = []
        refused = 0
        for _ in range(3 * limit):
            client = stack.enter_context(server.connect())
            if status_of(client) == 200:
                served.append(client)
            else:
                refused += 1
                assert client.at_end()
        if variant.processes and variant.settings["workers"] > 1:
            assert limit // 4 <= len(served) <= limit, "which process a connection comes to is the system's choice"
        else:
            assert len(served) == limit
        assert refused == 3 * limit - len(served)
        assert {status_of(client) for client in served} == {200}, "those who were let in go on"
        served.pop().close()
        end = time.monotonic() + 20
        while True:  # until the server has seen that one left, or the process with the free place is found
            with server.connect() as client:
                if status_of(client) == 200:
                    break
            assert time.monotonic() < end


@over([*several(1), *several(4)])
def test_one_connection_may_be_the_limit(serve: Serve, variant: Variant) -> None:
    most = variant.settings["workers"] if variant.processes else 1  # each process has at least one
    server = serve(applications.CASES, limit_concurrency=1)
    with contextlib.ExitStack() as stack:
        statuses = [status_of(stack.enter_context(server.connect())) for _ in range(10)]
    assert 1 <= statuses.count(200) <= most
    assert set(statuses) == {200, 503}


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not counted there")
@pytest.mark.parametrize("application", [applications.CASES.sync, "tests.end_to_end.wsgi_applications:cases"])
def test_idle_and_half_sent_connections_cost_no_thread(application: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * (IDLE + HALF_SENT) + 500  # both ends are in this process
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"needs {needed} descriptors, and {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    times = []
    try:
        with (
            TestServer(application, sync_threads=2, timeout_request_head=60) as server,
            contextlib.ExitStack() as stack,
        ):
            for _ in range(IDLE):
                client = stack.enter_context(server.connect())
            assert status_of(client) == 200, "all before it were accepted"
            for _ in range(HALF_SENT):
                stack.enter_context(server.connect()).send(b"GET / HTTP/1.1\r\nHo")
            for _ in range(TRIES):
                begun = time.monotonic()
                with server.connect() as client:
                    assert status_of(client) == 200
                times.append(time.monotonic() - begun)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert min(times) < PROMPT, times


@pytest.mark.parametrize("interface", ["auto", "sync"])
@pytest.mark.parametrize("kind", [{}, {"workers": 2, "worker_kind": "process"}, {"worker_mode": "async"}])
def test_a_sync_app_that_cannot_be_called(interface: str, kind: dict[str, object]) -> None:
    config = {"interface": interface, **kind}
    with TestServer(applications.REPORT.sync, **config) as server, server.connect() as client:  # type: ignore[arg-type]
        client.send(GET % b"here")
        assert json.loads(client.read_response().body)["path"] == "/here"


def test_a_sync_app_as_an_object() -> None:
    from tests.end_to_end import blocking_applications

    with TestServer(blocking_applications.report) as server, server.connect() as client:
        client.send(GET % b"here")
        assert json.loads(client.read_response().body)["path"] == "/here"
