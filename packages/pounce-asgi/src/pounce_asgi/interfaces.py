"""Which interface an application speaks, found by looking at it.

Nothing is called to find out. The marks that asgiref puts on callables are believed first; then a coroutine function
(bare, behind ``functools.partial``, or as ``__call__``) is ASGI 3 and a class is ASGI 2, unless its instances are
awaited or iterated over. What is left is told by the arguments that it takes: three for ASGI 3, two for WSGI, one for
ASGI 2. What fits several is not guessed at.
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

__all__ = ["Interface", "detect", "is_coroutine_callable"]

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


_BY_ARGUMENTS: Final = {3: Interface.ASGI3, 2: Interface.WSGI, 1: Interface.ASGI2}


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
        if _has_handle(app):
            return Interface.SYNC
        raise AppImportError(f"the application is not callable: it is of type {type(app).__name__!r}{_hint(app)}")
    if getattr(app, "_asgi_single_callable", False):
        return Interface.ASGI3
    if getattr(app, "_asgi_double_callable", False):
        return Interface.ASGI2
    if inspect.isclass(_without_partial(app)):
        return _detect_class(app)
    interface = _detect_callable(app)
    if interface is not Interface.SYNC and _has_handle(app) and not is_coroutine_callable(app):
        raise AppImportError(
            f"{_name(app)} has the handle() of a SyncApp and can be called like {interface.value} too; "
            f"say which with --interface sync or --interface {interface.value}"
        )
    return interface


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
    if hasattr(cls, "__iter__") and _takes(app, 2) and not _takes(app, 1):
        return Interface.WSGI  # the class of PEP 3333's example, whose instances are the responses
    if inspect.isfunction(call) and not is_coroutine_callable(call) and _takes(call, 3):
        raise AppImportError(
            f"{_name(app)} is a class whose instances look like WSGI applications; pass an instance, or use --factory, "
            "or say --interface asgi2"
        )
    if not _takes(app, 1):
        raise AppImportError(f"{_name(app)} is a class that cannot be called with a scope; pass an instance of it")
    return Interface.ASGI2


def _detect_callable(app: Callable[..., Any]) -> Interface:
    if is_coroutine_callable(app):
        if _takes(app, 3):
            return Interface.ASGI3
        raise AppImportError(f"{_name(app)} does not take the three arguments of ASGI: scope, receive, send")
    fitting = [count for count in _BY_ARGUMENTS if _takes(app, count)]
    if len(fitting) > 1:
        fitting = [count for count in fitting if count == _required(app)]
        if not fitting:
            raise AppImportError(
                f"{_name(app)} takes any number of arguments, so that its interface cannot be told; "
                "say which with --interface asgi3, asgi2 or wsgi"
            )
    if fitting:
        return _BY_ARGUMENTS[fitting[0]]
    if _has_handle(app):
        return Interface.SYNC
    if _takes(app, 0):
        raise AppImportError(f"{_name(app)} takes no arguments; if it makes the application, use --factory")
    raise AppImportError(
        f"{_name(app)} takes neither the arguments of ASGI 3 (scope, receive, send), nor those of WSGI (environ, "
        "start_response), nor one scope"
    )


def _has_handle(app: object) -> bool:
    """Whether it has the method of a SyncApp: one that takes a request and does not return a coroutine."""
    handle = getattr(app, "handle", None)
    return callable(handle) and not is_coroutine_callable(handle) and _takes(handle, 1)


def _hint(app: object) -> str:
    if callable(getattr(app, "handle", None)):
        return "; the handle() of a SyncApp takes a request, and is no coroutine function"
    return ""


def _required(app: Callable[..., Any]) -> int | None:
    """How many positional arguments it cannot do without; None if it takes any number or cannot be inspected."""
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    return sum(
        one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) and one.default is one.empty for one in parameters
    )


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


def is_coroutine_callable(app: object) -> bool:
    """Whether calling it gives a coroutine for certain."""
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
