"""Whether a server lives, and whether it is ready to be sent requests: answered before any other work.

Live: the loop answers. Ready: the server says so, which is when its start-up is done, it is not draining and its
workers turn (`ServerHealth`), and so do all the checks that the application has added (``health_registry``). The answer
is JSON and is never stored by caches:

    {"status": "unavailable", "checks": {"server": {"status": "failed", "detail": "draining"}}}
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, Self

from pounce_middleware.health_registry import CheckResult, HealthRegistry, health_checks
from pounce_middleware.root_path import path_below_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.health_settings import HealthSettings

__all__ = ["HealthMiddleware", "ServerHealth"]


class ServerHealth(Protocol):
    """What a server knows about itself. Called for each question, from any thread: it must not wait."""

    def ready(self) -> bool:
        """Whether requests should be sent here."""

    def reasons(self) -> Sequence[str]:
        """Why not, in a few words that anybody may read; nothing when it is ready."""


class HealthMiddleware:
    """Answers on two paths. Any number of loops may call it at once."""

    __slots__ = ("_app", "_live_path", "_ready_path", "_registry", "_server")

    def __init__(
        self,
        app: AnyApplication,
        *,
        server: ServerHealth | None = None,
        registry: HealthRegistry = health_checks,
        live_path: str = "/healthz",
        ready_path: str = "/readyz",
    ) -> None:
        """Without a ``server`` that knows better, one that answers is ready."""
        self._app = app
        self._server = server
        self._registry = registry
        self._live_path = live_path
        self._ready_path = ready_path

    @classmethod
    def from_settings(
        cls, app: AnyApplication, settings: HealthSettings, *, server: ServerHealth | None = None
    ) -> Self:
        """As the settings say."""
        return cls(app, server=server, live_path=settings.health_check_path, ready_path=settings.ready_check_path)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer a question about health, or pass a request on."""
        if scope["type"] != "http" or (path := path_below_root(scope)) not in (self._live_path, self._ready_path):
            await self._app(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, {"status": "method not allowed"}, allow=True)
        elif path == self._live_path:
            await _answer(send, 200, {"status": "live"})
        else:
            results = self._server_result() | await self._registry.results()
            if all(result.ok for result in results.values()):
                await _answer(send, 200, {"status": "ready", "checks": _shown(results)})
            else:
                await _answer(send, 503, {"status": "unavailable", "checks": _shown(results)})

    def _server_result(self) -> dict[str, CheckResult]:
        server = self._server
        if server is None or server.ready():
            return {"server": CheckResult(True)}
        return {"server": CheckResult(False, ", ".join(server.reasons()))}


def _shown(results: dict[str, CheckResult]) -> dict[str, dict[str, str]]:
    return {
        name: {"status": "ok"} if result.ok else {"status": "failed", "detail": result.detail}
        for name, result in results.items()
    }


async def _answer(send: ASGISendCallable, status: int, body: dict[str, Any], *, allow: bool = False) -> None:
    """The body is sent for HEAD, too: the server leaves it out."""
    data = json.dumps(body).encode() + b"\n"
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(data)),
        (b"cache-control", b"no-store"),
    ]
    if allow:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
