"""An application that ends the process: what was answered by then is still with the engine, and is flushed."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest
from h3_doubles import GET, Conversation, headers, hello

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

INTERNAL = 0x102
START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}


async def at_once(_receive: Any, _send: Any) -> None:
    raise SystemExit(3)


async def later(_receive: Any, _send: Any) -> None:
    await asyncio.sleep(0)
    raise SystemExit(3)


async def midway(_receive: Any, send: Any) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": b"part", "more_body": True})
    raise SystemExit(3)


async def answered(_receive: Any, send: Any) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": bytes(10_000)})
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (at_once, (500, True, None)),
        (later, (500, True, None)),
        (midway, (0, False, INTERNAL)),
        (answered, (200, True, None)),
    ],
)
def test_what_was_answered_goes_out(
    part: Callable[[Any, Any], Awaitable[None]], wanted: tuple[int, bool, int | None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    conversations: list[Conversation] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (part(receive, send) if scope["path"] == "/end" else hello(scope, receive, send))

    async def scenario() -> None:
        conversations.append(talk := Conversation(app))
        talk.connection.stream_received(0, headers(GET), True)
        talk.connection.stream_received(4, headers([*GET[:2], (b":path", b"/end"), GET[3]]), True)
        await asyncio.Event().wait()

    try:
        main = loop.create_task(scenario())
        with pytest.raises(SystemExit):
            loop.run_until_complete(main)
        # The end of a task is told in the next turn, and it may be the last.
        if sys.version_info < (3, 12) or part is later:
            loop.call_soon(loop.stop)
            loop.run_forever()
        (talk,) = conversations
        talk.quic.user = talk.connection
        talk.quic.leave()
        assert talk.answer(0).body == b"hello /", "the request before it"
        answer = talk.answer(4)
        assert (answer.status, answer.ended, answer.reset) == wanted
    finally:
        main.cancel()
        loop.run_until_complete(asyncio.gather(main, return_exceptions=True))
        loop.close()
