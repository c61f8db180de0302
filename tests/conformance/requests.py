"""What the tests of the specification share: one request, its answer, and applications that remember."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_testing import Response, TestServer
    from pounce_testing.fixtures import Serve

__all__ = ["GET", "WAIT_SECONDS", "Scopes", "answer", "ask", "body", "sent", "start"]

GET: Final = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
WAIT_SECONDS: Final = 20.0
"""How long anything waits for its counterpart: far longer than it takes, short enough to fail."""


def ask(server: TestServer, request: bytes = GET) -> Response:
    """The answer to one request on a connection of its own."""
    with server.connect() as client:
        client.send(request)
        return client.read_response(request.partition(b" ")[0].decode("ascii"))


def start(*headers: tuple[bytes, bytes], status: int = 200, **more: Any) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers), **more}


def body(content: bytes = b"", more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def answer(send: Any, content: bytes = b"") -> None:
    """A whole response."""
    await send(start())
    await send(body(content))


def sent(serve: Serve, *messages: dict[str, Any], request: bytes = GET) -> Response:
    """The answer of an application that sends these messages, none of which may raise."""
    done = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        done.set()

    response = ask(serve(app, lifespan="off"), request)
    assert done.wait(WAIT_SECONDS), "a message was refused"
    return response


class Scopes:
    """An application that keeps the scope of each request and answers with nothing."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        self.seen.append(scope)
        await answer(send)

    @property
    def only(self) -> dict[str, Any]:
        (scope,) = self.seen
        return scope
