"""The shared idioms as Starlette has them: routes, responses and BaseHTTPMiddleware."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import threading
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request

    from tests.frameworks.probe import Probe

__all__ = ["TeapotError", "build"]

caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")


class TeapotError(Exception):
    """Has a handler."""


class Seen(BaseHTTPMiddleware):
    """Runs the endpoint in a task of its own, which a context variable has to reach all the same."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        if "x-caller" in request.headers:
            caller.set(request.headers["x-caller"])
        response = await call_next(request)
        response.headers["x-middleware"] = "seen"
        return response


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def item(request: Request) -> Response:
    return JSONResponse({"item": request.path_params["item"], "q": request.query_params.getlist("q")})


async def state(request: Request) -> Response:
    return PlainTextResponse(request.state.greeting)


async def teapot(request: Request) -> Response:
    raise TeapotError


async def crash(request: Request) -> Response:
    raise RuntimeError("nobody handles this")


async def echo(request: Request) -> Response:
    return Response(await request.body())


async def cookies(request: Request) -> Response:
    response = PlainTextResponse(request.cookies["a"])
    response.set_cookie("first", "1")
    response.set_cookie("second", "2")
    return response


async def upload(request: Request) -> Response:
    async with request.form() as form:
        file, name = form["file"], form["name"]
        assert isinstance(file, UploadFile)
        digest = hashlib.sha256()
        while piece := await file.read(1 << 20):
            digest.update(piece)
        return JSONResponse({"name": name, "size": file.size, "sha256": digest.hexdigest()})


async def group(request: Request) -> Response:
    async def square(number: int) -> int:
        await asyncio.sleep(0)
        return number * number

    async with asyncio.TaskGroup() as tasks:
        squares = [tasks.create_task(square(number)) for number in range(3)]
    return JSONResponse([task.result() for task in squares])


async def timeout(request: Request) -> Response:
    try:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    except TimeoutError:
        return PlainTextResponse("too late", status_code=504)
    raise AssertionError("unreachable")


async def context(request: Request) -> Response:
    return JSONResponse({"loop": caller.get(), "thread": await run_in_threadpool(caller.get)})


class Probing:
    """The endpoints that a test holds at a point."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {"greeting": "from the lifespan"}
        self.probe["shut down"].set()

    async def stream(self, request: Request) -> Response:
        async def pieces() -> AsyncIterator[str]:
            yield "one\n"
            await self.probe["second"].heard()
            yield "two\n"

        return StreamingResponse(pieces(), media_type="text/plain")

    async def events(self, request: Request) -> Response:
        async def numbers() -> AsyncIterator[str]:
            yield "data: 1\n\n"
            await self.probe["second"].heard()
            yield "data: 2\n\n"

        return StreamingResponse(numbers(), media_type="text/event-stream")

    async def endless(self, request: Request) -> Response:
        async def ticks() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"tick\n"
                    await asyncio.sleep(0.001)
            finally:
                self.probe["ended"].set()

        return StreamingResponse(ticks())

    async def background(self, request: Request) -> Response:
        async def later() -> None:
            await self.probe["client left"].heard()
            self.probe["done"].set()

        return PlainTextResponse("accepted", status_code=202, background=BackgroundTask(later))

    def threaded(self, request: Request) -> Response:
        self.probe["entered"].set()
        self.probe["released"].wait()
        return PlainTextResponse(threading.current_thread().name)

    async def cleanup(self, request: Request) -> Response:
        async with self.resource():
            self.probe.happened.append("used")
            if "fail" in request.query_params:
                raise TeapotError
            return PlainTextResponse("used")

    @contextlib.asynccontextmanager
    async def resource(self) -> AsyncIterator[None]:
        self.probe.happened.append("opened")
        try:
            yield
        finally:
            self.probe.happened.append("closed")
            self.probe["closed"].set()


async def make_tea(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": type(error).__name__}, status_code=418)


def build(probe: Probe) -> Starlette:
    """The application of one test."""
    probing = Probing(probe)
    return Starlette(
        routes=[
            Route("/hello", hello),
            Route("/items/{item:int}", item),
            Route("/state", state),
            Route("/teapot", teapot),
            Route("/crash", crash),
            Route("/echo", echo, methods=["POST"]),
            Route("/cookies", cookies),
            Route("/upload", upload, methods=["POST"]),
            Route("/group", group),
            Route("/timeout", timeout),
            Route("/context", context),
            Route("/stream", probing.stream),
            Route("/events", probing.events),
            Route("/endless", probing.endless),
            Route("/background", probing.background),
            Route("/threaded", probing.threaded),
            Route("/cleanup", probing.cleanup),
        ],
        lifespan=probing.lifespan,
        middleware=[Middleware(Seen)],
        exception_handlers={TeapotError: make_tea},
    )
