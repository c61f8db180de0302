"""What must not take for ever, by a clock that is set by hand."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from frame_cases import block, data, frame, headers
from h2_doubles import GET, POST, PREFACE, Conversation, converse, echo, turns

if TYPE_CHECKING:
    import pytest

BEGIN = PREFACE + frame(4, 0, 0)
CALM = 0xB


def codes(talk: Conversation) -> list[int]:
    return [one.error_code for one in talk.frames() if one.type == 7]  # type: ignore[attr-defined]


def resets(talk: Conversation) -> list[tuple[int, int]]:
    return [(one.stream_id, one.error_code) for one in talk.frames() if one.type == 3]  # type: ignore[attr-defined]


def test_an_idle_connection_is_closed_after_keep_alive() -> None:
    async def scenario() -> None:
        talk = Conversation(timeouts={"keep_alive": 20.0})
        await talk.pass_time(15)
        await talk.ask()
        await talk.pass_time(19)
        assert not talk.transport.closing
        await talk.send(frame(6, 0, 0, b"12345678"))  # a ping is no request
        await talk.pass_time(2)
        assert talk.transport.closing
        assert codes(talk) == [0]
        assert not talk.host.refused

    converse(scenario)


def test_silence_is_closed() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        await talk.pass_time(76)
        assert talk.transport.closing

    converse(scenario)


def test_a_preface_that_does_not_go_on() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        await talk.send(PREFACE[:10])
        await talk.pass_time(11)
        assert codes(talk) == [CALM]

    converse(scenario)


def test_a_running_request_is_not_idle() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()

    async def scenario() -> None:
        talk = Conversation(app)
        talk.begin(GET)
        await talk.talk()
        await talk.pass_time(1000)
        assert not talk.transport.closing
        talk.transport.lose(None)
        await turns()

    converse(scenario)


def test_trickled_header_fields() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        await talk.send(BEGIN, frame(1, 1, 1, block(GET[:1])))
        for _ in range(20):
            await talk.send(frame(9, 0, 1, b""))
            await talk.pass_time(1)
        assert codes(talk) == [CALM]
        assert len(talk.host.refused) == 1
        assert talk.transport.closing

    converse(scenario)


def test_a_trickled_frame() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        await talk.send(BEGIN)
        for byte in headers(1)[:20]:
            await talk.send(bytes([byte]))
            await talk.pass_time(1)
        assert codes(talk) == [CALM]

    converse(scenario)


def test_frames_that_are_complete_in_time() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        await talk.send(BEGIN)
        for number in range(1, 41, 2):
            wire = headers(number)
            await talk.send(wire[:15])
            await talk.pass_time(5)
            await talk.send(wire[15:] + headers(number + 2)[:0])
        assert not codes(talk)
        assert talk.connection.requests == 20

    converse(scenario)


def test_a_body_that_stalls() -> None:
    async def scenario() -> None:
        talk = Conversation(echo)
        stream = talk.begin(POST, end=False)
        await talk.upload(stream, b"some", end=False)
        await talk.talk()
        await talk.pass_time(29)
        await talk.upload(stream, b"more", end=False)
        await talk.talk()
        await talk.pass_time(29)
        assert talk.answer(stream).status == 0
        await talk.pass_time(2)
        await talk.talk()
        assert (talk.answer(stream).status, talk.answer(stream).reset) == (408, 0)
        assert (await talk.ask(body=b"x")).body == b"x", "the connection goes on"

    converse(scenario)


def test_a_frame_of_body_may_come_slowly() -> None:
    async def scenario() -> None:
        talk = Conversation(echo, raw=True)
        await talk.send(BEGIN, headers(1, POST, end=False))
        wire = data(1, bytes(100), end=True)
        await talk.send(wire[:9])
        for byte in wire[9:]:
            await talk.send(bytes([byte]))
            await talk.pass_time(4)
        assert not codes(talk)
        assert talk.connection.idle

    converse(scenario)


def test_an_application_that_does_not_read_is_not_the_clients_fault() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await gates[0]
        await echo(scope, receive, send)

    async def scenario() -> None:
        talk = Conversation(app)
        gates.append(talk.host.loop.create_future())
        await talk.talk()
        stream = talk.begin(POST, end=False)
        await talk.upload(stream, bytes(262_144), end=False)
        await talk.talk()
        await talk.pass_time(500)
        assert talk.answer(stream).status == 0
        gates[0].set_result(None)
        await talk.talk()
        await talk.upload(stream, b"x")
        await talk.talk()
        assert len(talk.answer(stream).body) == 262_145

    gates: list[Any] = []
    converse(scenario)


def test_a_client_that_waits_for_100_has_time() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await gates[0]
        await echo(scope, receive, send)

    async def scenario() -> None:
        talk = Conversation(app)
        gates.append(talk.host.loop.create_future())
        stream = talk.begin([*POST, (b"expect", b"100-continue")], end=False)
        await talk.talk()
        await talk.pass_time(100)
        gates[0].set_result(None)
        await talk.talk()
        assert talk.answer(stream).informational
        assert talk.answer(stream).status == 0
        await talk.pass_time(31)
        await talk.talk()
        assert talk.answer(stream).status == 408

    gates: list[Any] = []
    converse(scenario)


def test_the_window_of_a_stream_that_stays_closed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pounce.worker")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(100_000)})

    async def scenario() -> None:
        talk = Conversation(app, raw=True)
        await talk.send(PREFACE + frame(4, 0, 0, b"\0\x04\0\0\0\x0a"), headers(1))
        await talk.pass_time(29)
        await talk.send(frame(8, 0, 1, b"\0\0\0\x01"))
        await talk.pass_time(29)
        assert not resets(talk)
        await talk.pass_time(2)
        assert resets(talk) == [(1, CALM)]
        assert caplog.messages == ["Reset an HTTP/2 stream of 192.0.2.7:51234: its window stayed closed"]
        assert caplog.records[0].levelno == logging.DEBUG, "listeners hear that a time limit ran out"
        assert not talk.host.refused, "its connection goes on"
        assert talk.connection.idle
        assert not talk.transport.closing

    converse(scenario)


def test_the_window_of_a_connection_that_stays_closed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(100_000)})

    async def scenario() -> None:
        talk = Conversation(app, raw=True)
        await talk.send(BEGIN + frame(4, 0, 0, b"\0\x04\0\x0f\0\0"), headers(1))
        await talk.pass_time(31)
        assert codes(talk) == [CALM]
        assert talk.transport.closing
        assert len(talk.host.refused) == 1

    converse(scenario)


def test_a_slow_socket_is_the_transports_affair() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(500_000)})

    async def scenario() -> None:
        talk = Conversation(app, raw=True)
        talk.transport.room = 0
        await talk.send(BEGIN + frame(8, 0, 0, b"\x3f\0\0\0") + frame(4, 0, 0, b"\0\x04\x3f\0\0\0"), headers(1))
        assert talk.transport.congested
        await talk.pass_time(100)
        assert not codes(talk)

    converse(scenario)
