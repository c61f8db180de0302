"""What is answered about the health of a server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgi_calls import Call, answering, http_scope, websocket_scope

from pounce_middleware import HealthMiddleware, HealthRegistry, HealthSettings


class Server:
    """A server's health, as told."""

    def __init__(self, *reasons: str) -> None:
        self.because = reasons

    def ready(self) -> bool:
        return not self.because

    def reasons(self) -> tuple[str, ...]:
        return self.because


def ask(path: str, registry: HealthRegistry | None = None, server: Any = None, method: str = "GET") -> Call:
    app = HealthMiddleware(answering, server=server, registry=registry or HealthRegistry())
    return asyncio.run(Call(http_scope(path, method=method)).run(app))


def test_live() -> None:
    answer = ask("/healthz", server=Server("draining"))
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "live"})
    assert answer.fields == {
        b"content-type": b"application/json",
        b"content-length": b"%d" % len(answer.body),
        b"cache-control": b"no-store",
    }


def test_ready() -> None:
    ready = {"status": "ready", "checks": {"server": {"status": "ok"}}}
    for server in (None, Server()):
        answer = ask("/readyz", server=server)
        assert (answer.status, json.loads(answer.body)) == (200, ready)
        assert answer.fields[b"cache-control"] == b"no-store"


def test_not_ready() -> None:
    registry = HealthRegistry()
    registry.add("database", lambda: True)
    answer = ask("/readyz", registry, Server("draining", "worker 2 does not turn"))
    assert answer.status == 503
    assert json.loads(answer.body) == {
        "status": "unavailable",
        "checks": {
            "server": {"status": "failed", "detail": "draining, worker 2 does not turn"},
            "database": {"status": "ok"},
        },
    }


def test_one_check_that_fails_is_enough() -> None:
    registry = HealthRegistry()
    registry.add("well", lambda: None)
    registry.add("ill", lambda: "no replica")
    answer = ask("/readyz", registry)
    assert answer.status == 503
    assert json.loads(answer.body)["checks"]["ill"] == {"status": "failed", "detail": "no replica"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_methods(path: str) -> None:
    assert ask(path, method="HEAD").status == 200
    refused = ask(path, method="POST")
    assert (refused.status, refused.fields[b"allow"]) == (405, b"GET, HEAD")


def test_everything_else_is_the_applications() -> None:
    for scope in (http_scope("/"), http_scope("/healthz/"), http_scope("/healthzz")):
        assert asyncio.run(Call(scope).run(HealthMiddleware(answering))).body == b"hello"
    socket = asyncio.run(Call(websocket_scope("/healthz")).run(HealthMiddleware(answering)))
    assert socket.sent == [{"type": "websocket.accept"}]
    lifespan = Call({"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert len(asyncio.run(lifespan.run(HealthMiddleware(answering))).sent) == 2


def test_settings() -> None:
    settings = HealthSettings(health_checks=True, health_check_path="/live", ready_check_path="/ready")
    app = HealthMiddleware.from_settings(answering, settings, server=Server("starting"))
    statuses = [asyncio.run(Call(http_scope(path)).run(app)).status for path in ("/live", "/ready", "/healthz")]
    assert statuses == [200, 503, 200]
    with pytest.raises(ValueError, match="health_check_path: 'live' does not begin with a slash"):
        HealthSettings(health_check_path="live")
    with pytest.raises(ValueError, match="ready_check_path: '/x' is health_check_path, too"):
        HealthSettings(health_check_path="/x", ready_check_path="/x")
