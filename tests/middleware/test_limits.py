"""Limits before an application, over every kind of worker with a loop: the same answers over HTTP/1.1, HTTP/2 and for
WebSockets, and one limit for all threads of a server.
"""

from __future__ import annotations

import json
import queue
import threading
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus

from pounce_testing import ResponseError
from pounce_testing.fixtures import over
from pounce_testing.matrix import WORKER_KINDS
from tests.end_to_end.http2_client import Http2Client
from tests.end_to_end.websocket_client import WebSocketClient
from tests.middleware import limited_applications as applications

if TYPE_CHECKING:
    from pounce_testing import TestServer
    from pounce_testing.fixtures import Serve

over_threads = over([kind for kind in WORKER_KINDS if not kind.blocking and not kind.processes])
over_processes = over([kind for kind in WORKER_KINDS if kind.processes])

GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"


def get(server: TestServer, path: bytes = b"/") -> Any:
    """The answer on a connection of its own."""
    with server.connect() as client:
        client.send(GET % path)
        return client.read_response()


@over_threads
def test_one_rate_limit_for_all_threads_and_protocols(serve: Serve) -> None:
    server = serve(applications.rate_limited(6))
    statuses = [get(server).status for _ in range(3)]
    with Http2Client.to(server) as client:
        statuses += [client.request("GET", "/")[0] for _ in range(2)]
    with WebSocketClient(server, "ws"):
        pass  # the sixth
    assert statuses == [200] * 5
    refused = get(server)
    assert refused.status == 429
    assert refused.header(b"ratelimit-policy") == b'"default";q=6;w=3600'
    assert refused.header(b"retry-after") in (b"600", b"599", b"598")
    assert refused.header(b"ratelimit") == b'"default";r=0;t=' + (refused.header(b"retry-after") or b"")
    with Http2Client.to(server) as client:
        assert client.request("GET", "/")[0] == 429
        assert client.request("POST", "/", b"x" * 40_000)[0] == 429, "with a body that nobody reads"
    with pytest.raises(InvalidStatus) as denied:
        WebSocketClient(server, "ws")
    assert denied.value.response.status_code == 429
    assert "retry-after" in denied.value.response.headers


@over_threads
def test_threads_that_ask_at_once_share_one_limit(serve: Serve) -> None:
    server = serve(applications.rate_limited(20))
    answers: queue.Queue[int] = queue.Queue()

    def client() -> None:
        for _ in range(10):
            answers.put(get(server).status)

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.queue) == [200] * 20 + [429] * 20


@over_processes
def test_processes_have_their_parts(serve: Serve) -> None:
    server = serve(f"{applications.__name__}:processes")
    statuses = [get(server).status for _ in range(60)]
    assert statuses.count(200) <= 6
    assert statuses.count(200) >= 3
    assert set(statuses) == {200, 429}


@over_threads
def test_places_in_the_application_are_for_all_threads(serve: Serve) -> None:
    server = serve(applications.shed(limit=2, queue=0))
    waiting = [server.connect() for _ in range(2)]
    for client in waiting:
        client.send(GET % b"/begun")
        client.socket.recv(10)  # it is in the application
    refused = get(server)
    assert (refused.status, refused.header(b"retry-after")) == (503, b"1")
    with Http2Client.to(server) as http2:
        assert http2.request("GET", "/")[0] == 503
        assert http2.request("GET", "/free")[0] == 200
    with pytest.raises(InvalidStatus) as denied:
        WebSocketClient(server, "ws")
    assert denied.value.response.status_code == 503
    for client in waiting:
        client.close()
    server.request_stop()
    server.request_stop()


@over_threads
def test_who_waits_is_let_in_when_another_leaves(serve: Serve) -> None:
    events: queue.Queue[str] = queue.Queue()
    server = serve(applications.shed(1, 10, applications.cancelled(events.put)))
    first, second = server.connect(), server.connect()
    with first, second:
        first.send(GET % b"/wait")
        assert events.get(timeout=20) == "begun"
        second.send(GET % b"/")
        with server.connect() as leaving:
            leaving.send(GET % b"/never-in")
        first.close()
        assert events.get(timeout=20) == "cancelled"
        assert second.read_response().status == 200
    # The place of the handshake is free again while the WebSocket is open.
    with WebSocketClient(server, "ws"):
        assert get(server).status == 200


@over_threads
def test_a_deadline(serve: Serve) -> None:
    server = serve(applications.deadlined())
    assert get(server).status == 200
    late = get(server, b"/slow")
    assert (late.status, late.body) == (504, b"504 Gateway Timeout\nthe application took too long\n")
    with pytest.raises(ResponseError):
        get(server, b"/begun")
    with Http2Client.to(server) as client:
        assert client.request("GET", "/slow")[0] == 504
        with pytest.raises(ConnectionError, match="the stream was reset"):
            client.request("GET", "/begun")
        assert client.request("GET", "/")[0] == 200, "the connection goes on"


@over_threads
def test_an_application_whose_client_leaves_is_cancelled(serve: Serve) -> None:
    events: queue.Queue[str] = queue.Queue()
    server = serve(applications.cancelled(events.put))
    for client in (server.connect(), server.connect()):
        client.send(GET % b"/wait")
        assert events.get(timeout=20) == "begun"
        client.close()
        assert events.get(timeout=20) == "cancelled"
    assert get(server).status == 200


class Draining:
    """A server that says of itself what it was told."""

    def __init__(self) -> None:
        self.because: tuple[str, ...] = ()

    def ready(self) -> bool:
        return not self.because

    def reasons(self) -> tuple[str, ...]:
        return self.because


@over_threads
def test_health(serve: Serve) -> None:
    state = Draining()
    server = serve(applications.healthy(state))
    assert json.loads(get(server, b"/healthz").body) == {"status": "live"}
    assert get(server, b"/readyz").status == 200
    with server.connect() as client:
        client.send(b"HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n" + GET % b"/readyz")
        assert client.read_response("HEAD").body == b""
        ready = client.read_response()
    assert ready.header(b"cache-control") == b"no-store"
    assert json.loads(ready.body)["checks"] == {"server": {"status": "ok"}, "database": {"status": "ok"}}
    state.because = ("draining",)
    with Http2Client.to(server) as http2:
        status, body = http2.request("GET", "/readyz")
    assert (status, json.loads(body)["checks"]["server"]["detail"]) == (503, "draining")
    assert get(server).status == 200
