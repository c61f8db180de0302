"""What leaves when: interim responses, heads before bodies, chunks at once, trailers, files."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from pounce_testing.fixtures import everywhere, where_bodies_are_not_gathered
from tests.end_to_end import applications
from tests.end_to_end.applications import answer, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_testing.fixtures import Serve
    from tests.end_to_end.signals import Signals

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
EXPECTING = b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: %s\r\n\r\n"


@where_bodies_are_not_gathered
def test_continue_is_sent_when_the_body_is_asked_for(serve_shared: Serve, signals: Signals) -> None:
    with serve_shared(applications.CASES).connect(timeout=0.3) as client:
        client.send(EXPECTING % (b"expect?" + signals.query, b"100-continue"))
        with pytest.raises(TimeoutError):
            client.at_end()
        client.socket.settimeout(20)
        signals.set("released")
        assert client.read_some() == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"body")
        assert client.read_response().body == b"body"


@where_bodies_are_not_gathered
def test_no_continue_when_nobody_wants_the_body(serve_shared: Serve) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(EXPECTING % (b"status/403", b"100-continue"))
        response = client.read_response()
        assert (response.status, response.informational, response.closes) == (403, (), True)


@everywhere
def test_unknown_expectation_is_417(serve_shared: Serve) -> None:
    with serve_shared(applications.CASES).connect() as client:
        client.send(EXPECTING % (b"never", b"a-miracle"))
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


@everywhere
def test_a_chunk_is_at_the_client_when_send_returned(serve_shared: Serve, signals: Signals) -> None:
    """The handler blocks its whole worker afterwards, and yet the chunk has arrived."""
    with serve_shared(applications.CASES).connect() as client:
        client.send(b"GET /early?%s HTTP/1.1\r\nHost: x\r\n\r\n" % signals.query)
        received = b""
        while b"first" not in received:
            received += client.read_some()
        assert b"second" not in received
        signals.set("released")
        while not received.endswith(b"0\r\n\r\n"):
            received += client.read_some()
        assert b"second" in received


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


@everywhere
def test_a_file_is_sent_whole_by_every_worker(serve_shared: Serve, signals: Signals) -> None:
    content = bytes(range(251)) * 20_000
    (signals.folder / "file").write_bytes(content)
    with serve_shared(applications.CASES).connect() as client:
        client.send(b"GET /file?%s HTTP/1.1\r\nHost: x\r\n\r\n" % signals.query * 2)
        assert client.read_response().body == content
        assert client.read_response().body == content, "the connection is in step"


@everywhere
def test_a_slow_reader_holds_the_application_back(serve_shared: Serve, signals: Signals) -> None:
    server = serve_shared(applications.CASES)
    with server.connect() as client:
        client.send(b"GET /large?%s HTTP/1.1\r\nHost: x\r\n\r\n" % signals.query)
        client.read_some()
        for _ in range(50):  # on connections of their own, so that every worker has turned since
            with server.connect() as other:
                other.send(GET)
                other.read_response()
        assert not signals.happened("sent-800"), "50 of 100 MiB were not buffered for a client that reads nothing"
        while not client.read_some().endswith(b"0\r\n\r\n"):
            pass
        assert signals.happened("sent-1600"), "it goes on when the client does"
