"""Idioms of FastAPI's own: validation, threaded routes and their threads, mounts, dependencies around a stream."""

# FastAPI reads signatures at run time and finds no names of functions in strings: no annotations from the future here.

import json
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, File, HTTPException, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from pounce_testing import TestServer
from tests.frameworks.idioms import get, read_until, request
from tests.frameworks.probe import WAIT_SECONDS, Probe


class Order(BaseModel):
    name: str = Field(max_length=5)
    count: int = 1


class Receipt(BaseModel):
    total: float


def post(path: str, content: Any) -> bytes:
    return request("POST", path, "Content-Type: application/json\r\n", json.dumps(content).encode())


def test_models_in_and_out() -> None:
    app = FastAPI()

    @app.post("/orders", status_code=201, response_model=Receipt)
    async def order(order: Order) -> dict[str, Any]:
        return {"total": order.count * 1.5, "secret": "not in the model"}

    with TestServer(app) as server, server.connect() as client:
        client.send(post("/orders", {"name": "tea", "count": 2}))
        response = client.read_response()
        assert (response.status, json.loads(response.body)) == (201, {"total": 3.0})
        client.send(post("/orders", {"name": "too long"}))
        response = client.read_response()
        assert (response.status, json.loads(response.body)["detail"][0]["loc"]) == (422, ["body", "name"])
        client.send(request("POST", "/orders", "Content-Type: application/json\r\n", b"{no json"))
        assert client.read_response().status == 422


def test_threaded_routes_use_their_threads_again() -> None:
    """A new thread for each request is what happens where anyio does not find the loop's root task."""
    app = FastAPI()

    @app.get("/")
    def name() -> int:
        return threading.get_ident()

    with TestServer(app) as server, server.connect() as client:
        assert len({get(client, "/").body for _ in range(20)}) <= 2


def test_threaded_routes_run_side_by_side() -> None:
    app = FastAPI()
    together = threading.Barrier(8)

    @app.get("/")
    def meet() -> int:
        return together.wait(WAIT_SECONDS)

    def ask(server: TestServer) -> int:
        with server.connect() as client:
            return int(get(client, "/").body)

    with TestServer(app) as server, ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, [server] * 8)) == list(range(8))


def test_dependencies_in_threads_close_in_reverse_order() -> None:
    app = FastAPI()
    happened: list[str] = []
    closed = threading.Event()

    def outer() -> Iterator[str]:
        happened.append("outer opened")
        try:
            yield "outer"
        finally:
            happened.append("outer closed")
            closed.set()

    async def inner(name: Annotated[str, Depends(outer)]) -> AsyncIterator[str]:
        happened.append("inner opened")
        try:
            yield f"inner of {name}"
        except HTTPException as error:
            happened.append(f"inner saw {error.status_code}")
            raise

    @app.get("/")
    def use(name: Annotated[str, Depends(inner)]) -> None:
        raise HTTPException(409, name)

    with TestServer(app) as server, server.connect() as client:
        response = get(client, "/")
        assert (response.status, json.loads(response.body)) == (409, {"detail": "inner of outer"})
        assert closed.wait(WAIT_SECONDS)
        assert happened == ["outer opened", "inner opened", "inner saw 409", "outer closed"]


def test_a_dependency_stays_open_while_its_response_is_streamed() -> None:
    app = FastAPI()
    probe = Probe()

    async def session() -> AsyncIterator[Probe]:
        yield probe
        probe["closed"].set()

    @app.get("/")
    async def rows(session: Annotated[Any, Depends(session)]) -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            yield "first\n"
            await probe["go on"].heard()
            yield f"closed: {session['closed'].is_set}\n"

        return StreamingResponse(lines())

    with TestServer(app) as server, server.connect() as client:
        client.send(request("GET", "/"))
        read_until(client, b"first\n")
        probe["go on"].set()
        assert b"closed: False\n" in read_until(client, b"0\r\n\r\n")
        probe["closed"].wait()


def test_routers_mounts_and_the_description() -> None:
    router = APIRouter(prefix="/v1")

    @router.get("/ping")
    async def ping() -> str:
        return "pong"

    inner = FastAPI()
    inner.include_router(router)
    app = FastAPI()
    app.mount("/inner", inner)
    app.include_router(router)
    with TestServer(app, root_path="/behind/proxy") as server, server.connect() as client:
        assert get(client, "/v1/ping").body == get(client, "/inner/v1/ping").body == b'"pong"'
        assert json.loads(get(client, "/openapi.json").body)["servers"] == [{"url": "/behind/proxy"}]
        assert json.loads(get(client, "/inner/openapi.json").body)["servers"] == [{"url": "/behind/proxy/inner"}]


def test_several_files_in_one_form() -> None:
    app = FastAPI()

    @app.post("/")
    async def upload(files: Annotated[list[UploadFile], File()]) -> list[list[Any]]:
        return [[file.filename, len(await file.read())] for file in files]

    def part(name: str, content: str) -> str:
        return f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n{content}\r\n'

    body = (part("a", "x" * 10) + part("b", "") + "--b--\r\n").encode()
    with TestServer(app) as server, server.connect() as client:
        client.send(request("POST", "/", "Content-Type: multipart/form-data; boundary=b\r\n", body))
        assert json.loads(client.read_response().body) == [["a", 10], ["b", 0]]
