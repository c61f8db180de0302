"""What leaves when: interim responses, heads before bodies, chunks at once, trailers, files."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.applications import answer, read_body, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_testing.fixtures import Serve

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
EXPECTING = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: %s\r\n\r\n"


def test_continue_is_sent_when_the_body_is_asked_for(serve: Serve) -> None:
    asked = threading.Event()

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        await wait_for(asked)
        await answer(send, await read_body(receive) or b"")

    with serve(app).connect(timeout=0.3) as client:
        client.send(EXPECTING % b"100-continue")
        with pytest.raises(TimeoutError):
            client.at_end()
        client.socket.settimeout(20)
        asked.set()
        assert client.read_some() == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"body")
        assert client.read_response().body == b"body"


def test_no_continue_when_nobody_wants_the_body(serve: Serve) -> None:
    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await answer(send, b"no", status=403)

    with serve(app).connect() as client:
        client.send(EXPECTING % b"100-continue")
        response = client.read_response()
        assert (response.status, response.informational, response.closes) == (403, (), True)


def test_unknown_expectation_is_417(serve: Serve) -> None:
    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await answer(send, b"never")

    with serve(app).connect() as client:
        client.send(EXPECTING % b"a-miracle")
        assert client.read_response().status == 417


def test_head_leaves_alone_when_the_application_waits(serve: Serve) -> None:
    first = threading.Event()

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-early", b"yes")]})
        await wait_for(first)
        await send({"type": "http.response.body", "body": b"late"})

    with serve(app).connect() as client:
        client.send(GET)
        received = b""
        while b"\r\n\r\n" not in received:
            received += client.read_some()
        assert b"x-early: yes" in received
        assert b"late" not in received
        first.set()
        while not received.endswith(b"0\r\n\r\n"):
            received += client.read_some()
        assert b"late" in received


def test_a_chunk_is_at_the_client_when_send_returned(serve: Serve) -> None:
    """The handler blocks its whole worker afterwards, and yet the chunk has arrived."""
    arrived = threading.Event()

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        came = arrived.wait(10)
        await send({"type": "http.response.body", "body": b"in time" if came else b"too late"})

    with serve(app).connect() as client:
        client.send(GET)
        received = b""
        while b"first" not in received:
            received += client.read_some()
        arrived.set()
        while not received.endswith(b"0\r\n\r\n"):
            received += client.read_some()
        assert b"in time" in received


def test_early_hint_comes_before_the_response(serve: Serve) -> None:
    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        assert "http.response.early_hint" in scope["extensions"]
        await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"]})
        await answer(send, b"page")

    server = serve(app)
    with server.connect() as client:
        client.send(GET)
        response = client.read_response()
        (hint,) = response.informational
        assert (hint.status, response.status, response.body) == (103, 200, b"page")
        links = b", ".join(value for name, value in hint.headers if name == b"link")
        assert links == b"</a.css>; rel=preload, </b.js>; rel=preload"
    with server.connect() as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.read_response().informational == (), "HTTP/1.0 knows no interim responses"


@pytest.mark.parametrize(("asked", "expected"), [(b"TE: trailers\r\n", ((b"x-sum", b"42"),)), (b"", ())])
def test_trailers_go_to_those_who_asked(serve: Serve, asked: bytes, expected: tuple[tuple[bytes, bytes], ...]) -> None:
    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
        await send({"type": "http.response.body", "body": b"body"})
        await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"42")]})

    with serve(app).connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + asked + b"\r\n")
        response = client.read_response()
        assert (response.body, response.trailers) == (b"body", expected)


@pytest.mark.parametrize("extension", ["pathsend", "zerocopysend"])
def test_files_are_sent_whole(serve: Serve, tmp_path: Path, extension: str) -> None:
    content = bytes(range(251)) * 20_000  # 5 MB: more than a socket takes at once
    file = tmp_path / "file"
    file.write_bytes(content)

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        assert f"http.response.{extension}" in scope["extensions"]
        headers = [(b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if extension == "pathsend":
            await send({"type": "http.response.pathsend", "path": str(file)})
        else:
            with file.open("rb") as opened:
                await send({"type": "http.response.zerocopysend", "file": opened})

    with serve(app).connect() as client:
        client.send(GET + GET)
        assert client.read_response().body == content
        assert client.read_response().body == content, "the connection is in step"


def test_a_slow_reader_holds_the_application_back(serve: Serve) -> None:
    sent = 0
    piece = b"x" * 262_144

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        nonlocal sent
        assert scope["type"] == "http"
        if scope["path"] != "/large":
            await answer(send, b"")
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(400):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                sent += 1
            await send({"type": "http.response.body", "body": b""})

    server = serve(app)
    with server.connect() as client, server.connect() as other:
        client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_some()
        for _ in range(50):  # the worker has turned many times since
            other.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            other.read_response()
        assert sent < 200, "100 MiB were not buffered for a client that reads nothing"
