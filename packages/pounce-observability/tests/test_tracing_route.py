"""The route, by what the frameworks themselves leave in the scope."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from litestar import Litestar, Request, get
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pounce_observability.tracing.route import route_of


async def answer(request: Any) -> PlainTextResponse:
    return PlainTextResponse("x")


def starlette_app() -> Any:
    inner = Mount("/api/{tenant}", routes=[Route("/items/{id:int}", answer)])
    return Starlette(routes=[Route("/users/{id}", answer), inner, Mount("/files", StaticFiles(directory="."))])


def fastapi_app() -> Any:
    app = FastAPI(openapi_url=None)
    router = APIRouter(prefix="/shop")

    @router.get("/items/{item}")
    async def item(item: str) -> str:
        return item

    app.include_router(router, prefix="/v1")
    sub = FastAPI(openapi_url=None)
    sub.include_router(router)
    app.mount("/sub", sub)
    return app


def litestar_app() -> Any:
    @get("/things/{thing:int}")
    async def thing(request: Request[Any, Any, Any]) -> str:
        return "x"

    return Litestar([thing], openapi_config=None)


def routed(app: Any, path: str, root_path: str = "") -> str | None:
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": root_path + path,
        "raw_path": (root_path + path).encode(),
        "root_path": root_path,
        "query_string": b"",
        "headers": [(b"host", b"x")],
        "client": None,
        "server": ("x", 80),
        "state": {},
        "extensions": {},
    }

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None: ...

    asyncio.run(app(scope, receive, send))
    return route_of(scope)


@pytest.mark.parametrize(
    ("make", "path", "root_path", "route"),
    [
        (starlette_app, "/users/7", "", "/users/{id}"),
        (starlette_app, "/users/7", "/root", "/root/users/{id}"),
        (starlette_app, "/api/acme/items/7", "", "/api/{tenant}/items/{id}"),
        (starlette_app, "/nobody", "", None),
        (starlette_app, "/files/none.txt", "", "/files"),
        (fastapi_app, "/v1/shop/items/a", "", "/v1/shop/items/{item}"),
        (fastapi_app, "/sub/shop/items/a", "", "/sub/shop/items/{item}"),
        (fastapi_app, "/else", "", None),
        (litestar_app, "/things/5", "", "/things/{thing}"),
    ],
)
def test_frameworks(make: Any, path: str, root_path: str, route: str | None) -> None:
    assert routed(make(), path, root_path) == route


@pytest.mark.parametrize(
    ("scope", "route"),
    [
        ({}, None),
        ({"route": "/text"}, "/text"),
        ({"route": object()}, None),
        ({"route": "", "root_path": ""}, None),
        ({"path_template": "/x/{y}", "route": "/z"}, "/x/{y}"),
        ({"path_template": None}, None),
    ],
)
def test_what_others_may_leave(scope: dict[str, Any], route: str | None) -> None:
    assert route_of(scope) == route
