"""A failed request is answered through the chain, and the failure goes on to the log."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pounce.failure_answer import BODY, FailureAnswer
from pounce_asgi import ClientGone


async def fails(scope: Any, receive: Any, send: Any) -> None:
    raise ZeroDivisionError


async def fails_late(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200})
    raise ZeroDivisionError


async def is_left(scope: Any, receive: Any, send: Any) -> None:
    raise ClientGone("the client has disconnected")


@pytest.mark.parametrize(
    ("app", "kind", "error", "sent"),
    [
        (fails, "http", ZeroDivisionError, [500, BODY]),
        (fails_late, "http", ZeroDivisionError, [200]),
        (is_left, "http", ClientGone, []),
        (fails, "websocket", ZeroDivisionError, []),
        (fails, "lifespan", ZeroDivisionError, []),
    ],
)
def test_what_is_answered(app: Any, kind: str, error: type[Exception], sent: list[Any]) -> None:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message.get("status", message.get("body")))

    async def main() -> None:
        with pytest.raises(error):
            await FailureAnswer(app)({"type": kind}, None, send)

    asyncio.run(main())
    assert messages == sent
