"""Idioms of Quart's own: request globals inside streams, sessions, files, limits, what it runs while it serves."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from quart import Blueprint, Quart, Response, copy_current_request_context, request, send_file, session
from quart.helpers import stream_with_context

from pounce_testing import TestServer
from tests.frameworks import idioms
from tests.frameworks.idioms import get, read_until
from tests.frameworks.probe import Probe

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator
    from pathlib import Path


def test_the_request_is_at_hand_inside_a_stream_and_a_task() -> None:
    app = Quart(__name__)
    probe = Probe()

    @app.get("/<name>")
    async def stream(name: str) -> Any:
        @copy_current_request_context
        async def remember() -> None:
            probe.happened.append(request.path)

        @stream_with_context
        async def pieces() -> AsyncIterator[str]:
            yield request.path
            await asyncio.create_task(remember())
            yield f" {request.view_args}"

        return pieces()

    with TestServer(app) as server, server.connect() as client:
        assert get(client, "/one").body == b"/one {'name': 'one'}"
        assert get(client, "/two").body == b"/two {'name': 'two'}"
    assert probe.happened == ["/one", "/two"]


def test_a_sync_generator_is_run_in_threads() -> None:
    app = Quart(__name__)

    @app.get("/")
    def numbers() -> Iterator[str]:
        def pieces() -> Iterator[str]:
            for number in range(100):
                yield f"{number},"

        return pieces()

    with TestServer(app) as server, server.connect() as client:
        assert get(client, "/").body.decode() == "".join(f"{number}," for number in range(100))


def test_a_blueprint_and_a_session() -> None:
    counters = Blueprint("counters", __name__, url_prefix="/counters")

    @counters.get("/")
    async def count() -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    app = Quart(__name__)
    app.secret_key = "for tests"
    app.register_blueprint(counters)
    with TestServer(app) as server, server.connect() as client:
        cookie = ""
        for expected in (b"1", b"2", b"3"):
            response = get(client, "/counters/", cookie)
            assert response.body == expected
            value = (response.header(b"set-cookie") or b"").partition(b";")[0].decode()
            cookie = f"Cookie: {value}\r\n"


def test_files_with_ranges_and_tags(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    file = tmp_path / "a.bin"
    file.write_bytes(content)
    app = Quart(__name__)

    @app.get("/")
    async def whole() -> Response:
        return await send_file(file, conditional=True)

    with TestServer(app) as server, server.connect() as client:
        response = get(client, "/")
        assert response.body == content
        part = get(client, "/", "Range: bytes=255-257\r\n")
        assert (part.status, part.body) == (206, b"\xff\x00\x01")
        tag = (response.header(b"etag") or b"").decode()
        unchanged = get(client, "/", f"If-None-Match: {tag}\r\n")
        assert (unchanged.status, unchanged.body) == (304, b"")


def test_limits_of_the_framework() -> None:
    app = Quart(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 1000
    app.config["BODY_TIMEOUT"] = 0.05

    @app.post("/")
    async def size() -> str:
        return str(len(await request.get_data()))

    with TestServer(app) as server:
        for length, status in ((1000, 200), (100_000, 413)):
            with server.connect() as client:
                client.send(idioms.request("POST", "/", body=b"x" * length))
                assert client.read_response().status == status
        with server.connect() as client:
            client.send(idioms.request("POST", "/", body=b"x" * 1000)[:-1])
            assert client.read_response().status == 408


def test_what_runs_while_it_serves() -> None:
    app = Quart(__name__)
    probe = Probe()

    @app.while_serving
    async def ticking() -> AsyncGenerator[None, None]:
        async def tick() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                probe.happened.append("tick cancelled")

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(tick())
            yield
            probe.happened.append("stopping")
            task.cancel()

    @app.get("/")
    async def hello() -> dict[str, bool]:
        return {"stopping": bool(probe.happened)}

    with TestServer(app) as server, server.connect() as client:
        assert json.loads(get(client, "/").body) == {"stopping": False}
    assert probe.happened == ["stopping", "tick cancelled"]


def test_a_background_task_is_waited_for_at_the_end() -> None:
    app = Quart(__name__)
    probe = Probe()

    @app.get("/")
    async def start() -> str:
        async def later() -> None:
            await probe["released"].heard()
            probe.happened.append("done")

        app.add_background_task(later)
        return "started"

    with TestServer(app) as server:
        with server.connect() as client:
            assert get(client, "/").body == b"started"
        server.request_stop()
        probe["released"].set()
    assert probe.happened == ["done"]


def test_a_handler_is_cancelled_when_its_client_leaves() -> None:
    app = Quart(__name__)
    probe = Probe()

    @app.get("/")
    async def waiting() -> AsyncIterator[str]:
        async def pieces() -> AsyncIterator[str]:
            yield "waiting"
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                probe["cancelled"].set()
                raise

        return pieces()

    with TestServer(app) as server:
        with server.connect() as client:
            client.send(idioms.request("GET", "/"))
            read_until(client, b"waiting")
        probe["cancelled"].wait()
