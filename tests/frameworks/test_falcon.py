"""Idioms of Falcon's own: sinks and static routes, hooks, work that is scheduled, events that watch their client."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from typing import TYPE_CHECKING, Any

import falcon
from falcon.asgi import App, Request, Response, SSEvent

from pounce_testing import TestServer
from tests.frameworks.idioms import get, read_until, request
from tests.frameworks.probe import Probe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def application(**routes: Any) -> App[Request, Response]:
    """An application with a resource at the path of each name."""
    app: App[Request, Response] = App()
    for name, resource in routes.items():
        app.add_route(f"/{name}", resource)
    return app


def test_sinks_and_static_routes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    (tmp_path / "a.bin").write_bytes(content)
    app = application()

    async def anything(req: Request, resp: Response | None, **matched: Any) -> None:
        assert resp is not None
        resp.text = matched["rest"]

    app.add_sink(anything, r"/any/(?P<rest>.*)")
    app.add_static_route("/static", tmp_path)
    with TestServer(app) as server, server.connect() as client:
        assert get(client, "/static/a.bin").body == content
        part = get(client, "/static/a.bin", "Range: bytes=255-257\r\n")
        assert (part.status, part.body) == (206, b"\xff\x00\x01")
        assert get(client, "/any/thing/else").body == b"thing/else"


def test_hooks_and_http_errors() -> None:
    async def only_json(req: Request, resp: Response, resource: object, params: dict[str, Any]) -> None:
        if not req.client_accepts_json:
            raise falcon.HTTPNotAcceptable(description="JSON or nothing")

    class Thing:
        @falcon.before(only_json)
        async def on_get(self, req: Request, resp: Response) -> None:
            resp.media = {"size": req.get_param_as_int("size", min_value=1)}

    with TestServer(application(thing=Thing())) as server, server.connect() as client:
        assert json.loads(get(client, "/thing?size=3").body) == {"size": 3}
        assert get(client, "/thing?size=0").status == 400
        refused = get(client, "/thing", "Accept: image/png\r\n")
        assert refused.status == 406


def test_media_in_both_directions() -> None:
    class Thing:
        async def on_post(self, req: Request, resp: Response) -> None:
            resp.media = {"got": await req.get_media()}

    kind = "Content-Type: application/json\r\n"
    with TestServer(application(thing=Thing())) as server, server.connect() as client:
        client.send(request("POST", "/thing", kind, b'{"a": [1, 2]}'))
        assert json.loads(client.read_response().body) == {"got": {"a": [1, 2]}}
        client.send(request("POST", "/thing", kind, b"{no json"))
        assert client.read_response().status == 400
        client.send(request("POST", "/thing", "Content-Type: image/png\r\n", b"png"))
        assert client.read_response().status == 415


def test_scheduled_work_of_both_kinds() -> None:
    """Coroutines run on the loop, functions in a thread, after the response."""
    probe = Probe()
    threads: list[int] = []

    class Thing:
        async def on_get(self, req: Request, resp: Response) -> None:
            async def coroutine() -> None:
                await probe["released"].heard()
                threads.append(threading.get_ident())
                probe["coroutine"].set()

            def function() -> None:
                probe["coroutine"].wait()
                threads.append(threading.get_ident())
                probe["function"].set()

            resp.schedule(coroutine)
            resp.schedule_sync(function)
            resp.text = "scheduled"

    with TestServer(application(thing=Thing())) as server, server.connect() as client:
        assert get(client, "/thing").body == b"scheduled"
        probe["released"].set()
        probe["function"].wait()
    assert len(set(threads)) == 2


def test_a_stream_from_a_file_like_object() -> None:
    content = bytes(range(256)) * 4096
    probe = Probe()

    class Readable:
        def __init__(self) -> None:
            self.buffer = io.BytesIO(content)

        async def read(self, size: int | None = -1, /) -> bytes:
            return self.buffer.read(size)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield self.buffer.read()

        async def close(self) -> None:
            probe["closed"].set()

    class Thing:
        async def on_get(self, req: Request, resp: Response) -> None:
            resp.set_stream(Readable(), len(content))

    with TestServer(application(thing=Thing())) as server, server.connect() as client:
        response = get(client, "/thing")
        assert (response.body, response.header(b"content-length")) == (content, b"%d" % len(content))
        probe["closed"].wait()


def test_events_end_with_their_client() -> None:
    """Falcon reads ``http.disconnect`` beside the events, also while none of them is sent."""
    probe = Probe()

    class Thing:
        async def on_get(self, req: Request, resp: Response) -> None:
            async def events() -> AsyncIterator[SSEvent | None]:
                try:
                    yield SSEvent(event="hello", json={"a": 1})
                    while True:
                        yield None  # Falcon sends a comment, which keeps the connection in use
                        await asyncio.sleep(0.001)
                finally:
                    probe["ended"].set()

            resp.sse = events()

    with TestServer(application(thing=Thing())) as server:
        with server.connect() as client:
            client.send(request("GET", "/thing"))
            received = read_until(client, b": ping")
            assert b'event: hello\ndata: {"a": 1}' in received
        probe["ended"].wait_collecting()


def test_a_body_that_the_resource_leaves_unread() -> None:
    class Thing:
        async def on_post(self, req: Request, resp: Response) -> None:
            resp.text = (await req.bounded_stream.read(3)).decode()

    with TestServer(application(thing=Thing())) as server, server.connect() as client:
        client.send(request("POST", "/thing", body=b"abc" + b"x" * 1000))
        assert client.read_response().body == b"abc"
        client.send(request("POST", "/thing", body=b"def"))
        assert client.read_response().body == b"def", "the connection is in step"
