"""Middleware of the user's own, around an application that is served."""

from __future__ import annotations

from typing import Any

from pounce.middleware_values import MiddlewareUse
from pounce_testing import TestServer


class Marking:
    """Adds a field with its mark, which shows the order."""

    def __init__(self, app: Any, mark: str = "plain") -> None:
        self.app, self.mark = app, mark

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-mark", self.mark.encode())]}
            await send(message)

        await self.app(scope, receive, marked)


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


def test_the_first_is_the_outermost() -> None:
    settings: dict[str, Any] = {"middleware": (MiddlewareUse(Marking, (("mark", "outer"),)), Marking)}
    with TestServer(hello, **settings) as server, server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = client.read_response()
    assert [value for name, value in answer.headers if name.lower() == b"x-mark"] == [b"plain", b"outer"]
