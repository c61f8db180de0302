"""Requests that are not simply read to their end: 100-continue, and bodies that are refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from exchange_doubles import (
    CHUNKED,
    DISCONNECT,
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

from pounce_asgi import HttpExchange, IncompleteBody, RequestError, RequestTooLarge

Run = Any

EXPECT = Head(method="POST", has_body=True, content_length=2, expect_continue=True)


def informational(exchange: HttpExchange[Any]) -> list[int]:
    return [status for status, _ in sink_of(exchange).informational]


def test_continue_is_sent_when_the_body_is_first_asked_for(run: Run) -> None:
    async def main() -> None:
        go = asyncio.Event()
        app = Reader(2)

        async def waits(scope: Any, receive: Any, send: Any) -> None:
            await go.wait()
            await app(scope, receive, send)

        exchange = make_exchange(waits, EXPECT)
        exchange.start()
        await turns()
        assert informational(exchange) == []
        go.set()
        await turns()
        assert informational(exchange) == [100]
        follow(exchange, "a")
        await turns()
        follow(exchange, "bF")
        await turns()
        assert informational(exchange) == [100]
        assert sink_of(exchange).ended

    run(main)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("steps", ["a", "abF", "F", "G", "E"])
def test_continue_is_not_sent_to_a_client_that_did_not_wait(run: Run, steps: str, count: int) -> None:
    async def main() -> None:
        exchange = make_exchange(Reader(count, answer=False), EXPECT)
        follow(exchange, steps)
        exchange.start()
        await turns()
        assert informational(exchange) == []

    run(main)


@pytest.mark.parametrize("messages", [[start(), body(b"", True)], [start(), body(b"no")]])
def test_continue_is_not_sent_after_the_answer(run: Run, messages: list[Message]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        await receive()

    async def main() -> None:
        exchange = make_exchange(app, EXPECT)
        exchange.start()
        await turns()
        assert informational(exchange) == []
        exchange.client_gone()
        await turns()

    run(main)


def test_no_body_no_continue(run: Run) -> None:
    async def main() -> None:
        exchange = make_exchange(Reader(1), Head(expect_continue=True))
        exchange.start()
        await turns()
        assert informational(exchange) == []
        assert sink_of(exchange).ended

    run(main)


@pytest.mark.parametrize(
    ("limit", "length", "status"), [(None, 10**12, 200), (10, 10, 200), (10, 11, 413), (0, 1, 413), (0, 0, 200)]
)
def test_a_body_announced_too_large_never_reaches_the_application(
    run: Run, limit: int | None, length: int, status: int
) -> None:
    async def main() -> None:
        app = Reader(0)
        called: list[Any] = []

        async def noting(*args: Any) -> None:
            called.append(args)
            await app(*args)

        head = Head(method="POST", has_body=length > 0, content_length=length)
        exchange = make_exchange(noting, head, max_request_body=limit)
        exchange.start()
        await turns()
        sent = sink_of(exchange).head
        assert sent is not None
        assert sent.status == status
        assert bool(called) is (status == 200)
        assert sent.close is (status != 200)

    run(main)


def test_a_body_that_grows_too_large(run: Run) -> None:
    async def main() -> None:
        app = Reader(3)
        exchange = make_exchange(app, CHUNKED, max_request_body=2)
        exchange.start()
        for letter in "abc":
            await turns()
            follow(exchange, letter)
        await turns()
        sent = sink_of(exchange).head
        assert sent is not None
        assert (sent.status, sent.close, sink_of(exchange).ended) == (413, True, True)
        assert app.received == [request(b"a", True), request(b"b", True), DISCONNECT]
        assert app.refused

    run(main)


def test_a_response_that_has_begun_goes_on(run: Run) -> None:
    async def main() -> None:
        go = asyncio.Event()
        received: list[Message] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(start())
            await send(body(b"a", True))
            received.append(await receive())
            await send(body(b"b"))

        exchange = make_exchange(app, CHUNKED, state={"go": go})
        exchange.start()
        await turns()
        exchange.fail_request(RequestTooLarge("too large"))
        exchange.fail_request(RequestTooLarge("too large"))
        await turns()
        assert received == [DISCONNECT]
        sink = sink_of(exchange)
        assert (sink.head and sink.head.status, sink.body, sink.ended) == (200, b"ab", True)

    run(main)


@pytest.mark.parametrize(
    ("error", "status"),
    [(IncompleteBody("cut"), 400), (RequestTooLarge("big"), 413), (RequestError("slow", status=408), 408)],
)
def test_the_error_carries_the_answer(run: Run, error: RequestError, status: int) -> None:
    async def main() -> None:
        exchange = make_exchange(Reader(1), CHUNKED)
        exchange.start()
        await turns()
        exchange.fail_request(error)
        await turns()
        sink = sink_of(exchange)
        assert sink.head is not None
        assert (sink.head.status, sink.head.close, sink.calls) == (status, True, ["head"])

    run(main)
