"""The client's end over HTTP/1.1: what was sent before it is still answered, and a cut body never looks whole."""

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
    get,
    post,
    post_chunked,
    read_body,
)
from loops import turns

pytestmark = both_engines

BIG = bytes(range(256)) * 2000  # 512 KB


async def unread(scope: Scope, receive: Any, send: Any) -> None:
    """Answers at once and never asks for the body."""
    await answer(send, b"no, thanks")


# -- the client's end ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", [get("/1"), post(b"body")])
def test_a_client_that_half_closes_gets_its_answer(engine: str, wire: bytes) -> None:
    async def scenario() -> None:
        app = Waiting()
        it = Conversation(app, engine)
        await it.send(wire)
        await it.finish()
        assert it.ended == "open"
        await app.release()
        assert it.statuses() == [200]
        assert it.ended == "closed"
        assert app.ended == ["returned"]

    converse(scenario)


@pytest.mark.parametrize("count", [1, 3])
def test_pipelined_requests_and_then_the_end(engine: str, count: int) -> None:
    async def scenario() -> None:
        app = Waiting()
        it = Conversation(app, engine)
        await it.send(get("/x") * count)
        await it.finish()
        for _ in range(count):
            await app.release()
        assert it.statuses() == [200] * count
        assert it.ended == "closed"

    converse(scenario)


@pytest.mark.parametrize("size", [4, 300_000])
@pytest.mark.parametrize("behind_another", [False, True])
@pytest.mark.parametrize("kind", ["length", "chunked"])
def test_a_whole_body_is_whole_also_before_the_end(engine: str, size: int, behind_another: bool, kind: str) -> None:
    """The end has come, the body is all there, only not yet taken; after it ``receive()`` tells of the disconnect."""

    async def scenario() -> None:
        gate = asyncio.Event()
        bodies: list[int] = []
        after: list[str] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await gate.wait()
            if scope["method"] == "POST":
                bodies.append(len(await read_body(receive)))
                after.append((await receive())["type"])
            await answer(send)

        it = Conversation(app, engine)
        wire = post(b"x" * size) if kind == "length" else post_chunked(b"x" * size)
        await it.send((get() if behind_another else b"") + wire)
        await it.finish()
        gate.set()
        await turns(50)
        assert (bodies, after) == ([size], ["http.disconnect"])
        assert it.statuses() == [200] * (1 + behind_another)
        assert it.ended == "closed"

    converse(scenario)


@pytest.mark.parametrize("wire", [post(b"half", length=8), post_chunked(b"half", end=False), post(b"", length=8)])
def test_a_truncated_body_is_a_disconnect_and_a_400(engine: str, wire: bytes) -> None:
    async def scenario() -> None:
        messages: list[Any] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            while not messages or messages[-1]["type"] == "http.request":
                messages.append(await receive())

        it = Conversation(app, engine)
        await it.send(wire)
        await it.finish()
        assert messages[-1] == {"type": "http.disconnect"}
        assert all(message["more_body"] for message in messages[:-1])
        (response,) = it.responses()
        assert (response.status, response.closes, it.ended) == (400, True, "closed")
        assert not it.context.running

    converse(scenario)


def test_a_truncated_body_under_a_response_that_has_begun(engine: str) -> None:
    async def scenario() -> None:
        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
            with pytest.raises(ConnectionError):
                await read_body(receive)
            await send({"type": "http.response.body", "body": b"ended"})

        it = Conversation(app, engine)
        await it.send(post(b"half", length=8))
        await it.finish()
        assert [(one.status, one.body) for one in it.responses()] == [(200, b"begun ended")]
        assert it.ended == "closed"

    converse(scenario)


@pytest.mark.parametrize("sent", [b"GET", b"GET / HTTP/1.1\r\n", get()[:-2]])
def test_the_end_within_a_head(engine: str, sent: bytes) -> None:
    async def scenario() -> None:
        it = Conversation(unread, engine)
        await it.send(sent)
        await it.finish()
        assert it.statuses() == [400]
        assert it.ended == "closed"

    converse(scenario)


def test_the_end_while_an_unread_body_is_drained(engine: str) -> None:
    async def scenario() -> None:
        it = Conversation(unread, engine)
        await it.send(post(b"half", length=8))
        await it.finish()
        assert it.statuses() == [200]
        assert it.ended == "closed"

    converse(scenario)
