"""When a connection lives on, when it ends, and in which order answers come: bytes in, bytes out."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pounce_testing import ResponseError
from pounce_testing.fixtures import everywhere, in_the_clear, where_bodies_are_not_gathered
from tests.end_to_end import applications

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_testing.fixtures import Serve
    from tests.end_to_end.signals import Signals

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"

STOP_SECONDS = 4.0
"""What a stop takes on a busy machine; the time that it would allow a request in flight is longer."""


def paths(bodies: list[bytes]) -> list[str]:
    return [json.loads(body)["path"] for body in bodies]


# Keep-alive


@everywhere
def test_connection_is_kept(serve_shared: Serve) -> None:
    with serve_shared(applications.REPORT).connect() as client:
        for path in (b"a", b"b", b"c"):
            client.send(GET % path)
            response = client.read_response()
            assert not response.closes
            assert paths([response.body]) == ["/" + path.decode()]


@everywhere
def test_connection_close_ends_it(serve_shared: Serve) -> None:
    with serve_shared(applications.REPORT).connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.read_response().closes
        assert client.at_end()


@everywhere
def test_application_may_end_it(serve_shared: Serve) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(GET % b"close")
        assert client.read_response().closes
        assert client.at_end()


@everywhere
@pytest.mark.parametrize(
    ("connection", "kept"), [(b"", False), (b"Connection: keep-alive\r\n", True), (b"Connection: close\r\n", False)]
)
def test_http_1_0_is_answered_in_kind(serve_shared: Serve, connection: bytes, kept: bool) -> None:
    with serve_shared(applications.REPORT).connect() as client:
        client.send(b"GET /1 HTTP/1.0\r\n" + connection + b"\r\n")
        response = client.read_response()
        assert (response.header(b"connection") == b"keep-alive") is kept
        assert json.loads(response.body)["http_version"] == "1.0"
        if kept:
            client.send(b"GET /2 HTTP/1.0\r\n\r\n")
            assert paths([client.read_response().body]) == ["/2"]
        assert client.at_end()


@everywhere
def test_http_1_0_gets_no_chunks(serve_shared: Serve) -> None:
    with serve_shared(applications.STREAM).connect() as client:
        client.send(b"GET /2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        (response,) = client.read_all_responses()
        assert response.header(b"transfer-encoding") is None
        assert response.header(b"connection") != b"keep-alive", "only its end tells where the body ends"
        assert response.body == b"piece 0\npiece 1\nend\n"


@everywhere
def test_requests_per_connection_are_limited(serve_shared: Serve) -> None:
    with serve_shared(applications.REPORT, limit_connection_requests=2).connect() as client:
        client.send(GET % b"1" + GET % b"2" + GET % b"3")
        first, second = client.read_all_responses()
        assert (first.closes, second.closes) == (False, True)


# Pipelining


@everywhere
def test_pipelined_answers_come_in_order(serve_shared: Serve, signals: Signals) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(GET % (b"held?" + signals.query) + b"".join(GET % b"%d" % number for number in range(20)))
        signals.wait("entered")
        signals.set("released")
        bodies = [client.read_response().body for _ in range(21)]
        assert bodies == [b"/held", *(b"/%d" % number for number in range(20))]


@in_the_clear  # a client that reads and writes in two threads cannot do so over TLS where there is no GIL
def test_a_long_pipeline_is_answered_whole(serve_shared: Serve) -> None:
    with serve_shared(applications.CASES).connect() as client:
        sender = threading.Thread(target=client.send, args=[GET % b"%d" % number for number in range(2000)])
        sender.start()
        bodies = [client.read_response().body for _ in range(2000)]
        sender.join(20)
        assert bodies == [b"/%d" % number for number in range(2000)]


@everywhere
def test_a_bad_request_ends_the_pipeline(serve_shared: Serve) -> None:
    with serve_shared(applications.REPORT).connect() as client:
        client.send_as_far_as_taken([GET % b"good" + b"GET / HTTP/1.1\r\nNo host\r\n\r\n" + GET % b"never"])
        good, bad = client.read_all_responses()
        assert (good.status, bad.status, bad.closes) == (200, 400, True)


@everywhere
@pytest.mark.parametrize("half_close", [False, True])
def test_refused_client_does_not_hold_the_stop(serve: Serve, half_close: bool) -> None:
    server = serve(applications.REPORT)
    with server.connect() as client:
        client.send(b"NONSENSE\r\n\r\n")
        if half_close:
            client.finish_sending()
        assert client.read_response().status == 400
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < STOP_SECONDS, "its connection was over when it had its answer"


@everywhere
def test_a_body_is_not_read_as_a_request(serve_shared: Serve) -> None:
    inner = GET % b"smuggled"
    outer = b"POST /outer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner)
    with serve_shared(applications.REPORT).connect() as client:
        client.send(outer + inner + GET % b"next")
        client.finish_sending()
        assert paths([response.body for response in client.read_all_responses()]) == ["/outer", "/next"]


# The client stops sending, or leaves


@everywhere
def test_half_closed_client_gets_its_answers(serve_shared: Serve, signals: Signals) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(GET % (b"held?" + signals.query) + GET % b"after")
        client.finish_sending()
        signals.wait("entered")
        signals.set("released")
        assert [response.body for response in client.read_all_responses()] == [b"/held", b"/after"]


@where_bodies_are_not_gathered
def test_body_that_ends_early_never_looks_complete(serve_shared: Serve, signals: Signals) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(POST % (b"read?" + signals.query, 10) + b"12345")
        client.finish_sending()
        assert signals.wait("read") == "cut off"


def test_client_that_leaves_is_reported(serve: Serve) -> None:
    seen: list[str] = []
    begun, done = threading.Event(), threading.Event()

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert (await receive())["type"] == "http.request"
        begun.set()
        seen.extend([(await receive())["type"] for _ in range(3)])
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(20_000):  # the system takes some before it tells; more than that is a bug
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        except OSError:
            seen.append("OSError")
        done.set()

    with serve(app).connect() as client:
        client.send(GET % b"")
        assert begun.wait(20)
    assert done.wait(20)
    assert seen == ["http.disconnect"] * 3 + ["OSError"]


# The answer to what the application does


@everywhere
def test_failure_before_the_response_is_500_and_the_connection_lives(serve_shared: Serve) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(GET % b"fail")
        failed = client.read_response()
        assert failed.status == 500
        assert b"as the test wants it" not in failed.body
        if not failed.closes:
            client.send(GET % b"fine")
            assert client.read_response().body == b"/fine"


@everywhere
def test_failure_inside_the_response_cuts_it_off(serve_shared: Serve) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(GET % b"fail/inside")
        with pytest.raises(ResponseError):
            client.read_response()


@everywhere
@pytest.mark.parametrize("announced", [3, 7])
def test_wrong_content_length_does_not_survive(serve_shared: Serve, announced: int) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(GET % b"length/%d" % announced + GET % b"2")
        wire = client.read_to_end()
        assert wire.count(b"HTTP/1.1") <= 1, "nothing follows a response whose end is in doubt"


@everywhere
def test_unread_upload_still_gets_its_answer(serve_shared: Serve) -> None:
    size = 20_000_000
    with serve_shared(applications.CASES).connect() as client:
        pieces = (b"x" * 100_000 for _ in range(size // 100_000))
        client.send(POST % (b"status/403", size))
        client.send_as_far_as_taken(pieces)
        response = client.read_response()
        assert (response.status, response.body) == (403, b"not interested")


@everywhere
def test_body_beyond_the_limit_is_413(serve_shared: Serve) -> None:
    with serve_shared(applications.REPORT, max_request_body=1000).connect() as client:
        client.send_as_far_as_taken([POST % (b"", 1001), b"x" * 1001])
        assert client.read_response().status == 413


@everywhere
@pytest.mark.parametrize("status", [204, 304])
def test_status_without_a_body(serve_shared: Serve, status: int) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(GET % b"status/%d" % status * 2)
        client.finish_sending()
        responses = client.read_all_responses()
        assert [response.status for response in responses] == [status, status]
        assert {response.header(b"transfer-encoding") for response in responses} == {None}
