"""The shared idioms as Django has them: async and sync views, middleware, streaming responses, upload handlers.

Django has one configuration in a process, made by the first ``build()``; what a test shares with the views is in
``shared``. Django knows neither lifespan nor background tasks: the first wraps the application, as its users do, and
the second is a task that the view starts.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped, untyped-decorator"

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import threading
from typing import TYPE_CHECKING, Any, cast

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.utils.decorators import async_only_middleware
from django.views.decorators.http import require_GET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pounce_asgi import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
    from tests.frameworks.probe import Probe

__all__ = ["TeapotError", "build", "configure"]

caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")
shared: dict[str, Any] = {}


class TeapotError(Exception):
    """Is answered by the middleware below."""


@async_only_middleware
def seen(get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> Callable[..., Awaitable[HttpResponse]]:
    async def middleware(request: HttpRequest) -> HttpResponse:
        if "x-caller" in request.headers:
            caller.set(request.headers["x-caller"])
        response = await get_response(request)
        response["x-middleware"] = "seen"
        return response

    return middleware


class MakeTea:
    """A sync-and-async middleware with a hook for exceptions, adapted by Django."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return JsonResponse({"error": "TeapotError"}, status=418) if isinstance(error, TeapotError) else None


@require_GET
async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


async def item(request: HttpRequest, item: int) -> HttpResponse:
    return JsonResponse({"item": item, "q": request.GET.getlist("q")})


def state(request: HttpRequest) -> HttpResponse:
    return HttpResponse(cast("Any", request).scope["state"]["greeting"])


async def teapot(request: HttpRequest) -> HttpResponse:
    raise TeapotError


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("nobody handles this")


async def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


async def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(request.COOKIES["a"])
    response.set_cookie("first", "1")
    response.set_cookie("second", "2")
    return response


def upload(request: HttpRequest) -> HttpResponse:
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    return JsonResponse({"name": request.POST["name"], "size": file.size, "sha256": digest.hexdigest()})


async def group(request: HttpRequest) -> HttpResponse:
    async def square(number: int) -> int:
        await asyncio.sleep(0)
        return number * number

    async with asyncio.TaskGroup() as tasks:
        squares = [tasks.create_task(square(number)) for number in range(3)]
    return JsonResponse([task.result() for task in squares], safe=False)


async def timeout(request: HttpRequest) -> HttpResponse:
    try:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    except TimeoutError:
        return HttpResponse("too late", status=504)
    raise AssertionError("unreachable")


async def context(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"loop": caller.get(), "thread": await sync_to_async(caller.get)()})


async def cleanup(request: HttpRequest) -> HttpResponse:
    probe: Probe = shared["probe"]
    probe.happened.append("opened")
    try:
        probe.happened.append("used")
        if "fail" in request.GET:
            raise TeapotError
        return HttpResponse("used")
    finally:
        probe.happened.append("closed")
        probe["closed"].set()


def threaded(request: HttpRequest) -> HttpResponse:
    probe: Probe = shared["probe"]
    probe["entered"].set()
    probe["released"].wait()
    return HttpResponse(threading.current_thread().name)


async def background(request: HttpRequest) -> HttpResponse:
    probe: Probe = shared["probe"]

    async def later() -> None:
        await probe["client left"].heard()
        probe["done"].set()

    shared["task"] = asyncio.create_task(later())
    return HttpResponse("accepted", status=202)


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> AsyncIterator[str]:
        yield "one\n"
        await shared["probe"]["second"].heard()
        yield "two\n"

    return StreamingHttpResponse(pieces())


async def events(request: HttpRequest) -> StreamingHttpResponse:
    async def numbers() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        await shared["probe"]["second"].heard()
        yield "data: 2\n\n"

    return StreamingHttpResponse(numbers(), content_type="text/event-stream")


async def endless(request: HttpRequest) -> StreamingHttpResponse:
    probe: Probe = shared["probe"]

    async def ticks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick\n"
                await asyncio.sleep(0.001)
        finally:
            probe["ended"].set()

    return StreamingHttpResponse(ticks())


VIEWS = (
    *(hello, state, teapot, crash, echo, cookies, upload, group, timeout, context, cleanup),
    *(threaded, background, stream, events, endless),
)
urlpatterns = [path("items/<int:item>", item), *(path(view.__name__, view) for view in VIEWS)]


def configure() -> None:
    """Set Django up, once in a process."""
    if settings.configured:
        return
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DATA_UPLOAD_MAX_MEMORY_SIZE=10 << 20,
        LOGGING_CONFIG=None,
        MIDDLEWARE=[f"{__name__}.seen", f"{__name__}.MakeTea"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="for tests",
        USE_TZ=True,
    )
    django.setup()


def build(probe: Probe) -> ASGI3Application:
    """The application of one test."""
    configure()
    shared["probe"] = probe
    from django.core.asgi import get_asgi_application

    handler = get_asgi_application()

    async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "lifespan":
            await handler(scope, receive, send)
            return
        await receive()
        scope["state"]["greeting"] = "from the lifespan"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        probe["shut down"].set()
        await send({"type": "lifespan.shutdown.complete"})

    return application
