"""Clients that want more than their share, and answers that end too early: nothing grows, nothing is mixed up."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

from pounce_asgi import ClientGone
from pounce_workers.serving import http1_connection
from tests.end_to_end.applications import WAIT_SECONDS, answer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_testing.fixtures import Serve

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
LARGEST_READ = 262144
"""What one read of a socket brings at most."""


async def hello(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await answer(send, b"hello")


def test_requests_sent_ahead_wait_in_the_socket(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[int] = []
    receive = http1_connection.Http1Connection.data_received

    def noted(self: http1_connection.Http1Connection, data: bytes) -> None:
        waiting.append(self.reader.buffered + len(data))
        receive(self, data)

    monkeypatch.setattr(http1_connection.Http1Connection, "data_received", noted)
    count = 5_000
    with serve(hello, access_log=False).connect() as client:
        sender = threading.Thread(target=client.send, args=[GET % (b"x" * 200) * count])
        sender.start()
        answers = 0
        while answers < count:
            answers += client.read_some().count(b"hello")
            assert answers or not client.at_end()
        sender.join(WAIT_SECONDS)
    assert max(waiting) <= http1_connection.PIPELINE_BYTES + LARGEST_READ


def test_unread_answers_hold_up_requests_whose_bodies_are_dropped(serve: Serve) -> None:
    called = 0
    size = 500_000

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        nonlocal called
        assert scope["type"] == "http"
        if scope["method"] == "POST":
            called += 1
            await answer(send, b"x" * size)
        else:
            await answer(send, b"")

    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
    server = serve(app)
    with server.connect() as client, server.connect() as other:
        client.send(head + b"12345")
        for _ in range(100):
            client.send(b"67890" + head + b"12345")
            other.send(GET % b"")  # answered once the server has looked at what was sent before
            other.read_response()
    # Some of it waits in the system's buffers for the client, but not 50 MB.
    assert called < 50


def test_a_client_that_leaves_does_not_hold_up_the_others(serve: Serve) -> None:
    ended: list[BaseException | None] = []
    done = threading.Event()

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        if scope["path"] != "/endless":
            await answer(send, b"hello")
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            for _ in range(500_000):  # a server that swallows what is sent would let it go on for ever
                await send({"type": "http.response.body", "body": b"x" * 100, "more_body": True})
            ended.append(None)
        except OSError as error:
            ended.append(error)
            raise
        finally:
            done.set()

    server = serve(app)
    with server.connect() as leaving:
        leaving.send(GET % b"endless")
        assert not leaving.at_end()
    with server.connect() as client:
        client.send(GET % b"")
        assert client.read_response().body == b"hello"
    assert done.wait(WAIT_SECONDS)
    assert isinstance(ended[0], ClientGone)


def test_nothing_follows_a_file_that_became_shorter(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "shrinking"
    path.write_bytes(b"f" * 40_000_000)

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        if scope["path"] == "/next":
            await answer(send, b"the next answer")
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            await send({"type": "http.response.pathsend", "path": os.fspath(path)})
        finally:
            for _ in range(10):
                await asyncio.sleep(0)

    with serve(app).connect() as client:
        client.send(GET % b"file" + GET % b"next")
        assert not client.at_end(), "the file is on its way"
        os.truncate(path, 20_000_000)
        assert b"the next answer" not in client.read_to_end()
