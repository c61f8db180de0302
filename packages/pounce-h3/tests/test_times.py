"""Times that pass, floods, and connections that are to leave (RFC 9114, 5 and 10.5)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from h3_doubles import (
    CONTROL,
    DECODER,
    ENCODER,
    GET,
    POST,
    Conversation,
    block,
    converse,
    data,
    frame,
    headers,
    hello,
    turns,
)

from pounce_h3.varint import encode_varint

NO_ERROR, LOAD, REJECTED, INCOMPLETE = 0x100, 0x107, 0x10B, 0x10D
ENDLESS = encode_varint(0x21) + encode_varint(2**40)
ALL = 2**62 - 4
START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}


async def wait_for_end(scope: Any, receive: Any, send: Any) -> None:
    """Answers once the body is complete; nothing if it is cut off."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message["more_body"]:
            await hello(scope, receive, send)
            return


# -- deadlines -------------------------------------------------------------------------------------------------------


def test_an_idle_connection_is_closed() -> None:
    async def scenario() -> None:
        talk = Conversation()
        await talk.ask()
        await talk.pass_time(74)
        assert talk.quic.closed is None
        await talk.pass_time(2)
        assert talk.quic.closed == (NO_ERROR, "")
        assert talk.goaways == [4]
        await turns()
        assert talk.host.closed == [(talk.connection, None)]

    converse(scenario)


@pytest.mark.parametrize("sent", [b"", b"\x01", headers(GET)[:-1], b"\x21\x05ab"])
def test_a_head_that_trickles_in(sent: bytes) -> None:
    """The clock is not set anew by each byte. The others are not disturbed."""

    async def scenario() -> None:
        talk = Conversation()
        await talk.send(0, sent)
        for _ in range(8):
            await talk.pass_time(1)
            await talk.send(0, b"")
        assert not talk.quic.resets
        talk.next_id = 4
        assert (await talk.ask()).status == 200
        await talk.pass_time(3)
        assert talk.quic.resets == {0: INCOMPLETE}
        assert talk.quic.stops == {0: INCOMPLETE}
        assert talk.connection.idle
        assert (await talk.ask()).status == 200

    converse(scenario)


def test_a_body_that_stalls() -> None:
    async def scenario() -> None:
        talk = Conversation(wait_for_end)
        await talk.send(0, headers(POST), data(b"abc"))
        await talk.pass_time(29)
        assert talk.answer(0).status == 0
        await talk.pass_time(3)
        await talk.settle()
        answer = talk.answer(0)
        assert (answer.status, answer.ended) == (408, True)
        assert talk.quic.stops == {0: NO_ERROR}

    converse(scenario)


def test_a_body_that_goes_on_has_time() -> None:
    async def scenario() -> None:
        talk = Conversation(wait_for_end)
        await talk.send(0, headers(POST))
        for _ in range(10):
            await talk.pass_time(20)
            await talk.send(0, data(b"abc"))
        await talk.send(0, b"", end=True)
        assert talk.answer(0).status == 200

    converse(scenario)


def test_a_client_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is that of the loop."""
    clock = [0.0]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": bytes(100_000)})

    async def scenario() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
        talk = Conversation(app)
        talk.quic.room = {0: 0, 4: 20_000}
        await talk.send(0, headers(GET), end=True)
        await talk.send(4, headers([*GET[:2], (b":path", b"/small"), GET[3]]), end=True)
        for step in range(1, 29):
            clock[0] += 1
            await talk.pass_time(1)
            talk.quic.room[4] = 20_000 + step * 1000
            await talk.settle()
        assert not talk.quic.resets
        for step in range(29, 40):
            clock[0] += 1
            await talk.pass_time(1)
            talk.quic.room[4] = 20_000 + step * 1000
            await talk.settle()
        assert talk.quic.resets == {0: LOAD}, "the other takes some"
        assert talk.quic.closed is None

    converse(scenario)


def test_small_answers_that_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are all with the engine, and their streams are over; they do not wait for ever."""
    clock = [0.0]

    async def scenario() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
        talk = Conversation()
        talk.quic.room[0] = 0
        await talk.send(0, headers(GET), end=True)
        assert talk.connection.idle
        for _ in range(70):
            clock[0] += 1
            await talk.pass_time(1)
        assert talk.quic.resets == {0: LOAD}

    converse(scenario)


# -- floods ----------------------------------------------------------------------------------------------------------


def test_rapid_reset() -> None:
    """CVE-2023-44487."""

    async def scenario() -> None:
        for stop in (True, False):
            talk = Conversation(wait_for_end)
            for _ in range(1000):
                stream_id = talk.begin()
                if talk.quic.closed is None:
                    talk.connection.stream_received(stream_id, headers(POST), False)
                    (talk.connection.sending_stopped if stop else talk.connection.stream_reset)(stream_id, 0)
            assert talk.quic.closed is not None
            assert talk.quic.closed[0] == LOAD
            assert [status for status, _ in talk.host.refused] == [0]
            assert talk.host.told == [True]
            await turns()

    converse(scenario)


@pytest.mark.parametrize(
    ("stream_id", "begin", "piece"),
    [
        pytest.param(0, headers(POST), data(b""), id="empty DATA"),
        pytest.param(0, headers(POST), frame(0x21, b""), id="unknown frames"),
        pytest.param(CONTROL, b"", frame(0x21, b""), id="unknown frames on the control stream"),
        pytest.param(0, headers(POST) + ENDLESS, bytes(1200), id="an endless unknown frame"),
        pytest.param(CONTROL, ENDLESS, bytes(1200), id="an endless unknown frame on the control stream"),
        pytest.param(CONTROL, b"", frame(0xF0700, b"\0u=1"), id="PRIORITY_UPDATE"),
        pytest.param(CONTROL, b"", frame(0xD, b"\7"), id="MAX_PUSH_ID"),
        pytest.param(CONTROL, b"", frame(7, b"\0"), id="GOAWAY"),
        pytest.param(ENCODER, b"\2\x3f\xe1\x1f", b"\x41a" + b"\1b" + b"\0" * 8000, id="the encoder of fields"),
    ],
)
def test_frames_that_move_nothing(stream_id: int, begin: bytes, piece: bytes) -> None:
    async def scenario() -> None:
        talk = Conversation(wait_for_end)
        await talk.send(stream_id, begin)
        for _ in range(2500):
            if talk.quic.closed is None:
                talk.connection.stream_received(stream_id, piece, False)
        assert talk.quic.closed is not None
        assert talk.quic.closed[0] == LOAD
        await talk.settle()

    converse(scenario)


def test_unknown_streams() -> None:
    async def scenario() -> None:
        talk = Conversation()
        for stream_id in range(14, 14 + 4 * 400, 4):
            if talk.quic.closed is None:
                talk.connection.stream_received(stream_id, b"\x21", True)
        assert talk.quic.closed is not None
        assert talk.quic.closed[0] == LOAD

    converse(scenario)


def test_a_frame_that_is_too_large_for_the_control_stream() -> None:
    async def scenario() -> None:
        talk = Conversation()
        await talk.send(CONTROL, encode_varint(0xF0700) + encode_varint(2**40))
        assert talk.quic.closed is not None
        assert talk.quic.closed[0] == LOAD

    converse(scenario)


def test_a_client_that_works_may_also_do_chores() -> None:
    async def scenario() -> None:
        talk = Conversation()
        for stream_id in range(0, 4 * 4000, 4):
            talk.connection.stream_received(CONTROL, frame(0xF0700, encode_varint(stream_id) + b"u=1"), False)
            talk.connection.stream_received(stream_id, headers(GET), True)
            if not stream_id % 64:
                await turns(3)
        assert talk.quic.closed is None

    converse(scenario)


# -- leaving ---------------------------------------------------------------------------------------------------------


def test_a_drain_closes_idle_connections() -> None:
    async def scenario() -> None:
        talk = Conversation()
        talk.connection.begin_drain()
        assert talk.goaways == [0]
        assert talk.quic.closed == (NO_ERROR, "")
        await turns()
        assert talk.host.closed == [(talk.connection, None)]

    converse(scenario)


def test_a_drain_lets_answers_arrive() -> None:
    """What was answered a moment ago is still on its way."""

    async def scenario() -> None:
        talk = Conversation()
        await talk.ask()
        talk.connection.begin_drain()
        assert talk.quic.closed is None
        assert talk.goaways == [ALL]
        await talk.pass_time(1)
        assert talk.goaways == [ALL, 4]
        await talk.pass_time(5)
        assert talk.quic.closed == (NO_ERROR, "")

    converse(scenario)


def test_a_drain_finishes_requests_and_rejects_others() -> None:
    async def scenario() -> None:
        talk = Conversation(wait_for_end)
        await talk.send(0, headers(POST))
        talk.host.draining = True
        talk.connection.begin_drain()
        talk.connection.last_request()
        await talk.settle()
        assert talk.goaways == [ALL]
        await talk.send(4, headers(GET), end=True)
        assert talk.answer(4).status == 200, "it was under way when the client heard"
        await talk.pass_time(2)
        assert talk.goaways == [ALL, 8]
        await talk.send(8, headers(GET), end=True)
        assert talk.quic.resets == {8: REJECTED}
        assert talk.quic.closed is None
        await talk.send(0, b"", end=True)
        assert talk.answer(0).status == 200
        assert talk.quic.closed is None, "the answer is on its way"
        await talk.pass_time(4)
        assert talk.quic.closed == (NO_ERROR, "")

    converse(scenario)


def test_what_has_not_left_is_not_cut_off() -> None:
    async def scenario() -> None:
        talk = Conversation()
        talk.quic.room[0] = 5
        await talk.send(0, headers(GET), end=True)
        talk.connection.last_request()
        await talk.pass_time(20)
        assert talk.quic.closed is None
        talk.quic.room.clear()
        await talk.settle()
        await talk.pass_time(5)
        assert talk.quic.closed == (NO_ERROR, "")
        assert talk.answer(0).ended

    converse(scenario)


def test_the_client_leaves() -> None:
    async def scenario() -> None:
        talk = Conversation(wait_for_end)
        await talk.send(0, headers(POST))
        await talk.send(CONTROL, frame(7, b"\0"))
        await talk.pass_time(5)
        assert talk.quic.closed is None
        await talk.send(0, b"", end=True)
        await talk.pass_time(5)
        assert talk.answer(0).status == 200
        assert talk.quic.closed == (NO_ERROR, "")

    converse(scenario)


def test_a_connection_that_begins_while_the_server_stops() -> None:
    async def scenario() -> None:
        talk = Conversation(handshake=False, begin=False)
        talk.host.draining = True
        talk.connection.handshake_done()
        await talk.settle()
        assert talk.goaways == [ALL]

    converse(scenario)


# -- QPACK's table ---------------------------------------------------------------------------------------------------


def insert(name: bytes, value: bytes) -> bytes:
    """An entry with its name (RFC 9204, 4.3.3); both are short."""
    return bytes([0x40 | len(name)]) + name + bytes([len(value)]) + value


CAPACITY = b"\x3f\xe1\x1f"
"""4096 bytes (RFC 9204, 4.3.1)."""
USES_ENTRY = b"\x02\x00" + block(GET)[2:] + b"\x80"
"""GET and the first entry of the table: Required Insert Count 1, Base 1."""


def test_fields_of_the_table_and_requests_that_wait_for_them() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["headers"])
        await hello(scope, receive, send)

    async def scenario() -> None:
        talk = Conversation(app)
        await talk.send(DECODER, b"\3")
        await talk.send(0, frame(1, USES_ENTRY), end=True)
        assert not seen
        await talk.send(4, headers(GET), end=True)
        assert len(seen) == 1, "only who uses the table waits"
        await talk.send(ENCODER, b"\2", CAPACITY, insert(b"x-a", b"b"))
        assert seen[1] == [(b"host", b"example.org"), (b"x-a", b"b")]
        assert talk.answer(0).status == 200
        await talk.settle()
        assert talk.quic.sent[11][:2] == b"\3\x80", "the section is acknowledged"
        await talk.send(8, frame(1, USES_ENTRY), end=True)
        assert len(seen) == 3

    converse(scenario)


def test_a_request_that_waits_too_long_for_the_table() -> None:
    async def scenario() -> None:
        talk = Conversation()
        await talk.send(0, frame(1, USES_ENTRY), end=True)
        await talk.pass_time(12)
        assert talk.quic.resets == {0: INCOMPLETE}
        assert talk.quic.sent[11][:2] == b"\3\x40", "it is cancelled"

    converse(scenario)


def test_too_many_that_wait() -> None:
    async def scenario() -> None:
        talk = Conversation()
        for stream_id in range(0, 17 * 4, 4):
            await talk.send(stream_id, frame(1, USES_ENTRY), end=True)
        assert talk.quic.closed is not None
        assert talk.quic.closed[0] == 0x200

    converse(scenario)
