"""The HTTP part of ASGI's web specification 2.5: what ``receive()`` gives, and the client that leaves."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.requests import GET, WAIT_SECONDS, answer, ask, body, start

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve


class Receiving:
    """An application that keeps what it receives until the request is whole, and answers with it."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            event = await receive()
            self.events.append(event)
            if event["type"] == "http.disconnect" or not event["more_body"]:
                break
        await answer(send, b"".join(event["body"] for event in self.events if event["type"] == "http.request"))


def test_a_request_without_a_body_is_one_event(serve: Serve) -> None:
    app = Receiving()
    ask(serve(app, lifespan="off"))
    assert app.events == [{"type": "http.request", "body": b"", "more_body": False}]


def test_a_body_comes_in_pieces_of_which_the_last_says_so(serve: Serve) -> None:
    app = Receiving()
    content = bytes(range(256)) * 4096
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(content)
    assert ask(serve(app, lifespan="off"), request + content).body == content
    assert {event["type"] for event in app.events} == {"http.request"}
    assert [event["more_body"] for event in app.events] == [True] * (len(app.events) - 1) + [False]
    assert len(app.events) > 1, "it is not gathered first"


def test_a_piece_is_given_before_the_rest_has_come(serve: Serve) -> None:
    first = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        event = await receive()
        assert (event["body"], event["more_body"]) == (b"first", True)
        first.set()
        content = b""
        while event["more_body"]:
            event = await receive()
            content += event["body"]
        await answer(send, content)

    with serve(app, lifespan="off").connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nfirst")
        assert first.wait(WAIT_SECONDS)
        client.send(b"second")
        assert client.read_response().body == b"second"


def test_a_chunked_body_arrives_decoded(serve: Serve) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    app = Receiving()
    assert (
        ask(serve(app, lifespan="off"), head + b"4;ext=1\r\nWiki\r\n5\r\npedia\r\n0\r\nX: y\r\n\r\n").body
        == b"Wikipedia"
    )


def test_a_connection_alone_calls_nobody(serve: Serve) -> None:
    app = Receiving()
    server = serve(app, lifespan="off")
    with server.connect() as client:
        client.send(GET[:-2])
        ask(server)
        assert len(app.events) == 1, "that of the whole request"


def test_after_the_response_comes_the_disconnect(serve: Serve) -> None:
    events: list[dict[str, Any]] = []
    done = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await answer(send)
        events.extend([await receive(), await receive()])
        done.set()

    with serve(app, lifespan="off").connect() as client:
        client.send(GET)
        client.read_response()
        assert done.wait(WAIT_SECONDS)
    assert events == [{"type": "http.disconnect"}] * 2


def test_a_waiting_receive_hears_of_the_lost_connection(serve: Serve) -> None:
    waiting, done = threading.Event(), threading.Event()
    events: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        waiting.set()
        events.append(await receive())
        done.set()

    with serve(app, lifespan="off").connect() as client:
        client.send(GET)
        assert waiting.wait(WAIT_SECONDS)
    assert done.wait(WAIT_SECONDS)
    assert events == [{"type": "http.disconnect"}]


def test_a_cut_off_body_ends_with_a_disconnect(serve: Serve) -> None:
    ended = threading.Event()
    events: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while not events or events[-1]["type"] != "http.disconnect":
            events.append(await receive())
        ended.set()

    with serve(app, lifespan="off").connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nfirst")
    assert ended.wait(WAIT_SECONDS)
    assert all(event["more_body"] for event in events[:-1]), "it never looks whole"


@pytest.mark.parametrize("heard", [True, False], ids=["after the disconnect", "while sending"])
def test_sending_to_a_client_that_left_raises_an_oserror(serve: Serve, heard: bool) -> None:
    begun, done = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(start())
        await send(body(b"begun", more=True))
        begun.set()
        if heard:
            assert await receive() == {"type": "http.disconnect"}
        try:
            while True:
                await send(body(b"x" * 1000, more=True))
                await asyncio.sleep(0)
        except OSError as error:
            raised.append(error)
        done.set()

    with serve(app, lifespan="off").connect() as client:
        client.send(GET)
        assert begun.wait(WAIT_SECONDS)
    assert done.wait(WAIT_SECONDS)
    (error,) = raised
    assert type(error) is not OSError, "a class of the server's own"


def test_a_send_that_waits_ends_when_the_client_leaves(serve: Serve) -> None:
    """``send()`` returns once the data is taken or the connection is closed; it never hangs."""
    filling, done = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        try:
            while True:
                filling.set()
                await send(body(b"x" * 1_000_000, more=True))
        except OSError:
            done.set()

    with serve(app, lifespan="off").connect() as client:
        client.send(GET)
        assert filling.wait(WAIT_SECONDS)
        client.read_some()
    assert done.wait(WAIT_SECONDS)
