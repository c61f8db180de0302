"""ASGI's lifespan specification 2.0."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pounce_asgi import LifespanError
from pounce_testing import SHARING_VARIANTS, RawClient
from pounce_testing.fixtures import over
from tests.conformance.requests import GET, WAIT_SECONDS, Scopes, answer, ask

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve


class Living:
    """An application that notes down what happens on the loop of each worker, in order."""

    def __init__(self) -> None:
        self.loops: dict[int, list[str]] = {}
        self.scope: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        happened = self.loops.setdefault(id(asyncio.get_running_loop()), [])
        if scope["type"] != "lifespan":
            happened.append("request")
            await answer(send)
            return
        self.scope = dict(scope, state=dict(scope["state"]))
        for half in ("startup", "shutdown"):
            message = await receive()
            assert message == {"type": f"lifespan.{half}"}
            await asyncio.sleep(0.01)
            happened.append(half)
            await send({"type": f"lifespan.{half}.complete"})


where_loops_have_their_own = over([way for way in SHARING_VARIANTS if way.settings.get("worker_mode") != "sync"])
"""With worker mode sync there is one lifespan for all loops, on one that serves nobody."""


@where_loops_have_their_own
def test_once_on_each_loop_that_serves(serve: Serve) -> None:
    app = Living()
    server = serve(app)
    ask(server)
    ask(server)
    server.stop()
    assert len(app.loops) == server.config.workers
    assert [(each[0], each[-1]) for each in app.loops.values()] == [("startup", "shutdown")] * len(app.loops)
    assert [what for each in app.loops.values() for what in each[1:-1]] == ["request", "request"]


def test_the_scope(serve: Serve) -> None:
    app = Living()
    serve(app)
    assert app.scope == {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}


@pytest.mark.parametrize("when", ["at once", "after the startup message"])
def test_an_application_without_lifespan_is_served(serve: Serve, when: str) -> None:
    received = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            if when != "at once":
                received.append(await receive())
            raise TypeError("only http")
        await answer(send, b"served")

    server = serve(app)
    assert ask(server).body == b"served"
    server.stop()
    assert [message["type"] for message in received] == ["lifespan.startup"] * (
        0 if when == "at once" else server.config.workers
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a socket cannot be handed over by its number there")
@over([variant for variant in SHARING_VARIANTS if not variant.tls])  # its client sends before there is a server
def test_nothing_is_served_before_the_startup_is_complete(serve: Serve) -> None:
    """A request that waits at the socket all the while is answered afterwards."""
    happened = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            happened.append("request")
            await answer(send)
            return
        await receive()
        for _ in range(100):  # turns of the loop in which the request could be read
            await asyncio.sleep(0)
        happened.append("startup")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    listening = socket.create_server(("127.0.0.1", 0))
    with RawClient(*listening.getsockname()) as client:
        client.send(GET)
        server = serve(app, fd=listening.detach())
        assert client.read_response().status == 200
    assert happened == ["startup"] * server.config.workers + ["request"]


@pytest.mark.parametrize("message", [{"message": "no database"}, {}], ids=["message", "no message"])
def test_a_failed_startup_is_logged_and_ends_the_server(
    serve: Serve, caplog: pytest.LogCaptureFixture, message: dict[str, str]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.failed", **message})

    with pytest.raises(LifespanError):
        serve(app)
    assert message.get("message", "") in caplog.text


@where_loops_have_their_own
def test_the_shutdown_comes_when_connections_are_closed(serve: Serve) -> None:
    happened: dict[int, list[str]] = {}
    entered, released = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            happened.setdefault(id(asyncio.get_running_loop()), []).append("shutdown")
            await send({"type": "lifespan.shutdown.complete"})
            return
        entered.set()
        await asyncio.to_thread(released.wait, WAIT_SECONDS)
        await answer(send, b"finished")
        happened.setdefault(id(asyncio.get_running_loop()), []).append("answered")

    server = serve(app)
    with server.connect() as client:
        client.send(GET)
        assert entered.wait(WAIT_SECONDS)
        server.request_stop()
        released.set()
        assert client.read_response().body == b"finished"
        assert client.at_end(), "it is closed by the server"
    server.stop()
    with pytest.raises(OSError, match=r"."):
        server.connect()
    idle = [["shutdown"]] * (server.config.workers - 1)
    assert sorted(happened.values()) == [["answered", "shutdown"], *idle]


def test_the_server_waits_for_the_end_of_the_shutdown(serve: Serve) -> None:
    app = Living()
    server = serve(app)
    server.stop()
    assert list(app.loops.values()) == [["startup", "shutdown"]] * server.config.workers


def test_a_failed_shutdown_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "the pool would not close"})

    server = serve(app)
    with pytest.raises(LifespanError):
        server.stop()
    assert "the pool would not close" in caplog.text


def test_the_state_is_the_applications_alone(serve: Serve) -> None:
    app = Living()
    scopes = Scopes()

    async def both(scope: Any, receive: Any, send: Any) -> None:
        await (app if scope["type"] == "lifespan" else scopes)(scope, receive, send)

    ask(serve(both))
    assert app.scope["state"] == scopes.only["state"] == {}
