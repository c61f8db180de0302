"""A server that is asked nothing but prepared questions, and requests without a socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pounce_observability.introspection import IntrospectionApp, IntrospectionSettings

LOOPBACK = ("127.0.0.1", 9700)


class Gathering:
    """Remembers what was asked; answers for two processes, one of which is gone."""

    def __init__(self, **values: Any) -> None:
        self.asked: list[tuple[str, dict[str, Any], float]] = []
        self.values = values

    def __call__(self, name: str, arguments: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
        self.asked.append((name, arguments, timeout))
        if isinstance(self.values.get(name), Exception):
            raise self.values[name]
        living = {"pid": 1, "worker_id": 0, "generation": 1, "alive": True, "value": self.values.get(name)}
        return [living, {"pid": 2, "worker_id": 1, "generation": 1, "alive": False, "value": None}]


def new_app(gather: Any = None, settings: IntrospectionSettings | None = None, **options: Any) -> IntrospectionApp:
    return IntrospectionApp(gather=gather or Gathering(), settings=settings or IntrospectionSettings(), **options)


class Answer:
    """What an application has sent."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        start, body = messages
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body: bytes = body["body"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    app: Any,
    path: str,
    *fields: tuple[str, str],
    method: str = "GET",
    host: str | None = "localhost:9700",
    server: Any = LOOPBACK,
    client: Any = ("127.0.0.1", 50000),
) -> Answer:
    """One request."""
    path, _, query = path.partition("?")
    headers = [(name.encode(), value.encode()) for name, value in fields]
    if host is not None:
        headers.append((b"host", host.encode()))
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": headers,
        "server": server,
        "client": client,
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return Answer(sent)
