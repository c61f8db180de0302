"""A blocking application as an ASGI 3 one: each request is handled in a thread, where no event loop is visible.

``asyncio.run()``, Django's ORM and ``async_to_sync`` work there. The number of threads is bounded, and so is the queue
before them: what is too much, or waits for too long, is answered 503.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from pounce_asgi.blocking_pool import BlockingPool, PoolFull
from pounce_asgi.errors import ServiceUnavailable
from pounce_asgi.lifted_call import LiftedCall
from pounce_asgi.naming import request_name
from pounce_asgi.settings import LiftSettings

if TYPE_CHECKING:
    from pounce_asgi.sync_app import SyncHandler
    from pounce_asgi.types import ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["LiftedApplication"]

logger = logging.getLogger("pounce.error")


class LiftedApplication:
    """An ASGI 3 application around a `SyncHandler`. May be shared by several event loops: they share its threads."""

    def __init__(self, handler: SyncHandler, settings: LiftSettings | None = None) -> None:
        settings = settings or LiftSettings()
        self._handler = handler
        self._timeout = settings.timeout_sync_queue
        self.pool = BlockingPool(settings.sync_threads, settings.limit_sync_queue)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve a request, or answer a lifespan: such an application has nothing of its own to start.

        Raises:
            ValueError: the scope is of a type that no blocking application can serve.
        """
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})  # before the handshake: 403
        else:
            raise ValueError(f"an application that blocks cannot serve {scope['type']!r}")

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        call = LiftedCall(self._handler, scope, receive, send)
        job = partial(copy_context().run, call.run)
        taken_back = False

        def give_up() -> None:
            nonlocal taken_back
            if self.pool.withdraw(job):
                taken_back = True
                call.give_up()

        try:
            self.pool.submit(job)
        except PoolFull:
            await _refuse(scope, send, "too many requests wait for a thread")
            return
        timer = asyncio.get_running_loop().call_later(self._timeout, give_up)
        try:
            await call.serve()
        except BaseException:
            self.pool.withdraw(job)  # cancelled while it waited: it must not run for nobody
            raise
        finally:
            timer.cancel()
        if taken_back:
            await _refuse(scope, send, f"no thread was free within {self._timeout:g} seconds")

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        self.pool.release()
        await send({"type": "lifespan.shutdown.complete"})


async def _refuse(scope: Any, send: Any, why: str) -> None:
    error = ServiceUnavailable(why)
    logger.warning("Refused %s: %s", request_name(scope["method"], scope["path"].encode()), why)
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"retry-after", b"%d" % error.retry_after),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"503 Service Unavailable\n"})
