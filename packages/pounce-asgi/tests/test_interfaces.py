"""Which interface an application speaks, and that the adapted one works."""

from __future__ import annotations

import asyncio
import functools
import json
import types
from typing import Any

import pytest

from pounce_asgi import AppImportError, Interface, adapt, detect


async def coroutine_function(scope: Any, receive: Any, send: Any) -> None:
    await send((scope, await receive()))


def returns_awaitable(scope: Any, receive: Any, send: Any) -> Any:
    return coroutine_function(scope, receive, send)


def returns_future(scope: Any, receive: Any, send: Any) -> Any:
    return asyncio.ensure_future(coroutine_function(scope, receive, send))


def double_callable(scope: Any) -> Any:
    async def instance(receive: Any, send: Any) -> None:
        await send((scope, await receive()))

    return instance


async def with_more(extra: str, scope: Any, receive: Any, send: Any) -> None:
    assert extra == "extra"
    await send((scope, await receive()))


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class Application:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send((scope, await receive()))

    async def method(self, scope: Any, receive: Any, send: Any) -> None:
        await send((scope, await receive()))


class PlainCall:
    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return coroutine_function(scope, receive, send)


class Awaited:
    """As the endpoints of Starlette: ``await Awaited(scope, receive, send)``."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.args = (scope, receive, send)

    def __await__(self) -> Any:
        return coroutine_function(*self.args).__await__()


class Double:
    def __init__(self, scope: Any) -> None:
        self.scope = scope

    async def __call__(self, receive: Any, send: Any) -> None:
        await send((self.scope, await receive()))


class DoubleInstance:
    def __call__(self, scope: Any) -> Double:
        return Double(scope)


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


def wsgi_with_more(extra: str, environ: Any, start_response: Any, *, option: int = 0) -> list[bytes]:
    return []


class Wsgi:
    def __call__(self, environ: Any, start_response: Any, extra: Any = None) -> list[bytes]:
        return []


class WsgiResponse:
    """As in PEP 3333: the class is the application, and its instances are the responses."""

    def __init__(self, environ: Any, start_response: Any) -> None: ...

    def __iter__(self) -> Any:
        return iter(())


class Handles:
    def handle(self, request: Any) -> Any: ...


class CallableHandles(Handles):
    """Its call is nothing that an interface knows, so its handle() tells."""

    def __call__(self) -> None: ...


class AsyncWithHandle(Application):
    def handle(self, request: Any) -> Any: ...


class AsgiWithRoute(PlainCall):
    """As the routes of Starlette: not the handle() of a SyncApp."""

    async def handle(self, scope: Any, receive: Any, send: Any) -> None: ...


def marked_single(*args: Any) -> Any:
    return coroutine_function(*args)


def marked_double(*args: Any) -> Any:
    return double_callable(*args)


marked_single._asgi_single_callable = True  # type: ignore[attr-defined]
marked_double._asgi_double_callable = True  # type: ignore[attr-defined]

APPLICATIONS = [
    pytest.param(coroutine_function, Interface.ASGI3, id="coroutine function"),
    pytest.param(Application(), Interface.ASGI3, id="instance with async __call__"),
    pytest.param(Application().method, Interface.ASGI3, id="bound coroutine method"),
    pytest.param(functools.partial(with_more, "extra"), Interface.ASGI3, id="partial of a coroutine function"),
    pytest.param(functools.partial(functools.partial(with_more), "extra"), Interface.ASGI3, id="nested partial"),
    pytest.param(functools.partial(Application()), Interface.ASGI3, id="partial of an instance"),
    pytest.param(returns_awaitable, Interface.ASGI3, id="function that returns a coroutine"),
    pytest.param(returns_future, Interface.ASGI3, id="function that returns a future"),
    pytest.param(decorated(coroutine_function), Interface.ASGI3, id="wrapped coroutine function"),
    pytest.param(decorated(double_callable), Interface.ASGI2, id="wrapped double callable"),
    pytest.param(PlainCall(), Interface.ASGI3, id="instance with plain __call__"),
    pytest.param(Awaited, Interface.ASGI3, id="awaitable class"),
    pytest.param(functools.partial(Awaited), Interface.ASGI3, id="partial of an awaitable class"),
    pytest.param(double_callable, Interface.ASGI2, id="double callable function"),
    pytest.param(Double, Interface.ASGI2, id="double callable class"),
    pytest.param(functools.partial(Double), Interface.ASGI2, id="partial of a double callable class"),
    pytest.param(DoubleInstance(), Interface.ASGI2, id="double callable instance"),
    pytest.param(marked_single, Interface.ASGI3, id="marked as single"),
    pytest.param(marked_double, Interface.ASGI2, id="marked as double"),
]


BLOCKING = [
    pytest.param(wsgi, Interface.WSGI, id="wsgi function"),
    pytest.param(decorated(wsgi), Interface.WSGI, id="wrapped wsgi function"),
    pytest.param(functools.partial(wsgi_with_more, "extra"), Interface.WSGI, id="partial of a wsgi function"),
    pytest.param(Wsgi(), Interface.WSGI, id="wsgi instance with an optional argument"),
    pytest.param(Wsgi().__call__, Interface.WSGI, id="bound wsgi method"),
    pytest.param(functools.partial(Wsgi()), Interface.WSGI, id="partial of a wsgi instance"),
    pytest.param(WsgiResponse, Interface.WSGI, id="wsgi class"),
    pytest.param(Handles(), Interface.SYNC, id="sync app"),
    pytest.param(CallableHandles(), Interface.SYNC, id="sync app that is callable"),
    pytest.param(AsyncWithHandle(), Interface.ASGI3, id="coroutine method beside a handle"),
    pytest.param(AsgiWithRoute(), Interface.ASGI3, id="handle of three arguments"),
]


@pytest.mark.parametrize(("app", "interface"), APPLICATIONS + BLOCKING)
def test_detect(app: Any, interface: Interface) -> None:
    assert detect(app) is interface


@pytest.mark.parametrize(("app", "interface"), APPLICATIONS)
def test_an_adapted_application_returns_a_coroutine_and_works(app: Any, interface: Interface) -> None:
    sent: list[Any] = []

    async def receive() -> str:
        return "received"

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        call = adapt(app, interface)({"type": "http"}, receive, send)  # type: ignore[arg-type]
        assert asyncio.iscoroutine(call)
        await call

    asyncio.run(main())
    assert sent == [({"type": "http"}, "received")]


@pytest.mark.parametrize(
    "app",
    [coroutine_function, Application().method, functools.partial(with_more, "extra")],
    ids=["function", "method", "partial"],
)
def test_the_usual_application_is_not_wrapped(app: Any) -> None:
    assert adapt(app, Interface.ASGI3) is app


async def async_factory() -> Any:
    return coroutine_function


class Uninspectable:
    """As compiled functions can be."""

    __signature__ = "none"

    def __call__(self, *args: Any) -> Any: ...


class CallableWsgiHandles(Wsgi, Handles): ...


class AsyncHandles:
    async def handle(self, request: Any) -> Any: ...


class NeedsSettings:
    def __init__(self, name: str, *, debug: bool, port: int) -> None: ...


REFUSED = [
    pytest.param(json, r"'json' is a module.*json:app", id="module"),
    pytest.param(None, "not callable.*'NoneType'", id="none"),
    pytest.param("module:app", "not callable.*'str'", id="string"),
    pytest.param(object(), "not callable.*'object'", id="object"),
    pytest.param(lambda: coroutine_function, "takes no arguments.*--factory", id="factory"),
    pytest.param(async_factory, "'async_factory' does not take the three arguments", id="async factory"),
    pytest.param(lambda *args: None, "cannot be told.*--interface asgi3, asgi2 or wsgi", id="any arguments"),
    pytest.param(lambda scope, *args: None, "cannot be told.*--interface", id="one argument and any more"),
    pytest.param(Uninspectable(), "'Uninspectable'.*cannot be told.*--interface", id="no signature"),
    pytest.param(CallableWsgiHandles(), "--interface sync or --interface wsgi", id="sync app that is wsgi too"),
    pytest.param(AsyncHandles(), "not callable.*handle.. of a SyncApp.*no coroutine function", id="async handle"),
    pytest.param(Wsgi, "'Wsgi' is a class whose instances look like WSGI.*--interface asgi2", id="wsgi class"),
    pytest.param(Application, "'Application' is a class whose instances.*--factory", id="class instead of instance"),
    pytest.param(NeedsSettings, "'NeedsSettings' is a class that cannot be called", id="class with settings"),
    pytest.param(lambda a, b, c, d: None, "takes neither", id="four arguments"),
]


@pytest.mark.parametrize(("app", "message"), REFUSED)
def test_what_cannot_be_an_application_is_told(app: Any, message: str) -> None:
    with pytest.raises(AppImportError, match=message):
        detect(app)


def test_nothing_is_called_to_find_out() -> None:
    def explode(scope: Any) -> Any:
        raise AssertionError

    assert detect(explode) is Interface.ASGI2


def test_a_module_that_is_callable_would_still_be_a_mistake() -> None:
    with pytest.raises(AppImportError, match="name the attribute"):
        detect(types.ModuleType("main"))


FRAMEWORKS = [
    pytest.param("flask:Flask", ("main",), Interface.WSGI, id="flask"),
    pytest.param("django.core.handlers.wsgi:WSGIHandler", (), Interface.WSGI, id="django wsgi"),
    pytest.param("django.core.handlers.asgi:ASGIHandler", (), Interface.ASGI3, id="django asgi"),
    pytest.param("falcon:App", (), Interface.WSGI, id="falcon"),
    pytest.param("falcon.asgi:App", (), Interface.ASGI3, id="falcon asgi"),
    pytest.param("bottle:Bottle", (), Interface.WSGI, id="bottle"),
    pytest.param("starlette.applications:Starlette", (), Interface.ASGI3, id="starlette"),
    pytest.param("quart:Quart", ("main",), Interface.ASGI3, id="quart"),
]


@pytest.mark.parametrize(("where", "args", "interface"), FRAMEWORKS)
def test_frameworks_are_recognised(where: str, args: tuple[str, ...], interface: Interface) -> None:
    module, name = where.split(":")
    cls = getattr(pytest.importorskip(module), name)
    if name.endswith("Handler"):
        cls = type(name, (cls,), {"__init__": lambda self: None})  # what it does there needs Django's settings
    app = cls(*args)
    assert detect(app) is interface
    assert detect(functools.partial(app)) is interface
