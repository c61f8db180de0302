"""Request bodies over HTTP/1.1: back-pressure, 100-continue, what is left unread, and the client's end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from http1_driver import (
    Conversation,
    Scope,
    answer,
    both_engines,
    converse,
    echo_body,
    get,
    post,
    post_chunked,
    read_body,
)
from loops import turns

from pounce_workers.serving import http1_bodies

pytestmark = both_engines

BIG = bytes(range(256)) * 2000  # 512 KB


async def unread(scope: Scope, receive: Any, send: Any) -> None:
    """Answers at once and never asks for the body."""
    await answer(send, b"no, thanks")


# -- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 100, 70_000, 10_000_000])
@pytest.mark.parametrize("kind", ["length", "chunked"])
def test_bodies_in_any_pieces(engine: str, cut: int, kind: str) -> None:
    async def scenario() -> None:
        it = Conversation(echo_body, engine)
        body = BIG[:300] if cut == 1 else BIG
        wire = post(body) if kind == "length" else post_chunked(body[: len(body) // 2], body[len(body) // 2 :])
        if cut == 100:
            wire = post(BIG[:20_000])
            body = BIG[:20_000]
        for start in range(0, len(wire), cut):
            it.transport.send(wire[start : start + cut])
            await asyncio.sleep(0)
        await it.send(get())
        await turns(100)
        assert [response.body for response in it.responses()] == [body, b""]
        assert it.ended == "open"

    converse(scenario)


def test_a_body_without_bytes(engine: str) -> None:
    async def scenario() -> None:
        it = Conversation(echo_body, engine)
        await it.send(post(b""), post_chunked())
        assert it.statuses() == [200, 200]

    converse(scenario)


@pytest.mark.parametrize("kind", ["length", "chunked"])
def test_the_socket_is_not_read_while_enough_waits(engine: str, kind: str) -> None:
    async def scenario() -> None:
        steps = asyncio.Semaphore(0)
        received: list[int] = []

        async def slow(scope: Scope, receive: Any, send: Any) -> None:
            more = True
            while more:
                await steps.acquire()
                message = await receive()
                received.append(len(message["body"]))
                more = message["more_body"]
            await answer(send)

        it = Conversation(slow, engine)
        chunk = b"x" * 20_000
        wire = post(chunk * 50) if kind == "length" else post_chunked(*[chunk] * 50)
        sent = 0
        while not it.transport.paused:
            await it.send(wire[sent : sent + 20_000])
            sent += 20_000
            assert sent <= 65536 + 2 * 20_000
        assert it.transport.deadline == float("inf")  # the client is not to blame
        for start in range(sent, len(wire), 20_000):
            it.transport.send(wire[start : start + 20_000])
        while sum(received) < len(chunk) * 50:
            steps.release()
            await turns()
        await turns()
        steps.release()
        await turns()
        assert it.statuses() == [200]
        assert it.connection.idle
        assert max(received) <= 262144 + 65536

    converse(scenario)


def test_a_body_above_the_limit(engine: str) -> None:
    async def scenario() -> None:
        for wire in (post(b"x" * 11), post(b"", length=11), post_chunked(b"x" * 6, b"x" * 5, end=False)):
            it = Conversation(echo_body, engine, exchange={"max_request_body": 10})
            await it.send(wire)
            (response,) = it.responses()
            assert (response.status, response.closes, it.ended) == (413, True, "lingering")
            assert not it.context.running
        fits = Conversation(echo_body, engine, exchange={"max_request_body": 10})
        await fits.send(post(b"x" * 10) + post_chunked(b"x" * 5, b"x" * 5))
        assert fits.statuses() == [200, 200]

    converse(scenario)


@pytest.mark.parametrize("reads", [True, False])
def test_a_malformed_body_never_looks_whole(engine: str, reads: bool) -> None:
    async def scenario() -> None:
        messages: list[Any] = []
        gate = asyncio.Event()

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            if not reads:
                await gate.wait()
            while not messages or messages[-1]["type"] == "http.request":
                messages.append(await receive())

        it = Conversation(app, engine)
        await it.send(post_chunked(b"first", end=False))
        await it.send(b"zz\r\n" + get())
        gate.set()
        await turns()
        assert messages[-1]["type"] == "http.disconnect"
        assert all(message["more_body"] for message in messages[:-1])
        (response,) = it.responses()
        assert (response.status, response.closes, it.ended) == (400, True, "lingering")
        assert not it.context.running

    converse(scenario)


def test_a_malformed_body_under_a_response_that_has_begun(engine: str) -> None:
    async def scenario() -> None:
        ends: list[str] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            await receive()
            ends.append((await receive())["type"])
            await send({"type": "http.response.body", "body": b" ended"})

        it = Conversation(app, engine)
        await it.send(post_chunked(b"first", end=False), b"zz\r\n" + get())
        assert ends == ["http.disconnect"]
        (response,) = it.responses()
        assert response.body == b"begun ended"
        assert it.ended == "lingering"

    converse(scenario)


# -- 100-continue ----------------------------------------------------------------------------------------------------

EXPECT = "Expect: 100-continue"


def test_continue_when_the_application_first_asks(engine: str) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await gate.wait()
            await answer(send, await read_body(receive))

        it = Conversation(app, engine)
        await it.send(post(b"", EXPECT, length=4))
        assert it.transport.written == b""
        gate.set()
        await turns()
        assert it.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
        await it.send(b"bo", b"dy")
        assert [(one.status, one.body) for one in it.responses()] == [(100, b""), (200, b"body")]
        assert it.ended == "open"

    converse(scenario)


@pytest.mark.parametrize(
    ("wire", "statuses"),
    [
        (post(b"body", EXPECT), [200]),  # it did not wait
        (post(b"bo", EXPECT, length=4), [200]),
        (post(b"", EXPECT), [200]),  # nothing to wait for
        (get("/", EXPECT), [200]),
        (post(b"body", EXPECT, version="1.0"), [200]),  # RFC 9110, 10.1.1: ignored
        (post_chunked(end=False, lines=(EXPECT,)), [100]),
        (post_chunked(b"bo", end=False, lines=(EXPECT,)), []),
    ],
)
def test_continue_only_where_it_is_waited_for(engine: str, wire: bytes, statuses: list[int]) -> None:
    async def scenario() -> None:
        it = Conversation(echo_body, engine)
        await it.send(wire)
        if wire.endswith(b"bo") and b"Content-Length" in wire:
            await it.send(b"dy")
        assert it.statuses() == statuses

    converse(scenario)


def test_a_final_answer_instead_of_continue_closes(engine: str) -> None:
    """The client may send the body or not: what it sends next could be either (RFC 9110, 10.1.1)."""

    async def scenario() -> None:
        it = Conversation(unread, engine)
        await it.send(post(b"", EXPECT, length=4))
        (response,) = it.responses()
        assert response.closes
        assert it.ended == "lingering"

    converse(scenario)


def test_no_continue_behind_the_head(engine: str) -> None:
    async def scenario() -> None:
        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
            await send({"type": "http.response.body", "body": await read_body(receive)})

        it = Conversation(app, engine)
        await it.send(post(b"", EXPECT, length=4), b"body")
        assert [(one.status, one.body) for one in it.responses()] == [(200, b"begun body")]
        assert it.responses()[0].closes

    converse(scenario)


# -- what is left unread ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["length", "chunked"])
@pytest.mark.parametrize("size", [10, http1_bodies.DRAIN_BYTES])
def test_an_unread_body_is_drained(engine: str, kind: str, size: int) -> None:
    async def scenario() -> None:
        it = Conversation(unread, engine)
        body = b"x" * size
        wire = post(body) if kind == "length" else post_chunked(body)
        cut = len(wire) - size // 2 - 1
        await it.send(wire[:cut])
        assert it.statuses() == [200]
        await it.send(wire[cut:] + get())
        assert it.statuses() == [200, 200]
        assert not any(response.closes for response in it.responses())
        assert it.connection.idle

    converse(scenario)


def test_an_unread_body_that_is_known_to_be_large(engine: str) -> None:
    async def scenario() -> None:
        it = Conversation(unread, engine)
        await it.send(post(b"x" * 100, length=http1_bodies.DRAIN_BYTES + 101))
        (response,) = it.responses()
        assert response.closes
        assert it.ended == "lingering"

    converse(scenario)


@pytest.mark.parametrize("streams", [False, True])
def test_an_unread_body_that_turns_out_large(engine: str, streams: bool) -> None:
    """The answer is out and the client still sends: closing without lingering would reset the connection under it."""

    async def scenario() -> None:
        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            if streams:
                await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await send({"type": "http.response.body", "body": b"b"})

        it = Conversation(app, engine)
        if streams:
            await it.send(post(b"", length=10_000_000))
        else:
            await it.send(post_chunked(b"x" * 1000, end=False))
        assert it.statuses() == [200]
        for _ in range(http1_bodies.DRAIN_BYTES // 50_000 + 2):
            await it.send(b"x" * 50_000 if streams else b"c350\r\n" + b"x" * 50_000 + b"\r\n")
        assert it.ended == "lingering"

    converse(scenario)


@pytest.mark.parametrize("what", ["malformed", "stalled"])
def test_an_unread_body_that_goes_wrong(engine: str, what: str) -> None:
    async def scenario() -> None:
        it = Conversation(unread, engine)
        await it.send(post_chunked(b"x" * 1000, end=False))
        assert it.statuses() == [200]
        if what == "malformed":
            await it.send(b"zz\r\n" + get() * 10)
            assert it.ended == "lingering"
        else:
            await it.pass_time(31)
            assert it.ended in ("closed", "lingering")
        assert it.statuses() == [200]

    converse(scenario)


def test_a_body_that_is_read_in_part(engine: str) -> None:
    async def scenario() -> None:
        async def app(scope: Scope, receive: Any, send: Any) -> None:
            if scope["method"] == "POST":
                await receive()
            await answer(send)

        it = Conversation(app, engine)
        wire = post(b"x" * 200_000)
        await it.send(wire[:100_000])
        await it.send(wire[100_000:])
        await it.send(get())
        assert it.statuses() == [200, 200]
        assert it.ended == "open"

    converse(scenario)


@pytest.mark.parametrize("size", [65_535, 65_536, 80_000])
def test_a_body_that_arrived_whole_is_one_message(engine: str, size: int) -> None:
    """Also one that fills the buffer: reading pauses for what is still to come, not for what is here."""
    seen: list[tuple[int, bool]] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        message = await receive()
        seen.append((len(message["body"]), message["more_body"]))
        await answer(send)

    async def scenario() -> None:
        it = Conversation(app, engine)
        await it.send(post(b"x" * size), get("/next"))
        assert it.statuses() == [200, 200]

    converse(scenario)
    assert seen == [(size, False), (0, False)]


def test_after_a_whole_body_the_clients_end_is_heard(engine: str) -> None:
    heard: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        heard.append((await receive())["type"])
        await answer(send)

    async def scenario() -> None:
        it = Conversation(app, engine)
        await it.send(post(b"x" * 70_000))
        assert heard == []
        await it.finish()
        assert heard == ["http.disconnect"]
        assert it.statuses() == [200]

    converse(scenario)
