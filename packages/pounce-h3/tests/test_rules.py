"""The table of what a client may not do, and of what it may."""

from __future__ import annotations

from typing import Any

import pytest
from h3_doubles import GET, Conversation, converse, echo, feedings, headers, turns
from rule_cases import CONNECTION_CASES, FINE, STREAM_CASES, Case


def named(cases: list[Case]) -> list[object]:
    return [pytest.param(case, id=f"{case.name} ({case.clause})") for case in cases]


async def feed(talk: Conversation, pieces: list[tuple[int, bytes, bool]], way: int) -> None:
    """``way`` 0: whole; 1: byte by byte; else cut behind so many bytes less one."""
    for stream_id, sent, end in pieces:
        ways = feedings(sent)
        parts = ways[way] if way < len(ways) else [sent]
        await talk.send(stream_id, *(parts or [b""]), end=end)


async def silence(scope: Any, receive: Any, send: Any) -> None:
    """Never answers."""
    while (await receive())["type"] != "http.disconnect":
        pass


WAYS = [0, 1, 2, 3, 4, 7, 20]


@pytest.mark.parametrize("case", named(CONNECTION_CASES))
def test_errors_of_the_connection(case: Case) -> None:
    async def scenario() -> None:
        for way in WAYS:
            talk = Conversation(silence, begin=case.settings)
            await feed(talk, case.pieces, way)
            assert talk.quic.closed is not None
            assert talk.quic.closed[0] == case.code, talk.quic.closed
            assert talk.transport.closing
            await turns()
            assert talk.host.closed == [(talk.connection, None)]
            assert [status for status, _ in talk.host.refused] == [0]
            assert not any(talk.host.told)
            assert not talk.host.watched

    converse(scenario)


@pytest.mark.parametrize("case", named(STREAM_CASES))
def test_errors_of_a_stream(case: Case) -> None:
    """And nothing else suffers: the next request is answered."""

    async def scenario() -> None:
        for way in WAYS:
            talk = Conversation(echo)
            await feed(talk, case.pieces, way)
            assert talk.quic.closed is None, talk.quic.closed
            assert talk.quic.resets == {0: case.code}
            ended = case.pieces[-1][2]
            assert talk.quic.stops in ({}, {0: case.code})
            assert ended or talk.quic.stops
            assert not talk.connection.streams
            assert not talk.connection.engine.readers
            talk.next_id = 4
            assert (await talk.ask()).status == 200

    converse(scenario)


@pytest.mark.parametrize(("name", "pieces"), FINE, ids=[name for name, _ in FINE])
def test_what_is_right(name: str, pieces: list[tuple[int, bytes, bool]]) -> None:
    async def scenario() -> None:
        total = sum(len(sent) for _, sent, _ in pieces)
        for way in range(total):
            talk = Conversation(echo)
            await feed(talk, pieces, way)
            answer = talk.answer(0)
            assert (answer.status, answer.ended) == (200, True), (name, way)
            assert talk.quic.credits[0] == total or 0 in talk.quic.stops, "every byte is given back"
            assert talk.connection.idle

    converse(scenario)


def test_unknown_streams_are_stopped() -> None:
    async def scenario() -> None:
        talk = Conversation()
        await talk.send(14, b"\x21", b"anything")
        assert talk.quic.stops == {14: 0x103}
        await talk.send(18, b"\x40", b"\x21", end=True)
        await talk.send(22, end=True)
        await talk.send(26, b"\x40", end=True)
        assert talk.quic.stops == {14: 0x103}
        assert (await talk.ask()).status == 200

    converse(scenario)


def test_critical_streams_may_not_be_reset_nor_stopped() -> None:
    async def scenario() -> None:
        for stream_id in (2, 6, 10):
            talk = Conversation()
            await talk.send(6, b"\2")
            await talk.send(10, b"\3")
            talk.connection.stream_reset(stream_id, 0)
            assert talk.quic.closed is not None
            assert talk.quic.closed[0] == 0x104
        for stream_id in (3, 7, 11):
            talk = Conversation()
            talk.connection.sending_stopped(stream_id, 0)
            assert talk.quic.closed is not None
            assert talk.quic.closed[0] == 0x104
        talk = Conversation()
        await talk.send(14, b"\x40")
        talk.connection.stream_reset(14, 0)
        assert talk.quic.closed is None

    converse(scenario)


def test_our_streams() -> None:
    """Control with SETTINGS, and both of QPACK (RFC 9114, 6.2.1; RFC 9204, 4.2)."""

    async def scenario() -> None:
        for websockets in (None, object()):
            talk = Conversation(websockets=websockets)
            sent = {stream_id: bytes(data) for stream_id, data in talk.quic.sent.items()}
            assert sent[7] == b"\x02"
            assert sent[11] == b"\x03"
            assert sent[3].startswith(b"\x00\x04")
            assert (b"\x08\x01" in sent[3]) is (websockets is not None)

    converse(scenario)


def test_a_request_on_a_stream_that_comes_first_is_served_before_others() -> None:
    """Streams are opened in any order (RFC 9000, 2.1)."""

    async def scenario() -> None:
        talk = Conversation()
        assert (await talk.send(8, headers(GET), end=True)).status == 200
        assert (await talk.send(0, headers(GET), end=True)).status == 200
        assert talk.connection.engine.last_stream_id == 8

    converse(scenario)
