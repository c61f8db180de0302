"""HTTP/1.1 on one connection: what keeps it open, in what order it answers, and what it refuses."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest
from http1_driver import (
    Conversation,
    Scope,
    Waiting,
    answer,
    both_engines,
    converse,
    echo_body,
    echo_path,
    get,
    post,
)
from loops import turns

from pounce_workers.serving import http1_connection
from pounce_workers.serving.http1_connection import Phase

pytestmark = both_engines


# -- keep-alive ------------------------------------------------------------------------------------------------------


def test_one_request_after_another(engine: str) -> None:
    async def scenario() -> None:
        it = Conversation(echo_path, engine)
        for number in range(1, 4):
            await it.send(get(f"/{number}"))
            assert it.responses()[-1].body == f"/{number}".encode()
            assert len(it.responses()) == number
            assert it.connection.idle
        assert it.ended == "open"
        assert all(response.get(b"connection") is None for response in it.responses())
        assert it.connection.requests == 3
        await it.finish()
        assert it.ended == "closed"
        assert it.connection not in it.wire.connections

    converse(scenario)


@pytest.mark.parametrize(
    ("version", "connection", "field", "ended"),
    [
        ("1.1", None, None, "open"),
        ("1.1", "keep-alive", None, "open"),
        ("1.1", "close", b"close", "closed"),
        ("1.1", "Foo, CLOSE", b"close", "closed"),
        ("1.0", None, b"close", "closed"),
        ("1.0", "keep-alive", b"keep-alive", "open"),
        ("1.0", "Keep-Alive", b"keep-alive", "open"),
        ("1.0", "close", b"close", "closed"),
    ],
)
def test_http_1_0_is_answered_in_kind(
    engine: str, version: str, connection: str | None, field: bytes | None, ended: str
) -> None:
    async def scenario() -> None:
        it = Conversation(echo_path, engine)
        lines = () if connection is None else (f"Connection: {connection}",)
        await it.send(get("/", *lines, version=version))
        (response,) = it.responses()
        assert response.get(b"connection") == field
        assert it.ended == ended
        if ended == "open":
            await it.send(get("/again", *lines, version=version))
            assert it.responses()[1].body == b"/again"

    converse(scenario)


def test_the_application_may_ask_for_the_end(engine: str) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, b"last", (b"Connection", b"close"))

    async def scenario() -> None:
        it = Conversation(app, engine)
        await it.send(get() + get())
        (response,) = it.responses()
        assert response.closes
        # The second request was sent already: unread it would turn the answer into a reset.
        assert it.ended == "lingering"

    converse(scenario)


def test_so_many_requests_and_no_more(engine: str) -> None:
    async def scenario() -> None:
        it = Conversation(echo_path, engine, limit_connection_requests=3)
        await it.send(get() * 5)
        assert [response.closes for response in it.responses()] == [False, False, True]
        assert it.ended == "lingering"
        one = Conversation(echo_path, engine, limit_connection_requests=1)
        await one.send(get())
        assert [response.closes for response in one.responses()] == [True]
        assert one.ended == "closed"

    converse(scenario)


# -- pipelining ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["whole", "bytes", "sevens"])
def test_answers_come_in_order(engine: str, cut: str) -> None:
    async def scenario() -> None:
        it = Conversation(echo_body, engine)
        wire = b"".join(post(b"body %d" % number) for number in range(10))
        size = {"whole": len(wire), "bytes": 1, "sevens": 7}[cut]
        for start in range(0, len(wire), size):
            it.transport.send(wire[start : start + size])
        await turns(30)
        assert [response.body for response in it.responses()] == [b"body %d" % number for number in range(10)]
        assert it.connection.idle

    converse(scenario)


def test_one_at_a_time(engine: str) -> None:
    async def scenario() -> None:
        app = Waiting()
        it = Conversation(app, engine)
        await it.send(get("/1") + get("/2"))
        await it.send(get("/3"))
        for number in range(1, 4):
            assert app.paths == [f"/{n}" for n in range(1, number + 1)]
            assert not it.connection.idle
            await app.release()
        assert [response.body for response in it.responses()] == [b"/1", b"/2", b"/3"]

    converse(scenario)


def test_what_is_sent_ahead_is_bounded(engine: str) -> None:
    async def scenario() -> None:
        app = Waiting()
        it = Conversation(app, engine)
        request = get("/" + "x" * 1000)
        bound = http1_connection.PIPELINE_BYTES
        total = 0
        while not it.transport.paused:
            await it.send(request)
            total += 1
            assert total * len(request) <= bound + 2 * len(request)
        assert total * len(request) >= bound
        for number in range(total):
            assert len(app.gates) == number + 1
            await app.release()
        assert not it.transport.paused
        await it.send(get("/end"))
        await app.release()
        assert it.statuses() == [200] * (total + 1)

    converse(scenario)


def test_many_at_once_leave_others_their_turn(engine: str) -> None:
    """Answered at once, but not all in one turn of the loop."""

    async def scenario() -> None:
        served: list[int] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            served.append(1)
            await answer(send)

        it = Conversation(app, engine)
        it.transport.send(get() * 100)
        # Before 3.12 tasks do not start eagerly: then each answer takes a turn of its own.
        assert len(served) <= http1_connection.PIPELINE_TURN
        await turns(400)
        assert it.statuses() == [200] * 100
        assert it.connection.idle

    converse(scenario)


@pytest.mark.parametrize("count", [31, 32, 33, 64])
@pytest.mark.parametrize("first_waits", [False, True])
def test_an_end_right_behind_a_full_turn_closes(engine: str, count: int, first_waits: bool) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            if scope["path"] == "/wait":
                await gate.wait()
            await answer(send)

        it = Conversation(app, engine)
        await it.send((get("/wait") if first_waits else b"") + get() * count)
        await it.finish()
        gate.set()
        await turns(400)
        assert it.statuses() == [200] * (count + first_waits)
        assert it.ended == "closed"

    converse(scenario)


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 20000 + b"\r\n\r\n", 431),
    ],
)
def test_a_bad_request_ends_the_pipeline(engine: str, bad: bytes, status: int) -> None:
    async def scenario() -> None:
        it = Conversation(echo_path, engine)
        await it.send(get("/1") + get("/2") + bad + get("/3"))
        responses = it.responses()
        assert [response.status for response in responses] == [200, 200, status]
        assert responses[-1].closes
        assert it.ended == "lingering"
        await it.send(get("/4"))
        assert len(it.responses()) == 3

    converse(scenario)


def test_a_bad_request_waits_for_the_answers_before_it(engine: str) -> None:
    async def scenario() -> None:
        app = Waiting()
        it = Conversation(app, engine)
        await it.send(get("/1") + b"nonsense\r\n\r\n")
        assert it.transport.written == b""
        await app.release()
        assert it.statuses() == [200, 400]

    converse(scenario)


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


@pytest.mark.parametrize("request_bytes", [get(), post(b"body")])
@pytest.mark.parametrize("waits", [False, True])
def test_each_request_has_a_context_of_its_own(engine: str, request_bytes: bytes, waits: bool) -> None:
    async def scenario() -> None:
        seen: list[str] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            seen.append(VARIABLE.get())
            VARIABLE.set("of another request")
            if waits:
                await asyncio.sleep(0)
            await answer(send)
            await asyncio.sleep(0)

        it = Conversation(app, engine)
        await it.send(request_bytes * 5)
        await turns(50)
        assert seen == ["unset"] * 5

    converse(scenario)


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head", [get(), post(b"x" * 1000), post(b"", length=10_000_000), get().replace(b"GET", b"HEAD")]
)
def test_above_the_concurrency_limit(engine: str, head: bytes) -> None:
    async def scenario() -> None:
        called: list[str] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            called.append(scope["path"])
            await answer(send)

        first = Conversation(app, engine, limit_concurrency=2)
        second = first.another()
        third = first.another()
        await third.send(head)
        (response,) = third.responses("HEAD" if head.startswith(b"HEAD") else "GET")
        assert response.status == 503
        assert response.closes
        assert third.ended == "lingering"
        await first.send(get("/first"))
        await second.send(get("/second"))
        assert called == ["/first", "/second"]
        third.transport.leave()
        fourth = first.another()
        await fourth.send(get("/fourth"))
        assert fourth.statuses() == [503]
        second.transport.leave()
        fourth.transport.leave()
        fifth = first.another()
        await fifth.send(get("/fifth"))
        assert fifth.statuses() == [200]

    converse(scenario)


@pytest.mark.parametrize(
    ("version", "expectation", "status"),
    [("1.1", "magic", 417), ("1.1", "100-continue, magic", 417), ("1.0", "magic", 200), ("1.1", "100-Continue", 200)],
)
def test_expectations(engine: str, version: str, expectation: str, status: int) -> None:
    async def scenario() -> None:
        it = Conversation(echo_body, engine)
        await it.send(post(b"body", f"Expect: {expectation}", version=version))
        assert it.statuses() == [status]
        assert it.ended == ("lingering" if status == 417 else "closed" if version == "1.0" else "open")

    converse(scenario)


# -- the application fails -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("waits", [False, True])
def test_a_500_keeps_the_connection(engine: str, waits: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async def app(scope: Scope, receive: Any, send: Any) -> None:
            if waits:
                await asyncio.sleep(0)
            if scope["path"] == "/bad":
                raise ZeroDivisionError
            await answer(send)

        it = Conversation(app, engine)
        await it.send(get("/bad") + get("/good"))
        assert it.statuses() == [500, 200]
        assert it.ended == "open"

    converse(scenario)
    assert [record.name for record in caplog.records] == ["pounce.error"]


@pytest.mark.parametrize("ahead", [b"", get("/next")])
def test_after_the_head_the_connection_is_aborted(engine: str, ahead: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async def app(scope: Scope, receive: Any, send: Any) -> None:
            assert scope["path"] == "/"
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise ZeroDivisionError

        it = Conversation(app, engine)
        await it.send(get() + ahead)
        assert it.ended == "aborted"
        assert b"0\r\n\r\n" not in it.transport.written
        assert it.transport.written.endswith(b"4\r\nhalf\r\n")
        assert it.transport.lost
        assert not it.context.running

    converse(scenario)
    assert len(caplog.records) == 1


# -- leaving and stopping --------------------------------------------------------------------------------------------


def test_a_client_that_leaves_while_the_application_works(engine: str) -> None:
    async def scenario() -> None:
        received: list[str] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await receive()
            received.append((await receive())["type"])
            await answer(send)

        it = Conversation(app, engine)
        await it.send(get())
        it.transport.leave()
        await turns()
        assert received == ["http.disconnect"]
        assert not it.context.running
        assert not it.wire.connections

    converse(scenario)


def test_drain(engine: str) -> None:
    async def scenario() -> None:
        app = Waiting()
        idle = Conversation(app, engine)
        busy, half = idle.another(), idle.another()
        await busy.send(get("/1") + get("/2"))
        await half.send(get("/half")[:-3])
        idle.wire.begin_drain()
        assert idle.ended == "closed"
        assert (busy.ended, half.ended) == ("open", "open")
        late = idle.another()
        await app.release()
        (response,) = busy.responses()
        assert response.closes
        assert busy.ended == "lingering"
        assert app.paths == ["/1"]  # the second was never begun: its client can send it elsewhere
        await half.send(get("/half")[-3:])
        await app.release()
        assert [response.closes for response in half.responses()] == [True]
        await late.send(get("/late"))
        await app.release()
        assert [response.closes for response in late.responses()] == [True]

    converse(scenario)


def test_phases(engine: str) -> None:
    async def scenario() -> None:
        app = Waiting()
        it = Conversation(app, engine)

        def phase() -> Phase:
            return it.connection.phase

        assert phase() is Phase.IDLE
        await it.send(post(b"half", length=8))
        assert phase() is Phase.BODY
        await it.send(b"body")
        assert phase() is Phase.RESPONDING
        await app.release()
        assert phase() is Phase.IDLE
        await it.send(post(b"half", length=8))
        await app.release()
        assert phase() is Phase.DRAINING
        await it.send(b"body")
        assert phase() is Phase.IDLE
        await it.finish()
        assert phase() is Phase.CLOSED

    converse(scenario)
