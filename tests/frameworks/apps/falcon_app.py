"""The shared idioms as Falcon has them: resources, middleware, scheduled work, SSEvent and body parts."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import threading
from typing import TYPE_CHECKING, Any

import falcon
from falcon.asgi import App, SSEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from falcon.asgi import Request, Response

    from tests.frameworks.probe import Probe

__all__ = ["TeapotError", "build"]

caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")


class TeapotError(Exception):
    """Has a handler."""


class Seen:
    """Lifespan, requests and responses in one piece of middleware."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.greeting = ""

    async def process_startup(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        self.greeting = "from the lifespan"

    async def process_shutdown(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        self.probe["shut down"].set()

    async def process_request(self, req: Request, resp: Response) -> None:
        req.context.greeting = self.greeting
        if name := req.get_header("x-caller"):
            caller.set(name)
        if req.path == "/cleanup":
            self.probe.happened.append("opened")

    async def process_response(self, req: Request, resp: Response, resource: object, succeeded: bool) -> None:
        resp.set_header("x-middleware", "seen")
        if req.path == "/cleanup":
            self.probe.happened.append("closed")
            self.probe["closed"].set()


class Plain:
    """Resources that answer at once; the suffix of a responder is that of its route."""

    async def on_get_hello(self, req: Request, resp: Response) -> None:
        resp.text = "hello"

    async def on_get_item(self, req: Request, resp: Response, item: int) -> None:
        resp.media = {"item": item, "q": req.get_param_as_list("q")}

    async def on_get_state(self, req: Request, resp: Response) -> None:
        resp.text = req.context.greeting

    async def on_get_teapot(self, req: Request, resp: Response) -> None:
        raise TeapotError

    async def on_get_crash(self, req: Request, resp: Response) -> None:
        raise RuntimeError("nobody handles this")

    async def on_post_echo(self, req: Request, resp: Response) -> None:
        resp.data = b"".join([piece async for piece in req.stream])

    async def on_get_cookies(self, req: Request, resp: Response) -> None:
        resp.text = req.cookies["a"]
        resp.set_cookie("first", "1")
        resp.set_cookie("second", "2")

    async def on_post_upload(self, req: Request, resp: Response) -> None:
        answer: dict[str, Any] = {"size": 0}
        digest = hashlib.sha256()
        async for part in await req.get_media():
            if part.name == "name":
                answer["name"] = await part.text
            else:
                async for piece in part.stream:
                    digest.update(piece)
                    answer["size"] += len(piece)
        resp.media = {**answer, "sha256": digest.hexdigest()}


class Waiting:
    """Resources that wait for something or somebody."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe

    async def on_get_group(self, req: Request, resp: Response) -> None:
        async def square(number: int) -> int:
            await asyncio.sleep(0)
            return number * number

        async with asyncio.TaskGroup() as tasks:
            squares = [tasks.create_task(square(number)) for number in range(3)]
        resp.media = [task.result() for task in squares]

    async def on_get_timeout(self, req: Request, resp: Response) -> None:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            resp.status = falcon.HTTP_504
            resp.text = "too late"

    async def on_get_context(self, req: Request, resp: Response) -> None:
        resp.media = {"loop": caller.get(), "thread": await asyncio.to_thread(caller.get)}

    async def on_get_cleanup(self, req: Request, resp: Response) -> None:
        self.probe.happened.append("used")
        if req.has_param("fail"):
            raise TeapotError
        resp.text = "used"

    async def on_get_threaded(self, req: Request, resp: Response) -> None:
        def blocking() -> str:
            self.probe["entered"].set()
            self.probe["released"].wait()
            return threading.current_thread().name

        resp.text = await asyncio.get_running_loop().run_in_executor(None, blocking)

    async def on_get_background(self, req: Request, resp: Response) -> None:
        async def later() -> None:
            await self.probe["client left"].heard()
            self.probe["done"].set()

        resp.status = falcon.HTTP_202
        resp.text = "accepted"
        resp.schedule(later)

    async def on_get_stream(self, req: Request, resp: Response) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one\n"
            await self.probe["second"].heard()
            yield b"two\n"

        resp.stream = pieces()

    async def on_get_events(self, req: Request, resp: Response) -> None:
        async def numbers() -> AsyncIterator[SSEvent]:
            yield SSEvent(data=b"1")
            await self.probe["second"].heard()
            yield SSEvent(data=b"2")

        resp.sse = numbers()

    async def on_get_endless(self, req: Request, resp: Response) -> None:
        async def ticks() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"tick\n"
                    await asyncio.sleep(0.001)
            finally:
                self.probe["ended"].set()

        resp.stream = ticks()


async def make_tea(req: Request, resp: Response, error: TeapotError, params: dict[str, Any]) -> None:
    resp.status = falcon.HTTP_418
    resp.media = {"error": type(error).__name__}


def build(probe: Probe) -> App[Request, Response]:
    """The application of one test."""
    app = App(middleware=[Seen(probe)])
    app.add_error_handler(TeapotError, make_tea)
    for resource in (Plain(), Waiting(probe)):
        for name in dir(resource):
            if name.startswith("on_"):
                suffix = name.split("_", 2)[2]
                app.add_route("/items/{item:int}" if suffix == "item" else f"/{suffix}", resource, suffix=suffix)
    return app
