"""What waits for an application: order, bounds, and room again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pounce_asgi.websocket_inbox import QUEUE_BYTES, WebSocketInbox


def text(content: str) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": content}


class Awaited(WebSocketInbox):
    def _new_future(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()


def listening(max_queue: int) -> WebSocketInbox:
    inbox = WebSocketInbox(max_queue)
    inbox.listening = True
    return inbox


def test_nothing_is_kept_for_who_does_not_listen() -> None:
    inbox = WebSocketInbox(1)
    assert inbox.message_received(text("a"), 1) is False
    assert not inbox.messages


@pytest.mark.parametrize(("max_queue", "room_at"), [(1, 0), (2, 1), (5, 2), (32, 16)])
def test_room_again_when_half_of_it_is_free(max_queue: int, room_at: int) -> None:
    inbox = listening(max_queue)
    full = [inbox.message_received(text(f"{i}"), 1) for i in range(max_queue)]
    assert full == [False] * (max_queue - 1) + [True]
    room = []
    for i in range(max_queue):
        assert inbox.take() == text(f"{i}")
        if inbox.has_room_again():
            room.append(len(inbox.messages))
    assert room == [room_at]


def test_bytes_count_as_well_as_messages() -> None:
    inbox = listening(100)
    part = QUEUE_BYTES // 4
    data: dict[str, Any] = {"type": "websocket.receive", "bytes": bytes(part)}
    assert [inbox.message_received(data, part) for _ in range(4)] == [False, False, False, True]
    inbox.take()
    assert not inbox.has_room_again()
    inbox.take()
    assert inbox.has_room_again()
    assert not inbox.has_room_again()


def test_a_large_message_is_wanted_by_who_waits() -> None:
    """What was kept back until then is asked for once, by whoever waits first."""

    async def main() -> None:
        inbox = Awaited(2)
        inbox.listening = True
        assert not inbox.wants_message()
        assert inbox.waits_for_more()
        assert not inbox.waits_for_more()
        waiting = asyncio.ensure_future(inbox.news())
        assert inbox.wants_message()
        waiting.cancel()
        assert not inbox.wants_message(), "who has given up waits no more"
        inbox.discard()
        assert inbox.wants_message(), "it will be dropped"

    asyncio.run(main())


def test_what_is_discarded_makes_room() -> None:
    inbox = listening(1)
    assert inbox.message_received(text("a"), 1)
    inbox.discard()
    assert not inbox.messages
    assert inbox.message_received(text("b"), 1) is False
