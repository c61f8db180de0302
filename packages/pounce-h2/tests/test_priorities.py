"""Priorities on a connection: the order of responses (RFC 9218, 7 and 10)."""

from __future__ import annotations

from frame_cases import frame, headers
from h2_doubles import GET, Conversation, converse

from pounce_h2 import Priority


async def big(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": bytes(200_000)})  # type: ignore[operator]


def test_priorities_order_responses() -> None:
    """By the header field, and by PRIORITY_UPDATE frames before and after the request."""

    async def scenario() -> None:
        talk = Conversation(big)
        talk.credit = False
        await talk.talk()
        low = talk.begin([*GET, (b"priority", b"u=6")])
        high = talk.begin([*GET, (b"priority", b"u=1")])
        await talk.talk()
        talk.client.increment_flow_control_window(10**6, low)
        talk.client.increment_flow_control_window(10**6, high)
        talk.client.increment_flow_control_window(100_000)
        await talk.talk()
        # Each began with what the window of the connection left; what it is given later goes to the more urgent.
        before = len(talk.answer(high).body)
        assert before >= 100_000
        await talk.send(b"\0\0\x07\x10\0\0\0\0\0\0\0\0" + bytes([low]) + b"u=0")
        talk.client.increment_flow_control_window(50_000)
        await talk.talk()
        assert len(talk.answer(high).body) == before
        later = talk.client.get_next_available_stream_id()
        await talk.send(b"\0\0\x07\x10\0\0\0\0\0\0\0\0" + bytes([later]) + b"u=0")
        assert talk.begin(GET) == later
        await talk.talk()
        assert talk.connection.streams[later].priority.urgency == 0

    converse(scenario)


def test_streams_without_priorities_share() -> None:
    async def scenario() -> None:
        talk = Conversation(big)
        talk.credit = False
        await talk.talk()
        one, two = talk.begin(GET), talk.begin(GET)
        for stream in (one, two):
            talk.client.increment_flow_control_window(10**6, stream)
        await talk.talk()
        talk.client.increment_flow_control_window(16_384 * 10)
        await talk.talk()
        assert abs(len(talk.answer(one).body) - len(talk.answer(two).body)) <= 65_535 + 16_384
        assert len(talk.answer(two).body) >= 16_384 * 4

    converse(scenario)


def test_priorities_of_streams_that_are_never_opened_make_room() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        await talk.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
        for stream_id in range(1, 1001, 2):
            talk.connection.data_received(frame(0x10, 0, 0, stream_id.to_bytes(4, "big") + b"u=0" + b" " * 9000))
        assert len(talk.connection._early_priorities) == 128
        await talk.send(headers(999), frame(0x10, 0, 0, (1001).to_bytes(4, "big") + b"u=1"))
        assert talk.connection._early_priorities == {1001: Priority(1, False)}

    converse(scenario)
