"""An application that ends the process: what was answered by then still goes out, as over HTTP/1.1."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest
from frame_cases import SETTINGS, frame, headers
from h2_doubles import GET, PREFACE, Conversation, hello
from hpack import Decoder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

INTERNAL = 2
START = {"type": "http.response.start", "status": 200, "headers": []}
PART = {"type": "http.response.body", "body": b"part", "more_body": True}


async def at_once(_receive: Any, _send: Any) -> None:
    raise SystemExit(3)


async def later(_receive: Any, _send: Any) -> None:
    await asyncio.sleep(0)
    raise SystemExit(3)


async def midway(_receive: Any, send: Any) -> None:
    await send(START)
    await send(PART)
    raise SystemExit(3)


async def midway_later(_receive: Any, send: Any) -> None:
    await send(START)
    await send(PART)
    await asyncio.sleep(0)
    raise SystemExit(3)


async def answered(_receive: Any, send: Any) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": bytes(40_000)})
    raise SystemExit(3)


Ending = tuple[list[int], int, int | None]
"""Statuses, size of the body, code of the reset."""


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (at_once, ([500], 26, None)),
        (later, ([500], 26, None)),
        (midway, ([200], 4, INTERNAL)),
        (midway_later, ([200], 4, INTERNAL)),
        (answered, ([200], 40_000, None)),
    ],
)
def test_what_was_answered_goes_out(
    part: Callable[[Any, Any], Awaitable[None]], wanted: Ending, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    conversations: list[Conversation] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (part(receive, send) if scope["path"] == "/end" else hello(scope, receive, send))

    async def scenario() -> None:
        conversations.append(talk := Conversation(app, raw=True))
        end = [*GET[:2], (b":path", b"/end"), GET[3]]
        talk.connection.data_received(PREFACE + frame(SETTINGS, 0, 0) + headers(1) + headers(3, end))
        await asyncio.Event().wait()

    try:
        main = loop.create_task(scenario())
        with pytest.raises(SystemExit):
            loop.run_until_complete(main)
        # The end of a task is told in the next turn, and it may be the last.
        if sys.version_info < (3, 12) or part in (later, midway_later):
            loop.call_soon(loop.stop)
            loop.run_forever()
        (talk,) = conversations
        assert outcome(talk, 1) == ([200], 7, None), "the request before it, in the same read"
        assert outcome(talk, 3) == wanted
    finally:
        main.cancel()
        loop.run_until_complete(asyncio.gather(main, return_exceptions=True))
        loop.close()


def outcome(talk: Conversation, stream_id: int) -> Ending:
    decoder = Decoder()
    statuses, size, reset = [], 0, None
    for one in talk.frames():
        if one.type == 1:
            fields = dict(decoder.decode(one.data, raw=True))  # type: ignore[attr-defined]
            if one.stream_id == stream_id:
                statuses.append(int(fields[b":status"]))
        elif one.stream_id == stream_id and one.type == 0:
            size += len(one.data)  # type: ignore[attr-defined]
        elif one.stream_id == stream_id and one.type == 3:
            reset = one.error_code  # type: ignore[attr-defined]
    return statuses, size, reset
