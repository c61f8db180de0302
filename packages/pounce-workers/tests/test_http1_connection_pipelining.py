"""Requests that are sent ahead: answered in order, bounded, each by itself."""

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

pytestmark = both_engines


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


def test_many_at_once_leave_others_their_turn(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answered at once, but not all in one turn of the loop: here each request is all that fits into one."""
    monkeypatch.setattr(http1_connection, "TURN_SECONDS", 0.0)

    async def scenario() -> None:
        served: list[int] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            served.append(1)
            await answer(send)

        it = Conversation(app, engine)
        it.transport.send(get() * 100)
        assert len(served) <= 2  # before 3.12 tasks do not start eagerly, and none has begun
        before = len(served)
        it.transport.send(get() * 100)  # what comes meanwhile does not jump the queue
        assert len(served) == before
        assert not it.connection.idle
        await turns(100)
        assert before < len(served) < 200
        await turns(1000)
        assert it.statuses() == [200] * 200
        assert it.connection.idle

    converse(scenario)


def test_a_connection_that_waited_for_its_turn_is_idle_no_longer_than_others(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing but an empty line was left (RFC 9112, 2.2)."""
    monkeypatch.setattr(http1_connection, "TURN_SECONDS", 0.0)

    async def scenario() -> None:
        it = Conversation(echo_path, engine)
        await it.send(get("/1") + get("/2") + b"\r\n")
        await turns(20)
        assert it.statuses() == [200, 200]
        assert it.transport.deadline <= it.sweeper.soon + 75
        await it.pass_time(80)
        assert it.ended != "open"

    converse(scenario)


@pytest.mark.parametrize("count", [1, 2, 3, 16])
@pytest.mark.parametrize("first_waits", [False, True])
def test_an_end_right_behind_a_full_turn_closes(
    engine: str, count: int, first_waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1_connection, "TURN_SECONDS", 0.0)

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
