"""The deadlines of a connection: slow heads, stalled bodies, idleness. Time is the test's."""

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
    read_body,
)
from loops import turns

pytestmark = both_engines


def test_idle_connections_close(engine: str) -> None:
    async def scenario() -> None:
        new = Conversation(echo_body, engine)
        await new.pass_time(74)
        assert new.ended == "open"
        await new.pass_time(2)
        assert new.ended == "closed"
        assert new.transport.written == b""
        used = Conversation(echo_body, engine)
        for _ in range(3):
            await used.pass_time(70)
            await used.send(get())
        assert used.statuses() == [200] * 3
        await used.pass_time(74)
        assert used.ended == "open"
        await used.pass_time(2)
        assert used.ended == "closed"

    converse(scenario)


def test_a_connection_without_a_place_is_not_kept_for_long(engine: str) -> None:
    async def scenario() -> None:
        first = Conversation(echo_path, engine, limit_concurrency=1, timeout_keep_alive=75.0, timeout_request_head=10.0)
        second = first.another()
        await second.pass_time(9)
        assert second.ended == "open"
        await second.pass_time(2)
        assert second.ended == "closed"
        await first.pass_time(60)
        assert first.ended == "open"

    converse(scenario)


@pytest.mark.parametrize("before", [b"", get()])
def test_a_slow_head_has_so_much_time_in_all(engine: str, before: bytes) -> None:
    """A byte a second does not renew it."""

    async def scenario() -> None:
        it = Conversation(echo_body, engine)
        if before:
            await it.send(before)
        await it.pass_time(60)  # before the first byte it is idle
        for byte in get()[:9]:
            assert it.ended == "open"
            await it.send(bytes((byte,)))
            await it.pass_time(1)
        await it.pass_time(2)
        assert it.statuses()[-1] == 408
        assert it.responses()[-1].closes
        assert it.ended == "lingering"

    converse(scenario)


def test_a_head_that_arrives_in_time_and_the_next_begins_anew(engine: str) -> None:
    async def scenario() -> None:
        it = Conversation(echo_body, engine)
        for _ in range(3):
            await it.send(get()[:10])
            await it.pass_time(9)
            await it.send(get()[10:])
        await it.pass_time(60)
        assert it.statuses() == [200] * 3
        assert it.ended == "open"

    converse(scenario)


def test_a_head_behind_a_pipeline_has_its_time_from_its_turn_on(engine: str) -> None:
    async def scenario() -> None:
        app = Waiting()
        it = Conversation(app, engine)
        await it.send(get("/1") + get("/2")[:10])
        await it.pass_time(300)
        await app.release()
        await it.pass_time(9)
        assert it.statuses() == [200]
        await it.pass_time(2)
        assert it.statuses() == [200, 408]

    converse(scenario)


@pytest.mark.parametrize("begun", [False, True])
def test_a_stalled_body(engine: str, begun: bool) -> None:
    async def scenario() -> None:
        ends: list[str] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            if begun:
                await send({"type": "http.response.start", "status": 200})
                await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            try:
                await read_body(receive)
            except ConnectionError:
                ends.append("disconnect")
                if begun:
                    await send({"type": "http.response.body", "body": b" ended"})

        it = Conversation(app, engine)
        await it.send(post(b"", length=8))
        for _ in range(4):
            await it.pass_time(29)  # any byte renews it
            await it.send(b"x")
        assert ends == []
        await it.pass_time(31)
        assert ends == ["disconnect"]
        (response,) = it.responses()
        assert response.status == (200 if begun else 408)
        assert it.ended == "lingering"

    converse(scenario)


def test_a_slow_application_is_not_the_clients_fault(engine: str) -> None:
    async def scenario() -> None:
        app = Waiting()
        it = Conversation(app, engine)
        await it.send(post(b"body"))
        await it.pass_time(3600)
        assert it.ended == "open"
        await app.release()
        assert it.statuses() == [200]
        await it.pass_time(74)
        assert it.ended == "open"

    converse(scenario)


def test_a_body_that_waits_for_the_application(engine: str) -> None:
    """So much waits that the socket is not read: no deadline, until the application takes it."""

    async def scenario() -> None:
        gate = asyncio.Event()

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await gate.wait()
            await answer(send, await read_body(receive))

        it = Conversation(app, engine)
        await it.send(post(b"x" * 70_000, length=80_000))
        await it.pass_time(300)
        assert it.ended == "open"
        gate.set()
        await turns()
        await it.pass_time(31)
        assert it.statuses() == [408]

    converse(scenario)


def test_a_client_that_waits_for_100_may_wait_as_long_as_the_application_does(engine: str) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await gate.wait()
            await answer(send, await read_body(receive))

        it = Conversation(app, engine)
        await it.send(post(b"", "Expect: 100-continue", length=4))
        await it.pass_time(300)
        assert it.statuses() == []
        gate.set()
        await turns()
        assert it.statuses() == [100]
        await it.pass_time(29)
        assert it.statuses() == [100]
        await it.pass_time(2)  # now it is the client's turn
        assert it.statuses() == [100, 408]

    converse(scenario)


def test_an_unwanted_body_has_so_much_time_in_all(engine: str) -> None:
    async def scenario() -> None:
        it = Conversation(echo_path, engine)
        await it.send(post(b"begun", length=1000))
        assert it.statuses() == [200]
        for _ in range(5):
            assert it.ended == "open"
            await it.pass_time(5)
            await it.send(b"x")
        await it.pass_time(10)
        assert it.ended == "closed"

    converse(scenario)


def test_settings(engine: str) -> None:
    async def scenario() -> None:
        times: dict[str, Any] = {"timeout_keep_alive": 3.0, "timeout_request_head": 2.0, "timeout_body_stall": 4.0}
        idle = Conversation(echo_body, engine, **times)
        head = Conversation(echo_body, engine, **times)
        body = Conversation(echo_body, engine, **times)
        await head.send(b"GET")
        await body.send(post(b"", length=8))
        for it, seconds in ((idle, 3), (head, 2), (body, 4)):
            await it.pass_time(seconds - 1)
            assert it.ended == "open"
            await it.pass_time(1)
            assert it.ended != "open"

    converse(scenario)
