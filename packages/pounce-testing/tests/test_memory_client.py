"""Clients in memory, over HTTP/1.1 and HTTP/2, as functions and as coroutines."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
from typing import TYPE_CHECKING, Any

import pytest
from memory_app import Application

import pounce
from pounce_asgi import ConfigError, LifespanError, Listeners, ResponseCompleted, Subscriber
from pounce_testing import AsyncInMemoryClient, InMemoryClient, ResponseError
from pounce_testing.memory.websocket import HandshakeError, WebSocketClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

both_versions = pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])


@both_versions
def test_requests(http2: bool) -> None:
    app = Application()
    with InMemoryClient(app, http2=http2, headers={"X-Always": "yes"}) as client:
        response = client.get("/a path/é?q=1", params={"b": "ü"}, headers={"X-Mine": "1"})
        assert response.status == 200
        assert response.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
        assert response.text == "GET /a path/é q=1&b=%C3%BC "
        assert client.post("/", json={"a": ["é"]}).text == 'POST /  {"a":["é"]}'
        assert client.put("/", content="text").body == b"PUT /  text"
        assert client.patch("/", content=b"\x00").body == b"PATCH /  \x00"
        assert client.delete("/").body == b"DELETE /  "
        head = client.head("/")
        assert (head.body, head.header(b"content-length")) == (b"", b"8")
    fields = dict(app.scopes[1]["headers"])
    assert (fields[b"x-always"], fields[b"x-mine"], fields[b"host"]) == (b"yes", b"1", b"testserver")
    assert app.scopes[1]["client"] == ("127.0.0.1", 50000)
    assert app.scopes[1]["http_version"] == ("2" if http2 else "1.1")
    assert app.events == ["startup", "shutdown"]


def test_connections_are_kept_and_used_again() -> None:
    closed: list[Any] = []
    with InMemoryClient(Application(), listeners=Listeners.of(Subscriber(closed.append, ResponseCompleted))) as client:
        for _ in range(3):
            client.get("/")
    assert len({record.connection_id for record in closed}) == 1


@both_versions
def test_a_body_in_pieces_and_an_answer_meanwhile(http2: bool) -> None:
    async def scenario() -> None:
        more = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            yield b"one"
            await more.wait()
            yield b""
            yield b"two"

        async with InMemoryClient(Application(), http2=http2) as client:
            async with client.stream("POST", "/pieces", content=pieces()) as response:
                assert await response.next_piece() == b"one"
                more.set()
                assert (await response.read()).body == b"two"
            assert (await client.get("/")).status == 200

    asyncio.run(scenario())


@both_versions
def test_large_bodies_both_ways(http2: bool) -> None:
    body = bytes(range(256)) * 4000
    with InMemoryClient(Application(), http2=http2) as client:
        assert client.post("/", content=body).body == b"POST /  " + body
        assert client.post("/", content=[body, body]).body == b"POST /  " + body * 2


@both_versions
def test_trailers(http2: bool) -> None:
    with InMemoryClient(Application(), http2=http2) as client:
        response = client.get("/trailers", headers={"TE": "trailers"})
        assert response.trailers == ((b"x-sum", b"1"),)


@both_versions
def test_several_requests_at_once(http2: bool) -> None:
    async def scenario() -> None:
        app = Application()
        async with AsyncInMemoryClient(app, http2=http2) as client:
            waiting = [asyncio.ensure_future(client.get("/wait", params={"n": str(n)})) for n in range(3)]
            assert (await client.get("/")).status == 200
            assert not any(one.done() for one in waiting)
            app.gate.set()
            assert [(await one).text for one in waiting] == [f"GET /wait n={n} " for n in range(3)]

    asyncio.run(scenario())


@both_versions
def test_who_leaves_early_is_missed_by_the_application(http2: bool) -> None:
    async def scenario() -> None:
        app = Application()
        async with AsyncInMemoryClient(app, http2=http2) as client:
            async with client.stream("GET", "/gone") as response:
                assert await response.next_piece() == b"first"
            await asyncio.wait_for(app.noticed.wait(), 10)
            assert (await client.get("/")).status == 200

    asyncio.run(scenario())


@both_versions
def test_an_application_waits_for_a_slow_client(http2: bool) -> None:
    with InMemoryClient(Application(), http2=http2) as client, client.stream("GET", "/endless") as response:
        read = sum(len(response.next_piece()) for _ in range(20))
        assert read > 100_000


@both_versions
def test_an_answer_that_is_cut_off(http2: bool, caplog: pytest.LogCaptureFixture) -> None:
    with InMemoryClient(Application(), http2=http2) as client:
        with client.stream("GET", "/cut") as response:
            assert response.status == 200
            with pytest.raises(ResponseError):
                response.read()
        assert client.get("/").status == 200
    assert "on purpose" in caplog.text


def test_an_answer_before_the_body() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with InMemoryClient(Application()) as client:
        assert client.post("/early", content=endless()).body == b"too much"


def test_a_body_that_fails_is_the_callers_error() -> None:
    def failing() -> Iterator[bytes]:
        yield b"one"
        raise ZeroDivisionError

    with InMemoryClient(Application()) as client:
        with pytest.raises(ZeroDivisionError):
            client.post("/", content=failing())
        assert client.get("/").status == 200


def test_a_websocket() -> None:
    app = Application()
    with InMemoryClient(app) as client:
        with client.websocket("/", subprotocols=("a", "b")) as websocket:
            assert websocket.subprotocol == "b"
            for message in ("text é", b"\x00bytes", "", "x" * 200, b"y" * 70000):
                websocket.send(message)
                assert websocket.receive() == message
            assert websocket.closed is None
        assert websocket.closed is not None
        assert websocket.closed.code == 1000
        with client.websocket("/") as websocket:
            websocket.send("close")
            with pytest.raises(WebSocketClosedError, match="4001 as you wish"):
                websocket.receive()
        with client.websocket("/") as websocket:
            assert websocket.close(4444).code == 4444
    assert [event for event in app.events if event.startswith("disconnect")][0::2] == [
        "disconnect 1000",
        "disconnect 4444",
    ]


def test_a_websocket_that_is_refused() -> None:
    with InMemoryClient(Application()) as client:
        with pytest.raises(HandshakeError) as caught, client.websocket("/refused"):
            pytest.fail("it was not accepted")
        assert caught.value.response.status == 403


def test_pings_are_answered_and_fragments_joined() -> None:
    async def scenario() -> None:
        async with AsyncInMemoryClient(Application()) as client, client.websocket("/") as websocket:
            await websocket.send_frame(0x1, b"one ", last=False)
            await websocket.send_frame(0x9, b"ping")
            await websocket.send_frame(0x0, b"two")
            assert await websocket.receive() == "one two"
            assert websocket.pongs == [b"ping"]
            await websocket.send_frame(0xF, b"")
            assert [message async for message in websocket] == []
            assert websocket.closed is not None
            assert websocket.closed.code == 1002

    asyncio.run(scenario())


def test_bytes_as_they_are() -> None:
    with InMemoryClient(Application()) as client, client.connect() as raw:
        raw.send(b"GET /1 HTTP/1.1\r\n", b"Host: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
        raw.finish_sending()
        wire = raw.receive_all()
        assert wire.count(b"HTTP/1.1 200 OK\r\n") == 2
        assert wire.endswith(b"GET /2  ")


def test_the_servers_own_rules_hold() -> None:
    with InMemoryClient(Application(), limit_request_fields=3, header=(("x-from", "settings"),)) as client:
        assert client.get("/", headers={"A": "1", "B": "2", "C": "3"}).status == 431
        assert client.get("/").header(b"x-from") == b"settings"
        with client.connect() as raw:
            raw.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            assert raw.receive_all().startswith(b"HTTP/1.1 400 ")


def test_deadlines_hold() -> None:
    with InMemoryClient(Application(), timeout_keep_alive=0.05) as client, client.connect() as raw:
        assert raw.receive() == b""


def test_what_is_missing_is_not_waited_for_forever() -> None:
    with (
        # It is also the time that it may take to begin.
        InMemoryClient(Application(), timeout=1, graceful_timeout=0.1) as client,
        pytest.raises(TimeoutError, match=r"no answer within 1 s"),
    ):
        client.get("/wait")


def test_lifespan_errors_are_raised_where_one_enters_and_leaves() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.failed", "message": "no database"})

    with pytest.raises(LifespanError, match="startup failed"), InMemoryClient(failing, lifespan="on"):
        pytest.fail("it cannot have started")

    async def failing_later(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await failing(scope, receive, send)

    with pytest.raises(LifespanError, match="shutdown failed"), InMemoryClient(failing_later, lifespan="on"):
        pass


def test_a_wrong_setting_and_a_configuration() -> None:
    with pytest.raises(ConfigError, match="timeout_keep_alive"):
        InMemoryClient(Application(), timeout_keep_alive=-1)
    config = pounce.ServerConfig.of({"app": Application(), "root_path": "/x", "access_log": False, "workers": 3})
    with InMemoryClient(config) as client:
        assert client.get("/y").text.startswith("GET /x/y")
    with pytest.raises(TypeError, match="root_path"):
        InMemoryClient(config, root_path="/y")


def test_what_http2_needs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'pounce-testing\[h2\]'"):
        InMemoryClient(Application(), http2=True)


def test_outside_of_its_block() -> None:
    client = InMemoryClient(Application())
    with pytest.raises(RuntimeError, match="not open"):
        client.get("/")
    with client:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        client.get("/")
    with pytest.raises(RuntimeError, match="not open"):
        AsyncInMemoryClient(Application()).connect()


def test_an_application_that_blocks() -> None:
    def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode(), environ["wsgi.input"].read()]

    with InMemoryClient(wsgi) as client:
        assert client.post("/here", content=b" and there").body == b"/here and there"


def test_the_application_does_not_see_the_tests_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        seen.append(variable.get())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def scenario() -> None:
        async with AsyncInMemoryClient(app) as client:
            variable.set("of the test")
            await client.get("/")

    asyncio.run(scenario())
    assert seen == ["unset"]
