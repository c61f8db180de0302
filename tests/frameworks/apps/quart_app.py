"""The shared idioms as Quart has them: serving hooks, request globals, generators as bodies, run_sync."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import threading
from typing import TYPE_CHECKING, Any

from quart import Quart, Response, current_app, make_response, request
from quart.utils import run_sync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.frameworks.probe import Probe

__all__ = ["TeapotError", "build"]

caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")


class TeapotError(Exception):
    """Has a handler."""


def add_hooks(app: Quart, probe: Probe) -> None:
    @app.before_serving
    async def start() -> None:
        app.config["GREETING"] = "from the lifespan"

    @app.after_serving
    async def stop() -> None:
        probe["shut down"].set()

    @app.before_request
    async def remember() -> None:
        if "x-caller" in request.headers:
            caller.set(request.headers["x-caller"])
        if request.path == "/cleanup":
            probe.happened.append("opened")

    @app.after_request
    async def seen(response: Response) -> Response:
        response.headers["x-middleware"] = "seen"
        return response

    @app.teardown_request
    async def close(error: BaseException | None) -> None:
        if request.path == "/cleanup":
            probe.happened.append("closed")
            probe["closed"].set()

    @app.errorhandler(TeapotError)
    async def make_tea(error: TeapotError) -> tuple[dict[str, str], int]:
        return {"error": type(error).__name__}, 418


def add_plain_routes(app: Quart) -> None:
    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    @app.get("/items/<int:item>")
    async def item(item: int) -> dict[str, Any]:
        return {"item": item, "q": request.args.getlist("q")}

    @app.get("/state")
    async def state() -> str:
        greeting: str = current_app.config["GREETING"]
        return greeting

    @app.get("/teapot")
    async def teapot() -> str:
        raise TeapotError

    @app.get("/crash")
    async def crash() -> str:
        raise RuntimeError("nobody handles this")

    @app.post("/echo")
    async def echo() -> bytes:
        return b"".join([piece async for piece in request.body])

    @app.get("/cookies")
    async def cookies() -> Response:
        response = await make_response(request.cookies["a"])
        assert isinstance(response, Response)
        response.set_cookie("first", "1")
        response.set_cookie("second", "2")
        return response

    @app.post("/upload")
    async def upload() -> dict[str, Any]:
        form, files = await request.form, await request.files
        content = files["file"].stream
        digest = await run_sync(hashlib.file_digest)(content, "sha256")
        return {"name": form["name"], "size": content.tell(), "sha256": digest.hexdigest()}


def add_routes_that_wait(app: Quart, probe: Probe) -> None:
    @app.get("/group")
    async def group() -> list[int]:
        async def square(number: int) -> int:
            await asyncio.sleep(0)
            return number * number

        async with asyncio.TaskGroup() as tasks:
            squares = [tasks.create_task(square(number)) for number in range(3)]
        return [task.result() for task in squares]

    @app.get("/timeout")
    async def timeout() -> tuple[str, int]:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return "too late", 504
        raise AssertionError("unreachable")

    @app.get("/context")
    async def context() -> dict[str, str]:
        return {"loop": caller.get(), "thread": await run_sync(caller.get)()}

    @app.get("/cleanup")
    async def cleanup() -> str:
        probe.happened.append("used")
        if "fail" in request.args:
            raise TeapotError
        return "used"

    @app.get("/threaded")
    def threaded() -> str:
        probe["entered"].set()
        probe["released"].wait()
        return threading.current_thread().name

    @app.get("/background")
    async def background() -> tuple[str, int]:
        async def later() -> None:
            await probe["client left"].heard()

        app.add_background_task(later)
        # Done when Quart has forgotten it too: at its shutdown it waits for what it remembers, in another loop.
        for task in tuple(app.background_tasks):
            task.add_done_callback(lambda _: probe["done"].set())
        return "accepted", 202


def add_streams(app: Quart, probe: Probe) -> None:
    @app.get("/stream")
    async def stream() -> AsyncIterator[str]:
        async def pieces() -> AsyncIterator[str]:
            yield "one\n"
            await probe["second"].heard()
            yield "two\n"

        return pieces()

    @app.get("/events")
    async def events() -> Response:
        async def numbers() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"
            await probe["second"].heard()
            yield b"data: 2\n\n"

        response = await make_response(numbers(), {"Content-Type": "text/event-stream"})
        assert isinstance(response, Response)
        response.timeout = None  # a stream of events has no end of its own
        return response

    @app.get("/endless")
    async def endless() -> AsyncIterator[bytes]:
        async def ticks() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"tick\n"
                    await asyncio.sleep(0.001)
            finally:
                probe["ended"].set()

        return ticks()


def build(probe: Probe) -> Quart:
    """The application of one test."""
    app = Quart(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 100 * 1024 * 1024
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 5
    add_hooks(app, probe)
    add_plain_routes(app)
    add_routes_that_wait(app, probe)
    add_streams(app, probe)
    return app
