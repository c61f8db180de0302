"""``receive()``: the request body, its back-pressure and its ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from exchange_doubles import (
    CHUNKED,
    DISCONNECT,
    GET,
    POST,
    FakeSink,
    Head,
    Message,
    Reader,
    body,
    follow,
    make_exchange,
    request,
    sink_of,
    start,
)
from virtual_time import turns

Run = Any

# What happens, one group of steps before each turn of the loop -> what the application receives.
# The letters are those of ``follow``.
CASES: dict[str, tuple[Head, list[str], list[Message]]] = {
    "no body": (GET, ["", "G"], [request(), DISCONNECT]),
    "no body, half-closed": (GET, ["", "E"], [request(), DISCONNECT]),
    "no body, half-closed at once": (GET, ["E", ""], [request(), DISCONNECT]),
    "no body, says it each time": (GET, ["", "G", ""], [request(), DISCONNECT, DISCONNECT, DISCONNECT]),
    "half-closed says it each time": (GET, ["", "E", ""], [request(), DISCONNECT, DISCONNECT, DISCONNECT]),
    "whole at once": (POST, ["abF", "G"], [request(b"ab"), DISCONNECT]),
    "chunk by chunk": (POST, ["a", "b", "cF"], [request(b"a", True), request(b"b", True), request(b"c")]),
    "chunks that wait come together": (POST, ["abc", "F"], [request(b"abc", True), request()]),
    "end alone": (POST, ["a", "F"], [request(b"a", True), request()]),
    "empty body": (CHUNKED, ["F", "G"], [request(), DISCONNECT]),
    "gone before the body": (POST, ["G"], [DISCONNECT, DISCONNECT]),
    "gone in the body": (POST, ["a", "G"], [request(b"a", True), DISCONNECT, DISCONNECT]),
    "gone after the body, unread": (POST, ["", "abFG"], [DISCONNECT]),
    "half-closed before the body": (POST, ["E"], [DISCONNECT, DISCONNECT]),
    "half-closed in the body": (POST, ["a", "E"], [request(b"a", True), DISCONNECT, DISCONNECT]),
    "half-closed in the body, chunks wait": (POST, ["", "abE"], [request(b"ab", True), DISCONNECT]),
    "half-closed after the body": (POST, ["", "abFE"], [request(b"ab"), DISCONNECT, DISCONNECT]),
    "an end after the cut is none": (POST, ["a", "EF"], [request(b"a", True), DISCONNECT, DISCONNECT]),
    "a chunk after the cut is none": (POST, ["a", "Eb"], [request(b"a", True), DISCONNECT, DISCONNECT]),
    "given up": (POST, ["a", "X"], [request(b"a", True), DISCONNECT, DISCONNECT]),
    "given up, chunks wait": (POST, ["", "abX"], [DISCONNECT]),
}


@pytest.mark.parametrize("late", [False, True], ids=["reads at once", "reads when all has happened"])
@pytest.mark.parametrize(("head", "steps", "messages"), CASES.values(), ids=CASES)
def test_what_is_received(run: Run, head: Head, steps: list[str], messages: list[Message], late: bool) -> None:
    async def main() -> None:
        app = Reader(len(messages), answer=False)
        go = asyncio.Event()

        async def reader(scope: Any, receive: Any, send: Any) -> None:
            if late:
                await go.wait()
            await app(scope, receive, send)

        exchange = make_exchange(reader, head)
        exchange.start()
        for group in steps:
            await turns()
            follow(exchange, group)
        go.set()
        await turns()
        if not late:
            assert app.received == messages
            return
        # Read later it may be fewer and larger messages, but never a body that looks whole and is not.
        data = b"".join(one.get("body", b"") for one in app.received)
        whole = any(one.get("more_body") is False for one in app.received)
        assert whole <= any(one.get("more_body") is False for one in messages)
        assert b"".join(one.get("body", b"") for one in messages).startswith(data) or whole
        if DISCONNECT in app.received:
            assert set(map(str, app.received[app.received.index(DISCONNECT) :])) == {str(DISCONNECT)}

    run(main)


def test_after_the_body_it_waits_for_the_disconnect(run: Run) -> None:
    async def main() -> None:
        app = Reader(2)
        exchange = make_exchange(app)
        exchange.start()
        await turns(50)
        assert app.received == [request()]
        exchange.client_gone()
        await turns()
        assert app.received == [request(), DISCONNECT]

    run(main)


def test_a_complete_response_is_a_disconnect(run: Run) -> None:
    received: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await send(body(b"x"))
        received.extend([await receive(), await receive()])

    async def main() -> None:
        make_exchange(app, POST).start()
        await turns()

    run(main)
    assert received == [DISCONNECT, DISCONNECT]


def test_a_complete_response_wakes_who_waits_for_the_disconnect(run: Run) -> None:
    received: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def listen() -> None:
            await receive()
            received.append(await receive())

        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            await turns(3)
            await send(start())
            await send(body(b"x"))

    async def main() -> None:
        make_exchange(app).start()
        await turns()

    run(main)
    assert received == [DISCONNECT]


def test_a_client_that_half_closes_still_gets_its_answer(run: Run) -> None:
    async def main() -> None:
        app = Reader(2)
        exchange = make_exchange(app, POST)
        exchange.start()
        follow(exchange, "abFE")
        await turns()
        assert app.received == [request(b"ab"), DISCONNECT]
        assert (sink_of(exchange).body, sink_of(exchange).ended) == (b"ok", True)
        assert not exchange.gone

    run(main)


def test_two_can_wait_at_once(run: Run) -> None:
    received: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        received.extend(await asyncio.gather(receive(), receive()))

    async def main() -> None:
        exchange = make_exchange(app)
        exchange.start()
        await turns()
        exchange.client_gone()
        await turns()

    run(main)
    assert received == [DISCONNECT, DISCONNECT]


def test_a_receive_that_was_cancelled_loses_nothing(run: Run) -> None:
    received: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await receive()
        received.extend([await receive(), await receive()])

    async def main() -> None:
        exchange = make_exchange(app, POST)
        exchange.start()
        await asyncio.sleep(2)
        follow(exchange, "a")
        await turns()
        follow(exchange, "bF")
        await turns()

    run(main)
    assert received == [request(b"a", True), request(b"b")]


# ------------------------------------------------------------------------------------------------------- back-pressure


def test_receives_that_were_cancelled_are_forgotten(run: Run) -> None:
    left: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for _ in range(100):
            looking = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            looking.cancel()
            await asyncio.wait([looking])
        left.append(len(receive.__self__._receivers))
        await send(start())
        await send(body(b"still there"))

    async def main() -> FakeSink:
        exchange = make_exchange(app)
        exchange.start()
        await asyncio.sleep(1)
        return sink_of(exchange)

    assert run(main).ended
    assert left == [1]


def test_the_wire_pauses_at_64_kib_and_resumes_when_they_are_taken(run: Run) -> None:
    async def main() -> None:
        go = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await go.wait()
            sizes.append(len((await receive())["body"]))

        sizes: list[int] = []
        exchange = make_exchange(app, CHUNKED)
        exchange.start()
        assert not exchange.feed(b"x" * 65535)
        assert exchange.feed(b"x")
        assert exchange.feed(b"x")
        await turns()
        assert sink_of(exchange).resumed == 0
        go.set()
        await turns()
        assert sizes == [65537]
        assert sink_of(exchange).resumed == 1

    run(main)


def test_what_nobody_will_read_does_not_pile_up(run: Run) -> None:
    async def main() -> None:
        exchange = make_exchange(Reader(0), CHUNKED)
        exchange.start()
        await turns()
        assert sink_of(exchange).ended
        for _ in range(100):
            assert not exchange.feed(b"x" * 65536)
        assert exchange.body is not None
        assert exchange.body.waiting == 0

    run(main)
