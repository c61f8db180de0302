"""HTTP/1.1 on one connection: what keeps it open, in what order it answers, and what it refuses."""

from __future__ import annotations

import asyncio
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
