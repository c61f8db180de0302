"""The path below where a server is mounted, and that exempt paths and those of health mean it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi_calls import Call, answering, http_scope

from pounce_middleware import (
    AllowedHostsMiddleware,
    HealthMiddleware,
    LoadShedder,
    LoadSheddingMiddleware,
    RateLimiter,
    RateLimitMiddleware,
    RequestTimeoutMiddleware,
)
from pounce_middleware.root_path import below, path_below_root

# Path of the scope, its root path, what is below it.
PATHS = [
    ("/healthz", "", "/healthz"),
    ("/api/healthz", "", "/api/healthz"),
    ("/api/healthz", "/api", "/healthz"),
    ("/api/healthz", "/api/", "/healthz"),
    ("/api/api/healthz", "/api", "/healthz"),
    ("/healthz", "/api", "/healthz"),
    ("/apis/healthz", "/api", "/apis/healthz"),
    ("/api", "/api", "/"),
    ("/api/", "/api", "/"),
    ("/a/b/x", "/a/b", "/x"),
]


@pytest.mark.parametrize(("path", "root_path", "expected"), PATHS)
def test_paths(path: str, root_path: str, expected: str) -> None:
    assert path_below_root(http_scope(path, root_path=root_path)) == expected


def test_without_a_root_path() -> None:
    scope = http_scope("/x")
    del scope["root_path"]
    assert path_below_root(scope) == "/x"


def test_below_takes_it_away_once() -> None:
    assert below("/api/api/x", "/api") == "/api/x"
    assert below("/api", "/api/") == ""


# As the server was asked for it, whether it is the one that is meant.
ASKED = [("/healthz", True), ("/api/healthz", True), ("/apihealthz", False), ("/x/healthz", False)]


@pytest.mark.parametrize(("asked", "meant"), ASKED)
def test_who_means_it(asked: str, meant: bool) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        await answering(scope, receive, send)

    async def status(app: Any, calls: int = 1) -> int | None:
        scopes = [http_scope(f"/api{asked}", root_path="/api") for _ in range(calls)]
        results = [await Call(scope).run(app) for scope in scopes]
        return results[-1].status

    async def main() -> None:
        health = HealthMiddleware(answering)
        call = await Call(http_scope(f"/api{asked}", root_path="/api")).run(health)
        assert (b"live" in call.body) is meant
        paths = ("/healthz",)
        limiter = RateLimiter("1/h", clients=1024)
        assert await status(RateLimitMiddleware(answering, limiter=limiter, exempt_paths=paths), 2) == (
            200 if meant else 429
        )
        shedder = LoadShedder(1, queue=0)
        shedder.enter()
        shed = LoadSheddingMiddleware(answering, shedder=shedder, exempt_paths=paths)
        assert await status(shed) == (200 if meant else 503)
        timed = RequestTimeoutMiddleware(slow, timeout=0.001, exempt_paths=paths)
        assert await status(timed) == (200 if meant else 504)
        hosts = AllowedHostsMiddleware(answering, allowed_hosts=("a.example",), exempt_paths=paths)
        assert await status(hosts) == (200 if meant else 400)

    asyncio.run(main())
