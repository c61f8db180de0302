"""Which interface an application speaks, found by looking at it, and the adapter that makes it ASGI 3.

Nothing is called to find out. The marks that asgiref puts on callables are believed first; then a coroutine function
(bare, behind ``functools.partial``, or as ``__call__``) is ASGI 3 and a class is ASGI 2; what is left, such as a plain
function that returns an awaitable or a compiled coroutine function, is told by the arguments that it takes.
"""

from __future__ import annotations

import asyncio.coroutines
import enum
import functools
import inspect
import types
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.errors import AppImportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["Interface", "adapt", "detect"]

# How callables were marked as coroutine functions before inspect.markcoroutinefunction() came with Python 3.12.
_OLD_MARK: Final = getattr(asyncio.coroutines, "_is_coroutine", None)


class Interface(enum.Enum):
    """The calling convention of an application."""

    ASGI3 = "asgi3"
    """``await app(scope, receive, send)``"""

    ASGI2 = "asgi2"
    """``await app(scope)(receive, send)``, the legacy of ASGI 2.0."""

    WSGI = "wsgi"
    """``app(environ, start_response)`` (PEP 3333); it blocks."""

    SYNC = "sync"
    """``app.handle(request)``, a `pounce_asgi.SyncApp`; it blocks."""

    @property
    def blocking(self) -> bool:
        """Whether the application is called in a thread without an event loop."""
        return self in (Interface.WSGI, Interface.SYNC)


def detect(app: object) -> Interface:
    """The interface of an application.

    Raises:
        AppImportError: it is not callable, or cannot be called as any interface demands; the message says what it
            looks like and what to pass instead.
    """
    if isinstance(app, types.ModuleType):
        raise AppImportError(
            f"{app.__name__!r} is a module, not an application; name the attribute too: {app.__name__}:app"
        )
    if not callable(app):
        raise AppImportError(f"the application is not callable: it is of type {type(app).__name__!r}")
    if getattr(app, "_asgi_single_callable", False):
        return Interface.ASGI3
    if getattr(app, "_asgi_double_callable", False):
        return Interface.ASGI2
    if inspect.isclass(_without_partial(app)):
        return _detect_class(app)
    return _detect_callable(app)


def adapt(app: Callable[..., Any], interface: Interface) -> ASGI3Application:
    """The application as a callable that returns a coroutine when called with scope, receive and send.

    A coroutine function is returned as it is, so the usual application pays nothing.
    """
    if interface is Interface.ASGI2:
        return _from_double_callable(app)
    if _is_coroutine_callable(app):
        return app
    return _from_awaitable(app)


def _detect_class(app: Callable[..., Any]) -> Interface:
    """A class is ASGI 2, unless its instances are awaited (``await App(scope, receive, send)``)."""
    cls = _without_partial(app)
    if hasattr(cls, "__await__"):
        return Interface.ASGI3
    call = getattr(cls, "__call__", None)  # noqa: B004 - a class is always callable; its instances are asked for
    # Instances of an ASGI 2 class take receive and send; those of an ASGI 3 class a scope before them.
    if inspect.isfunction(call) and _takes(call, 4) and not _takes(call, 3):
        raise AppImportError(
            f"{_name(app)} is a class whose instances are ASGI applications; pass an instance, or use --factory"
        )
    if not _takes(app, 1):
        raise AppImportError(f"{_name(app)} is a class that cannot be called with a scope; pass an instance of it")
    return Interface.ASGI2


def _detect_callable(app: Callable[..., Any]) -> Interface:
    if _takes(app, 3):
        return Interface.ASGI3
    if _is_coroutine_callable(app):
        raise AppImportError(f"{_name(app)} does not take the three arguments of ASGI: scope, receive, send")
    if _takes(app, 1):
        return Interface.ASGI2
    if _takes(app, 2):
        raise AppImportError(f"{_name(app)} takes two arguments, like a WSGI application; wrap it in an ASGI adapter")
    if _takes(app, 0):
        raise AppImportError(f"{_name(app)} takes no arguments; if it makes the application, use --factory")
    raise AppImportError(f"{_name(app)} takes neither the arguments of ASGI 3 (scope, receive, send) nor one scope")


def _takes(app: Callable[..., Any], count: int) -> bool:
    """Whether it can be called with so many positional arguments; one that cannot be inspected is taken at its word."""
    try:
        signature = inspect.signature(app)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _without_partial(app: object) -> object:
    while isinstance(app, functools.partial):
        app = app.func
    return app


def _is_coroutine_callable(app: object) -> bool:
    bare = _without_partial(app)
    if inspect.isclass(bare):
        return False
    return _is_marked(bare) or _is_marked(getattr(bare, "__call__", None))  # noqa: B004 - the method itself is wanted


def _is_marked(function: object) -> bool:
    if inspect.iscoroutinefunction(function):
        return True
    return _OLD_MARK is not None and getattr(function, "_is_coroutine", None) is _OLD_MARK


def _name(app: object) -> str:
    bare = _without_partial(app)
    name = getattr(bare, "__qualname__", None) or type(bare).__qualname__
    return repr(name)


def _from_double_callable(app: Callable[..., Any]) -> ASGI3Application:
    async def asgi3(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        instance = app(scope)
        await instance(receive, send)

    return asgi3


def _from_awaitable(app: Callable[..., Any]) -> ASGI3Application:
    async def asgi3(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await app(scope, receive, send)

    return asgi3
