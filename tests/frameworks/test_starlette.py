"""Idioms of Starlette's own: files, mounts, stacked BaseHTTPMiddleware, looking for a disconnect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pounce_testing import TestServer
from tests.frameworks.idioms import get, read_until, request
from tests.frameworks.probe import Probe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request

CONTENT = bytes(range(256)) * 4096


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers.append("x-passed", "yes")
        return response


def test_a_file_whole_in_part_and_by_its_head(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(CONTENT)

    async def send_file(request: Request) -> Response:
        return FileResponse(file)

    with TestServer(Starlette(routes=[Route("/", send_file)])) as server, server.connect() as client:
        whole = get(client, "/")
        assert whole.body == CONTENT
        part = get(client, "/", "Range: bytes=255-257\r\n")
        assert (part.status, part.body) == (206, b"\xff\x00\x01")
        client.send(request("HEAD", "/"))
        head = client.read_response("HEAD")
        assert (head.header(b"content-length"), head.body) == (b"%d" % len(CONTENT), b"")
        assert get(client, "/", "Range: bytes=-1\r\n").body == b"\xff"


def test_static_files_below_a_mount(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("body {}")
    app = Starlette(routes=[Mount("/static", StaticFiles(directory=tmp_path))])
    with TestServer(app) as server, server.connect() as client:
        found = get(client, "/static/a.css")
        assert found.body == b"body {}"
        tag = (found.header(b"etag") or b"").decode()
        unchanged = get(client, "/static/a.css", f"If-None-Match: {tag}\r\n")
        assert (unchanged.status, unchanged.body) == (304, b"")
        assert get(client, "/static/../a.css").status == 404


def test_a_mounted_application_knows_where_it_is() -> None:
    async def where(request: Request) -> Response:
        return JSONResponse([request.scope["root_path"], request.url.path, str(request.url_for("there"))])

    inner = Starlette(routes=[Route("/there", where, name="there")])
    app = Starlette(routes=[Mount("/inner", inner)])
    with TestServer(app, root_path="/outer") as server, server.connect() as client:
        found = json.loads(get(client, "/inner/there").body)
        assert found == ["/outer/inner", "/outer/inner/there", "http://example.org/outer/inner/there"]
        moved = get(client, "/inner/there/")
        assert (moved.status, moved.header(b"location")) == (307, b"http://example.org/outer/inner/there")


def test_stacked_middleware_streams_and_runs_the_background_task() -> None:
    """Each BaseHTTPMiddleware is a task and a queue of its own, and still a piece arrives before the next is made."""
    probe = Probe()

    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"first\n"
            await probe["go on"].heard()
            yield b"last\n"

        async def later() -> None:
            probe["background"].set()

        return StreamingResponse(pieces(), background=BackgroundTask(later))

    app = Starlette(routes=[Route("/", stream)], middleware=[Middleware(Passing)] * 3)
    with TestServer(app) as server, server.connect() as client:
        client.send(request("GET", "/"))
        head = read_until(client, b"first\n")
        assert head.count(b"x-passed: yes") == 3
        assert b"last" not in head
        probe["go on"].set()
        read_until(client, b"0\r\n\r\n")
        probe["background"].wait()


def test_a_handler_that_looks_for_a_disconnect() -> None:
    probe = Probe()

    async def looking(request: Request) -> Response:
        assert not await request.is_disconnected()
        probe["looked"].set()
        while not await request.is_disconnected():  # noqa: ASYNC110 - Starlette can only be asked
            await anyio.sleep(0.001)
        probe["noticed"].set()
        return PlainTextResponse("nobody reads this")

    with TestServer(Starlette(routes=[Route("/", looking)])) as server:
        with server.connect() as client:
            client.send(request("GET", "/"))
            probe["looked"].wait()
            assert not probe["noticed"].is_set
        probe["noticed"].wait()


def test_an_upload_that_breaks_off_never_looks_whole() -> None:
    probe = Probe()

    async def upload(request: Request) -> Response:
        probe["entered"].set()
        try:
            await request.body()
        except ClientDisconnect:
            probe["cut off"].set()
        return PlainTextResponse("")

    with TestServer(Starlette(routes=[Route("/", upload, methods=["POST"])])) as server:
        with server.connect() as client:
            client.send(request("POST", "/", body=b"x" * 100)[:-50])
            probe["entered"].wait()
        probe["cut off"].wait()


def test_a_task_group_feeds_a_compressed_stream() -> None:
    async def stream(request: Request) -> Response:
        sending, receiving = anyio.create_memory_object_stream[bytes](0)

        async def feed() -> None:
            async with sending:
                for number in range(100):
                    await sending.send(b"line %d\n" % number)

        async def pieces() -> AsyncIterator[bytes]:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(feed)
                async with receiving:
                    async for piece in receiving:
                        yield piece

        return StreamingResponse(pieces(), media_type="text/plain")

    app = Starlette(routes=[Route("/", stream)], middleware=[Middleware(GZipMiddleware)])
    expected = b"".join(b"line %d\n" % number for number in range(100))
    with TestServer(app) as server, server.connect() as client:
        assert get(client, "/").body == expected
        assert get(client, "/", "Accept-Encoding: gzip\r\n").header(b"content-encoding") == b"gzip"
