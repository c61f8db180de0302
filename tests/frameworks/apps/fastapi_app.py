"""The shared idioms as FastAPI has them: dependencies with yield, threaded routes, validation, background tasks."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable  # noqa: TC003 - FastAPI reads signatures at run time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import BackgroundTasks, Cookie, Depends, FastAPI, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

if TYPE_CHECKING:
    from tests.frameworks.probe import Probe

__all__ = ["TeapotError", "build"]

caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")


class TeapotError(Exception):
    """Has a handler."""


async def probe_of(request: Request) -> Any:
    return request.app.state.probe


Probing = Annotated[Any, Depends(probe_of)]


async def resource(probe: Probing) -> AsyncIterator[str]:
    """A dependency that is closed when its request is over, whatever came of it."""
    probe.happened.append("opened")
    try:
        yield "used"
    finally:
        probe.happened.append("closed")
        probe["closed"].set()


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    yield {"greeting": "from the lifespan"}
    app.state.probe["shut down"].set()


def add_plain_routes(app: FastAPI) -> None:
    @app.get("/hello", response_class=PlainTextResponse)
    async def hello() -> str:
        return "hello"

    @app.get("/items/{item}")
    async def item(item: int, q: Annotated[list[str], Query()]) -> dict[str, Any]:
        return {"item": item, "q": q}

    @app.get("/state", response_class=PlainTextResponse)
    async def state(request: Request) -> str:
        greeting: str = request.state.greeting
        return greeting

    @app.get("/teapot")
    async def teapot() -> None:
        raise TeapotError

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("nobody handles this")

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(b"".join([piece async for piece in request.stream()]))

    @app.get("/cookies", response_class=PlainTextResponse)
    async def cookies(response: Response, a: Annotated[str, Cookie()]) -> str:
        response.set_cookie("first", "1")
        response.set_cookie("second", "2")
        return a

    @app.post("/upload")
    def upload(name: Annotated[str, Form()], file: Annotated[UploadFile, File()]) -> dict[str, Any]:
        digest = hashlib.sha256()
        while piece := file.file.read(1 << 20):
            digest.update(piece)
        return {"name": name, "size": file.size, "sha256": digest.hexdigest()}


def add_routes_that_wait(app: FastAPI) -> None:
    @app.get("/group")
    async def group() -> list[int]:
        async def square(number: int) -> int:
            await asyncio.sleep(0)
            return number * number

        async with asyncio.TaskGroup() as tasks:
            squares = [tasks.create_task(square(number)) for number in range(3)]
        return [task.result() for task in squares]

    @app.get("/timeout", response_class=PlainTextResponse)
    async def timeout(response: Response) -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            response.status_code = 504
            return "too late"
        raise AssertionError("unreachable")

    @app.get("/context")
    async def context() -> dict[str, str]:
        return {"loop": caller.get(), "thread": await run_in_threadpool(caller.get)}

    @app.get("/cleanup", response_class=PlainTextResponse)
    async def cleanup(probe: Probing, resource: Annotated[str, Depends(resource)], fail: bool = False) -> str:
        probe.happened.append(resource)
        if fail:
            raise TeapotError
        return resource

    @app.get("/threaded", response_class=PlainTextResponse)
    def threaded(probe: Probing) -> str:
        probe["entered"].set()
        probe["released"].wait()
        return threading.current_thread().name

    @app.get("/background", status_code=202, response_class=PlainTextResponse)
    async def background(probe: Probing, tasks: BackgroundTasks) -> str:
        async def later() -> None:
            await probe["client left"].heard()
            probe["done"].set()

        tasks.add_task(later)
        return "accepted"


def add_streams(app: FastAPI) -> None:
    @app.get("/stream")
    async def stream(probe: Probing) -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "one\n"
            await probe["second"].heard()
            yield "two\n"

        return StreamingResponse(pieces(), media_type="text/plain")

    @app.get("/events")
    async def events(probe: Probing) -> StreamingResponse:
        async def numbers() -> AsyncIterator[str]:
            yield "data: 1\n\n"
            await probe["second"].heard()
            yield "data: 2\n\n"

        return StreamingResponse(numbers(), media_type="text/event-stream")

    @app.get("/endless")
    async def endless(probe: Probing) -> StreamingResponse:
        async def ticks() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"tick\n"
                    await asyncio.sleep(0.001)
            finally:
                probe["ended"].set()

        return StreamingResponse(ticks())


def build(probe: Probe) -> FastAPI:
    """The application of one test."""
    app = FastAPI(lifespan=lifespan)
    app.state.probe = probe
    add_plain_routes(app)
    add_routes_that_wait(app)
    add_streams(app)

    @app.middleware("http")
    async def seen(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if "x-caller" in request.headers:
            caller.set(request.headers["x-caller"])
        response = await call_next(request)
        response.headers["x-middleware"] = "seen"
        return response

    @app.exception_handler(TeapotError)
    async def make_tea(request: Request, error: TeapotError) -> JSONResponse:
        return JSONResponse({"error": type(error).__name__}, status_code=418)

    return app
