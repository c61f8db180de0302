"""Introspection over HTTP: what is asked here is answered by every process of the server, as JSON.

A plain ASGI application. It knows nothing of workers: `gather` asks them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from pounce_observability.introspection.arguments import arguments_of
from pounce_observability.introspection.guards import Guards
from pounce_observability.introspection.traffic import traffic_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pounce_observability.introspection.settings import IntrospectionSettings

    Gather = Callable[[str, dict[str, Any], float], list[dict[str, Any]]]
    Application = Callable[[Any, Any, Any], Awaitable[None]]

__all__ = ["PREFIX", "IntrospectionApp"]

logger = logging.getLogger("pounce.server")

PREFIX: Final = "/_pounce/"

QUESTIONS: Final = ("info", "workers", "connections", "tasks")

PATIENCE: Final = 2.0
"""Seconds for a process beyond those that its loops may take."""

TOP_TIMEOUT: Final = 0.25
"""Seconds for a loop to answer what is asked every second."""

_FIELDS: Final = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class IntrospectionApp:
    """Answers GET on ``/_pounce/``. Immutable; its requests may be served by any number of threads."""

    def __init__(
        self,
        *,
        gather: Gather,
        settings: IntrospectionSettings,
        config: Mapping[str, Any] | None = None,
        info: Mapping[str, Any] | None = None,
        metrics: Callable[[], Mapping[str, Any]] | None = None,
        also: Mapping[str, Application] | None = None,
    ) -> None:
        """``gather(question, arguments, timeout)`` asks every process, and blocks. ``config`` is shown as it is: what
        is secret in it is hidden already. ``info`` is said of the server as a whole. ``metrics()`` gives its numbers
        (``MetricsTotals.collect``), and blocks. ``also`` are further applications by their names under ``/_pounce/``,
        which have methods of their own.
        """
        self._gather = gather
        self._guards = Guards(settings)
        self._config = dict(config or {})
        self._info = dict(info or {})
        self._metrics = metrics
        self._also = dict(also or {})
        self._names = (*QUESTIONS, "config", "top", *self._also)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request, or the lifespan."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if refusal := self._guards.refusal(scope):
            await _send(scope, send, 403, {"error": refusal})
            return
        path = scope["path"]
        name = path.removeprefix(PREFIX) if path.startswith(PREFIX) else ""
        if name in self._also:
            await self._also[name](scope, receive, send)
        elif name not in self._names:
            there = [PREFIX + one for one in self._names]
            await _send(scope, send, 404, {"error": "there is nothing here", "there_is": there})
        elif scope["method"] not in ("GET", "HEAD"):
            await _send(scope, send, 405, {"error": "only GET and HEAD"}, (b"allow", b"GET, HEAD"))
        else:
            await self._answer_question(name, scope, send)

    async def _answer_question(self, name: str, scope: Any, send: Any) -> None:
        try:
            arguments = arguments_of(scope.get("query_string", b""))
        except ValueError as error:
            await _send(scope, send, 400, {"error": str(error)})
            return
        if name == "config":
            await _send(scope, send, 200, {"config": self._config})
            return
        try:
            # In a thread: it waits for other threads, and for other processes.
            value = await asyncio.to_thread(self._top if name == "top" else self._ask, name, arguments)
        except Exception as error:
            logger.exception("The question %r could not be answered", name)
            await _send(scope, send, 503, {"error": f"{type(error).__name__}: {error}"})
            return
        await _send(scope, send, 200, value)

    def _ask(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """In a thread that may block."""
        answers = self._gather(name, arguments, arguments.get("timeout", 1.0) + PATIENCE)
        return (self._info if name == "info" else {}) | {"processes": answers}

    def _top(self, _name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What a view that is renewed every second needs, in one answer. In a thread that may block."""
        quick = {"timeout": TOP_TIMEOUT} | arguments
        patience = quick["timeout"] + PATIENCE
        slowest = {"limit": 20, "stacks": False, "others": False} | quick
        metrics = self._metrics
        return {
            "time": time.time(),
            "monotonic": time.monotonic(),
            "info": self._info,
            "processes": self._gather("workers", quick, patience),
            "requests": self._gather("tasks", slowest, patience),
            "traffic": traffic_of(metrics()["families"]) if metrics is not None else None,
        }


async def _send(scope: Any, send: Any, status: int, value: Any, *fields: tuple[bytes, bytes]) -> None:
    body = json.dumps(value, indent=2).encode() + b"\n"
    headers = [*_FIELDS, (b"content-length", str(len(body)).encode()), *fields]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _live(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
