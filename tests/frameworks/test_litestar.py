"""Idioms of Litestar's own: controllers, guards, channels that feed server-sent events, hooks after the response."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator  # noqa: TC003 - Litestar reads signatures at run time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Controller, Litestar, Request, Router, get, post
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend
from litestar.connection import ASGIConnection  # noqa: TC002 - read at run time
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler  # noqa: TC002 - read at run time
from litestar.params import FromPath, JSONBody  # noqa: TC002 - read at run time
from litestar.response import File, Redirect, ServerSentEvent

from pounce_testing import TestServer
from tests.frameworks import idioms
from tests.frameworks.idioms import read_until, request
from tests.frameworks.probe import Probe


@dataclass
class Order:
    name: str
    count: int = 1


def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    if connection.headers.get("authorization") != "Bearer right":
        raise NotAuthorizedException


class Orders(Controller):
    path = "/orders"
    guards = (guard,)

    @post("/")
    async def place(self, data: JSONBody[Order]) -> dict[str, Any]:
        return {"name": data.name, "total": data.count * 1.5}

    @get("/{order:int}", sync_to_thread=True)
    def find(self, order: FromPath[int]) -> Order:
        return Order(name="tea", count=order)


def test_a_guarded_controller() -> None:
    app = Litestar([Router("/v1", route_handlers=[Orders])], openapi_config=None)
    right = "Authorization: Bearer right\r\n"
    with TestServer(app) as server, server.connect() as client:
        assert idioms.get(client, "/v1/orders/3").status == 401
        assert json.loads(idioms.get(client, "/v1/orders/3", right).body) == {"name": "tea", "count": 3}
        client.send(request("POST", "/v1/orders", right, b'{"name": "tea", "count": 2}'))
        response = client.read_response()
        assert (response.status, json.loads(response.body)) == (201, {"name": "tea", "total": 3.0})
        client.send(request("POST", "/v1/orders", right, b'{"count": "many"}'))
        assert client.read_response().status == 400


def test_channels_reach_every_subscriber() -> None:
    channels = ChannelsPlugin(MemoryChannelsBackend(), channels=["news"])

    @get("/news")
    async def news() -> ServerSentEvent:
        async def items() -> AsyncIterator[str]:
            async with channels.start_subscription(["news"]) as subscriber:
                yield "subscribed"
                async for item in subscriber.iter_events():
                    yield item.decode()

        return ServerSentEvent(items())

    @post("/news", status_code=202)
    async def publish(request: Request[Any, Any, Any]) -> None:
        await channels.wait_published((await request.body()).decode(), "news")

    app = Litestar([news, publish], plugins=[channels], openapi_config=None)
    with TestServer(app) as server, server.connect() as one, server.connect() as two, server.connect() as writer:
        for reader in (one, two):
            reader.send(request("GET", "/news"))
            read_until(reader, b"subscribed")
        writer.send(request("POST", "/news", body=b"rain tomorrow"))
        assert writer.read_response().status == 202
        for reader in (one, two):
            read_until(reader, b"rain tomorrow")
            reader.close()


def test_hooks_around_the_response() -> None:
    probe = Probe()

    async def before(request: Request[Any, Any, Any]) -> dict[str, str] | None:
        probe.happened.append("before")
        return {"stopped": "here"} if "stop" in request.query_params else None

    async def after(request: Request[Any, Any, Any]) -> None:
        probe.happened.append("after")
        probe["after"].set()

    @get("/", before_request=before, after_response=after)
    async def handler() -> dict[str, str]:
        probe.happened.append("handler")
        return {"went": "through"}

    with TestServer(Litestar([handler], openapi_config=None)) as server, server.connect() as client:
        assert json.loads(idioms.get(client, "/?stop=1").body) == {"stopped": "here"}
        probe["after"].wait()
        assert json.loads(idioms.get(client, "/").body) == {"went": "through"}
    assert probe.happened == ["before", "after", "before", "handler", "after"]


def test_files_and_redirects(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    (tmp_path / "a.bin").write_bytes(content)

    @get("/file", sync_to_thread=False)
    def file() -> File:
        return File(tmp_path / "a.bin", filename="a.bin")

    @get("/old", sync_to_thread=False)
    def old() -> Redirect:
        return Redirect("/file")

    app = Litestar([file, old], openapi_config=None, signature_namespace={"Path": Path})
    with TestServer(app) as server, server.connect() as client:
        moved = idioms.get(client, "/old")
        assert (moved.status, moved.header(b"location")) == (302, b"/file")
        whole = idioms.get(client, "/file")
        assert whole.body == content
        assert whole.header(b"content-disposition") == b'attachment; filename="a.bin"'


def test_a_cached_answer_is_made_once() -> None:
    made = []

    @get("/", cache=60, sync_to_thread=False)
    def handler() -> int:
        made.append(True)
        return len(made)

    with TestServer(Litestar([handler], openapi_config=None)) as server, server.connect() as client:
        assert [idioms.get(client, "/").body for _ in range(3)] == [b"1"] * 3


def test_a_body_beyond_the_frameworks_limit() -> None:
    @post("/", request_max_body_size=1000)
    async def handler(request: Request[Any, Any, Any]) -> int:
        return len(await request.body())

    with TestServer(Litestar([handler], openapi_config=None)) as server:
        for size, status in ((1000, 201), (100_000, 413)):
            with server.connect() as client:
                client.send(request("POST", "/", body=b"x" * size))
                assert client.read_response().status == status
