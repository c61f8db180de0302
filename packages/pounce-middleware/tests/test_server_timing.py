"""Where the time of a request has gone."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_doubles import Application, call, http_scope, websocket_scope

from pounce_middleware import (
    ApplicationTimingMiddleware,
    ServerTiming,
    ServerTimingMiddleware,
    ServerTimingSettings,
)

TAKES_TRAILERS: dict[str, Any] = {"headers": [(b"te", b"trailers")], "extensions": {"http.response.trailers": {}}}
HEAD = b", ".join(
    (
        b'queue;desc="before the application";dur=10.000',
        b'app;desc="application";dur=20.000',
        b'first;desc="until the first byte";dur=30.000',
    )
)
TOTAL = b'total;desc="all of it";dur=%d.000'


class Clock:
    """The time is what the test says."""

    def __init__(self) -> None:
        self.now = 1.0

    def __call__(self) -> float:
        return self.now


class Slow(Application):
    """An application that takes 20 ms before its response, and 40 for each further message."""

    def __init__(self, clock: Clock, *messages: dict[str, Any]) -> None:
        super().__init__(*messages)
        self.clock = clock

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        self.clock.now += 0.02
        for message in self.messages:
            await send(message)
            self.clock.now += 0.04


class Queue:
    """What lets a request wait for 10 ms."""

    def __init__(self, clock: Clock, app: Any) -> None:
        self.clock = clock
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.clock.now += 0.01
        await self.app(scope, receive, send)


def respond(scope: dict[str, Any], *messages: dict[str, Any]) -> Any:
    clock = Clock()
    inner = ApplicationTimingMiddleware(Slow(clock, *messages))
    return call(ServerTimingMiddleware(Queue(clock, inner), clock=clock), scope)


def test_head() -> None:
    response = respond(http_scope())
    assert response.fields[b"server-timing"] == HEAD
    assert [one["type"] for one in response.messages] == ["http.response.start", "http.response.body"]


def test_without_the_inner_one() -> None:
    clock = Clock()
    response = call(ServerTimingMiddleware(Slow(clock), clock=clock), http_scope())
    assert response.fields[b"server-timing"] == b'first;desc="until the first byte";dur=20.000'


def test_total_in_the_trailer() -> None:
    response = respond(http_scope(**TAKES_TRAILERS))
    assert response.fields[b"server-timing"] == HEAD
    assert response.start["trailers"] is True
    assert response.messages[-1] == {
        "type": "http.response.trailers",
        "headers": [(b"server-timing", TOTAL % 70)],
    }


def test_total_beside_the_trailers_of_the_application() -> None:
    response = respond(
        http_scope(**TAKES_TRAILERS),
        {"type": "http.response.start", "status": 200, "trailers": True},
        {"type": "http.response.body", "body": b"x"},
        {"type": "http.response.trailers", "headers": [(b"a", b"b")], "more_trailers": True},
        {"type": "http.response.trailers", "headers": [(b"c", b"d")]},
    )
    assert len(response.messages) == 4
    assert response.messages[2]["headers"] == [(b"a", b"b")]
    assert response.messages[3]["headers"] == [(b"c", b"d"), (b"server-timing", TOTAL % 150)]


@pytest.mark.parametrize("body", [{"type": "http.response.pathsend", "path": "/a"}, {"type": "http.response.body"}])
def test_total_after_every_kind_of_body(body: dict[str, Any]) -> None:
    response = respond(http_scope(**TAKES_TRAILERS), {"type": "http.response.start", "status": 200}, body)
    assert [one["type"] for one in response.messages][1:] == [body["type"], "http.response.trailers"]


def test_total_once_after_a_stream() -> None:
    response = respond(
        http_scope(**TAKES_TRAILERS),
        {"type": "http.response.start", "status": 200},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b"},
    )
    assert [one["type"].rpartition(".")[2] for one in response.messages] == ["start", "body", "body", "trailers"]


@pytest.mark.parametrize(
    ("scope", "start"),
    [
        ({"headers": [(b"te", b"gzip")]}, {}),
        ({"extensions": {}}, {}),
        ({"extensions": None}, {}),
        ({"method": "HEAD"}, {}),
        ({}, {"headers": [(b"Content-Length", b"0")]}),
        ({}, {"status": 304}),
    ],
)
def test_no_trailer_where_there_can_be_none(scope: dict[str, Any], start: dict[str, Any]) -> None:
    messages = ({"type": "http.response.start", "status": 200} | start, {"type": "http.response.body"})
    response = respond(http_scope(**(TAKES_TRAILERS | scope)), *messages)
    assert not response.start.get("trailers")
    assert len(response.messages) == 2


def test_entries_of_the_application() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        timing = scope["state"]["server_timing"]
        timing.add("db", 0.0123, 'two "queries"\r\n\\')
        timing.add("miss")
        timing.add("cache", description="é")
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    clock = Clock()
    response = call(ServerTimingMiddleware(app, clock=clock), http_scope())
    own = response.fields[b"server-timing"].split(b", ", 1)[1]
    assert own == b'db;desc="two \\"queries\\"??\\\\";dur=12.300, miss, cache;desc="?"'


def test_entries_are_bounded() -> None:
    timing = ServerTiming()
    for number in range(100):
        timing.add(f"n{number}", description="x" * 1000)
    assert timing.head().count(b", ") == 50
    assert len(timing.head()) < 8192


@pytest.mark.parametrize("name", ["", "a b", "a;b", 'a"', "é", "a,b", "a\n", "a" * 65])
def test_names_of_entries(name: str) -> None:
    with pytest.raises(ValueError, match="entry"):
        ServerTiming().add(name)


def test_other_scopes_pass() -> None:
    assert ServerTimingSettings().server_timing is False
    app = Application({"type": "websocket.accept"})
    middleware = ServerTimingMiddleware.from_settings(ApplicationTimingMiddleware(app), ServerTimingSettings())
    assert call(middleware, websocket_scope()).messages == [{"type": "websocket.accept"}]
    call(middleware, {"type": "lifespan"})
    assert app.scope == {"type": "lifespan"}
