"""Applications behind limits, each made anew by a function, so that a test begins with a fresh limit. What worker
processes import by name is at the end: each of two has its part.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from pounce_middleware import (
    ClientGoneMiddleware,
    HealthMiddleware,
    HealthRegistry,
    LoadShedder,
    LoadSheddingMiddleware,
    RateLimiter,
    RateLimitMiddleware,
    RequestTimeoutMiddleware,
    parse_rate,
)

__all__ = ["cancelled", "deadlined", "healthy", "hello", "rate_limited", "shed", "stored"]


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once, or as its path says: /slow waits, /begun begins and waits, /ws is a WebSocket."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
    else:
        await _answer(scope["path"], send)


async def _answer(path: str, send: Any) -> None:
    if path == "/slow":
        await asyncio.sleep(60)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    if path == "/begun":
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await asyncio.sleep(60)
    await send({"type": "http.response.body", "body": b"hello"})


def rate_limited(requests: int = 6) -> Any:
    """So many requests an hour, with fields."""
    return RateLimitMiddleware(hello, limiter=RateLimiter(f"{requests}/h", clients=1024), fields=True)


def shed(limit: int, queue: int, app: Any = hello) -> Any:
    """So many requests at once, so many waiting."""
    return LoadSheddingMiddleware(app, shedder=LoadShedder(limit, queue=queue), exempt_paths=["/free"])


def deadlined() -> Any:
    """A third of a second for each response."""
    return RequestTimeoutMiddleware(hello, timeout=0.3)


def cancelled(events: Any) -> Any:
    """``events(name)`` is told when the application has begun to wait, and when it is cancelled."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/wait":
            await hello(scope, receive, send)
            return
        events("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            events("cancelled")
            raise

    return ClientGoneMiddleware(app)


def healthy(server: Any) -> Any:
    """With a check that is always well."""
    registry = HealthRegistry()
    registry.add("database", lambda: True)
    return HealthMiddleware(hello, server=server, registry=registry)


processes = RateLimitMiddleware(hello, limiter=RateLimiter("6/h", clients=1024, share=2))


def stored() -> Any:
    """Six requests an hour, counted in the Redis that the environment names: a factory, for worker processes too."""
    from pounce_middleware.redis_store import RedisRateStore

    store = RedisRateStore(os.environ["TEST_REDIS_URL"], parse_rate("6/h"), 6, timeout=30.0)
    return RateLimitMiddleware(hello, limiter=RateLimiter("6/h", store=store))
