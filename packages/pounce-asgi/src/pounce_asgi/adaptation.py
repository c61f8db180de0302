"""Any application as one callable: ASGI 3 for workers with an event loop, a `SyncHandler` for workers that block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_asgi.interfaces import Interface, is_coroutine_callable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.lifted_application import LiftedApplication
    from pounce_asgi.settings import LiftSettings
    from pounce_asgi.sync_app import SyncHandler
    from pounce_asgi.types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["adapt", "lift", "sync_handler"]


def adapt(app: Any, interface: Interface) -> ASGI3Application:
    """The application as a callable that returns a coroutine when called with scope, receive and send.

    A coroutine function is returned as it is, so the usual application pays nothing. One that blocks is lifted, with
    the settings that ``lift()`` has by itself.
    """
    if interface.blocking:
        return lift(app, interface)
    if interface is Interface.ASGI2:
        return _from_double_callable(app)
    if is_coroutine_callable(app):
        return app  # type: ignore[no-any-return]
    return _from_awaitable(app)


def lift(
    app: Any, interface: Interface, settings: LiftSettings | None = None, *, multiprocess: bool = False
) -> LiftedApplication:
    """A SyncApp or WSGI application as an ASGI one that handles each request in one of a bounded number of threads.

    ``multiprocess`` is told to WSGI applications: other processes may serve the same application at the same time.

    Raises:
        ValueError: the interface is not one that blocks.
    """
    from pounce_asgi.lifted_application import LiftedApplication  # here: most applications need none of it

    return LiftedApplication(sync_handler(app, interface, multiprocess=multiprocess), settings)


def sync_handler(app: Any, interface: Interface, *, multiprocess: bool = False) -> SyncHandler:
    """What a blocking worker calls for each request; the ``app`` of the context of its exchanges.

    Raises:
        ValueError: the interface is not one that blocks.
    """
    # Each here, because a server has one kind of application.
    if interface is Interface.SYNC:
        from pounce_asgi.sync_app import SyncAppHandler

        return SyncAppHandler(app)
    if interface is Interface.WSGI:
        from pounce_asgi.wsgi import WsgiHandler

        return WsgiHandler(app, multiprocess=multiprocess)
    raise ValueError(f"{interface.value} applications do not block: they are called by an event loop")


def _from_double_callable(app: Callable[..., Any]) -> ASGI3Application:
    async def asgi3(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        instance = app(scope)
        await instance(receive, send)

    return asgi3


def _from_awaitable(app: Callable[..., Any]) -> ASGI3Application:
    async def asgi3(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await app(scope, receive, send)

    return asgi3
