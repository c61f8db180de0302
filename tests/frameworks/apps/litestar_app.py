"""The shared idioms as Litestar has them: provided dependencies, Stream and ServerSentEvent, sync_to_thread."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import threading
from collections.abc import AsyncIterator  # noqa: TC003 - Litestar reads signatures at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import State, UploadFile
from litestar.di import NamedDependency, Provide
from litestar.enums import RequestEncodingType
from litestar.middleware import ASGIMiddleware
from litestar.params import Body, FromPath, FromQuery
from litestar.response import ServerSentEvent, Stream

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from tests.frameworks.probe import Probe

__all__ = ["TeapotError", "build"]

caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")


class TeapotError(Exception):
    """Has a handler."""


class Seen(ASGIMiddleware):
    """Marks each response on its way out."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        for name, value in scope.get("headers", ()):
            if name == b"x-caller":
                caller.set(value.decode())

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-middleware", b"seen")]
            await send(message)

        await next_app(scope, receive, marked)


@dataclass
class Form:
    name: str
    file: UploadFile


async def provide_resource(state: State) -> AsyncIterator[str]:
    """A dependency that is closed when its request is over, whatever came of it."""
    state.probe.happened.append("opened")
    try:
        yield "used"
    finally:
        state.probe.happened.append("closed")
        state.probe["closed"].set()


@contextlib.asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    app.state.greeting = "from the lifespan"
    yield
    app.state.probe["shut down"].set()


@get("/hello", media_type=MediaType.TEXT)
async def hello() -> str:
    return "hello"


@get("/items/{item:int}")
async def item(item: FromPath[int], q: FromQuery[list[str]]) -> dict[str, Any]:
    return {"item": item, "q": q}


@get("/state", media_type=MediaType.TEXT)
async def state(state: State) -> str:
    greeting: str = state.greeting
    return greeting


@get("/teapot")
async def teapot() -> None:
    raise TeapotError


@get("/crash")
async def crash() -> None:
    raise RuntimeError("nobody handles this")


@post("/echo")
async def echo(request: Request[Any, Any, Any]) -> Response[bytes]:
    return Response(b"".join([piece async for piece in request.stream()]), media_type="application/octet-stream")


@get("/cookies", media_type=MediaType.TEXT)
async def cookies(request: Request[Any, Any, Any]) -> Response[str]:
    response = Response(request.cookies["a"])
    response.set_cookie("first", "1")
    response.set_cookie("second", "2")
    return response


@post("/upload", status_code=200)
async def upload(data: Annotated[Form, Body(media_type=RequestEncodingType.MULTI_PART)]) -> dict[str, Any]:
    digest = hashlib.sha256()
    size = 0
    while piece := await data.file.read(1 << 20):
        digest.update(piece)
        size += len(piece)
    return {"name": data.name, "size": size, "sha256": digest.hexdigest()}


@get("/group")
async def group() -> list[int]:
    async def square(number: int) -> int:
        await asyncio.sleep(0)
        return number * number

    async with asyncio.TaskGroup() as tasks:
        squares = [tasks.create_task(square(number)) for number in range(3)]
    return [task.result() for task in squares]


@get("/timeout", media_type=MediaType.TEXT)
async def timeout() -> Response[str]:
    try:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    except TimeoutError:
        return Response("too late", status_code=504)
    raise AssertionError("unreachable")


def provide_caller() -> str:
    return caller.get()


@get("/context", dependencies={"in_thread": Provide(provide_caller, sync_to_thread=True)})
async def context(in_thread: NamedDependency[str]) -> dict[str, str]:
    return {"loop": caller.get(), "thread": in_thread}


@get("/cleanup", media_type=MediaType.TEXT, dependencies={"resource": Provide(provide_resource)})
async def cleanup(state: State, resource: NamedDependency[str], fail: FromQuery[bool] = False) -> str:
    state.probe.happened.append(resource)
    if fail:
        raise TeapotError
    return resource


@get("/threaded", media_type=MediaType.TEXT, sync_to_thread=True)
def threaded(state: State) -> str:
    state.probe["entered"].set()
    state.probe["released"].wait()
    return threading.current_thread().name


@get("/background", media_type=MediaType.TEXT)
async def background(state: State) -> Response[str]:
    async def later() -> None:
        await state.probe["client left"].heard()
        state.probe["done"].set()

    return Response("accepted", status_code=202, background=BackgroundTask(later))


@get("/stream")
async def stream(state: State) -> Stream:
    async def pieces() -> AsyncIterator[str]:
        yield "one\n"
        await state.probe["second"].heard()
        yield "two\n"

    return Stream(pieces(), media_type=MediaType.TEXT)


@get("/events", sync_to_thread=False)
def events(state: State) -> ServerSentEvent:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        await state.probe["second"].heard()
        yield 2

    return ServerSentEvent(numbers())


@get("/endless")
async def endless(state: State) -> Stream:
    async def ticks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick\n"
                await asyncio.sleep(0.001)
        finally:
            state.probe["ended"].set()

    return Stream(ticks())


def make_tea(request: Request[Any, Any, Any], error: TeapotError) -> Response[dict[str, str]]:
    return Response({"error": type(error).__name__}, status_code=418)


ROUTES = (
    *(hello, item, state, teapot, crash, echo, cookies, upload, group, timeout, context, cleanup),
    *(threaded, background, stream, events, endless),
)


def build(probe: Probe) -> Litestar:
    """The application of one test."""
    return Litestar(
        ROUTES,
        state=State({"probe": probe}),
        lifespan=[lifespan],
        middleware=[Seen()],
        exception_handlers={TeapotError: make_tea},
        request_max_body_size=100 * 1024 * 1024,
        openapi_config=None,
    )
