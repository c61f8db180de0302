"""However much comes at once, others have their turn between its parts; nothing of it is lost or overtaken."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from typing import Any

import pytest
from far_apps import Site, pattern
from far_end import LIBRARIES, FarEnd
from fixed_clock import run
from h3_doubles import CONTROL, ENCODER, GET, POST, SETTINGS, Conversation, converse, data, frame, headers, turns
from link import Conditions, Network
from quic_clients import Http3Client, RawClient
from quic_pair import Link

from pounce_asgi.fairness import MOST_PIECES
from pounce_h3.later import OF_ONE

COUNT = 40
FIRST_PRIORITY = 0xF0700
libraries = pytest.mark.parametrize("library", LIBRARIES)


@pytest.fixture(autouse=True)
def _short_turns(_turns_are_long: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pounce_h3.turn.QUIC_TURN_SECONDS", 0.0)


def turns_taken(talk: Conversation) -> int:
    """Let a connection go on until it has nothing more; how many turns it took."""
    count = 0
    while True:
        count += 1
        if not talk.connection.take_turn():
            return count


# -- one connection --------------------------------------------------------------------------------------------------


def test_frames_of_a_body() -> None:
    async def scenario() -> None:
        talk = Conversation(Site())
        pieces = b"".join(data(b"x") for _ in range(COUNT))
        assert talk.connection.stream_received(0, frame(1, headers(POST)[2:]) + pieces, True)
        assert turns_taken(talk) >= COUNT
        await talk.settle()
        assert talk.answer(0).body == b"hello /"

    converse(scenario)


def test_frames_of_the_control_stream() -> None:
    async def scenario() -> None:
        talk = Conversation(begin=False)
        updates = b"".join(frame(FIRST_PRIORITY, b"\x00u=%d" % (one % 8)) for one in range(COUNT))
        assert talk.connection.stream_received(CONTROL, SETTINGS + updates, False)
        assert turns_taken(talk) >= COUNT
        assert (await talk.ask()).body == b"hello /"

    converse(scenario)


def test_what_is_held_of_the_control_stream_may_break_the_rules() -> None:
    async def scenario() -> None:
        talk = Conversation(begin=False)
        talk.connection.stream_received(CONTROL, SETTINGS + frame(0x21, b"") * COUNT + SETTINGS[1:], False)
        turns_taken(talk)
        assert talk.quic.closed is not None
        assert talk.quic.closed[0] == 0x105  # H3_FRAME_UNEXPECTED

    converse(scenario)


def test_requests_that_waited_for_the_same_entry() -> None:
    async def scenario() -> None:
        talk = Conversation()
        ids = [talk.begin() for _ in range(8)]
        for stream_id in ids:
            talk.connection.stream_received(stream_id, frame(1, b"\x02\x00\xd1\xd7\xc1\x80"), True)
        assert not talk.connection.streams
        insert = b"\x02\x3f\xe1\x1f\xc0\x07a.local"  # :authority, by the static table
        assert talk.connection.stream_received(ENCODER, insert, False)
        assert len(talk.connection.streams) + talk.connection.requests < 4
        assert turns_taken(talk) >= 6
        await talk.settle()
        assert [talk.answer(one).body for one in ids] == [b"hello /"] * 8

    converse(scenario)


def test_a_stream_that_is_answered_before_the_rest_was_read() -> None:
    async def scenario() -> None:
        talk = Conversation()
        assert talk.connection.stream_received(0, headers(POST) + data(b"x") * COUNT, False)
        await talk.settle()
        assert talk.answer(0).body == b"hello /"
        talk.connection.take_turn()
        await talk.settle()
        assert 0 in talk.quic.stops
        turns_taken(talk)
        assert not talk.connection.streams
        assert not talk.connection.engine.readers

    converse(scenario)


def test_a_connection_that_was_closed_takes_no_turn() -> None:
    async def scenario() -> None:
        talk = Conversation()
        assert talk.connection.stream_received(0, headers(POST) + data(b"x") * COUNT, False)
        talk.connection.close()
        assert not talk.connection.take_turn()
        await turns()

    converse(scenario)


# -- the engine ------------------------------------------------------------------------------------------------------


def several(link: Link, count: int = 3) -> None:
    """Have the client send on several streams at once, and the server hear of the first."""
    link.handshake()
    link.user.makes_way = True
    for number in range(count):
        link.client.send_stream_data(4 * number, b"%d" % number, end_stream=True)
    link.turn()
    link.run(lambda: link.server.held)


@libraries
def test_one_after_another(library: str) -> None:
    link = Link(library)
    several(link)
    for count in (1, 2, 3):
        assert len(link.user.received) == count
        assert link.server.held
        link.server.tell_on()
    assert link.user.received == {0: b"0", 4: b"1", 8: b"2"}
    assert not link.server.held
    told = link.user.turns
    link.server.tell_on()
    assert link.user.turns == told


@libraries
def test_the_end_comes_last(library: str) -> None:
    link = Link(library)
    several(link)
    link.client.close(error_code=7, reason_phrase="")
    link.run(seconds=0.05)
    for _ in range(3):
        assert link.user.end is None
        link.server.tell_on()
    assert len(link.user.received) == 3
    assert link.user.end is not None
    assert link.user.end.code == 7
    assert not link.server.held


@libraries
def test_nothing_is_told_after_a_close(library: str) -> None:
    link = Link(library)
    several(link)
    link.server.close(0x100, "")
    assert not link.server.held
    link.server.tell_on()
    link.run(seconds=1)
    assert len(link.user.received) == 1
    assert link.user.end is None


@libraries
def test_nothing_is_told_of_a_stream_that_was_stopped(library: str) -> None:
    link = Link(library)
    several(link)
    link.server.stop(4, 0x100)
    while link.server.held:
        link.server.tell_on()
    assert set(link.user.received) == {0, 8}


# -- all of it -------------------------------------------------------------------------------------------------------


@libraries
def test_a_body_in_frames_of_a_byte(library: str) -> None:
    async def scenario() -> None:
        network = Network(Conditions())
        site = Site()
        far = FarEnd(network, site, library=library)
        client = RawClient(network, library)
        await client.connected()
        body = pattern(3000)
        fields = [(name, b"/digest" if name == b":path" else value) for name, value in POST]
        client.send(CONTROL, SETTINGS)
        client.send(0, headers(fields) + b"".join(data(body[one : one + 1]) for one in range(len(body))), end=True)
        while 0 not in client.finished:  # noqa: ASYNC110 - the clock is not real
            await asyncio.sleep(0.01)
        assert hashlib.sha256(body).hexdigest().encode() in bytes(client.received[0])
        await client.closed()
        await far.emptied()
        await far.stopped()

    run(scenario())


@libraries
@pytest.mark.parametrize("room", [2, OF_ONE])
def test_large_bodies_and_many_requests(library: str, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is no room for is sent again."""
    monkeypatch.setattr("pounce_h3.later.OF_ONE", room)

    async def scenario() -> None:
        network = Network(Conditions(delay=0.01), seed=room)
        far = FarEnd(network, Site(), library=library)
        client = Http3Client(network, library)
        await client.connected()
        body = pattern(200_000)
        uploads = [client.answer(client.begin("/digest", body=body)) for _ in range(3)]
        small = [client.answer(client.begin(f"/{one}")) for one in range(30)]
        for answer in [*uploads, *small]:
            await answer.over.wait()
        assert [one.body for one in uploads] == [hashlib.sha256(body).hexdigest().encode()] * 3
        assert [one.body for one in small] == [b"hello /%d" % one for one in range(30)]
        assert len(far.endpoint._later) == 0
        await client.closed()
        await far.emptied()
        await far.stopped()

    run(scenario())


@libraries
def test_a_reset_behind_what_is_held(library: str) -> None:
    async def scenario() -> None:
        network = Network(Conditions())
        site = Site()
        far = FarEnd(network, site, library=library)
        client = RawClient(network, library)
        await client.connected()
        client.quic.send_stream_data(CONTROL, SETTINGS, False)
        client.quic.send_stream_data(0, headers(POST) + data(b"x") * COUNT, False)
        client.flush()
        client.quic.reset_stream(0, 0x10C)
        client.send(4, headers(GET), end=True)
        while 4 not in client.finished:  # noqa: ASYNC110 - the clock is not real
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        (connection,) = far.host.connections
        assert connection.idle
        await client.closed()
        await far.emptied()
        await far.stopped()

    run(scenario())


@libraries
def test_a_stop_answers_what_is_held(library: str) -> None:
    async def scenario() -> None:
        network = Network(Conditions())
        site = Site()
        held: list[bool] = []

        def stop() -> None:
            (connection,) = far.host.connections
            transport: Any = connection.transport
            held.append(transport.quic.held and not connection.idle)
            far.host.draining = True
            connection.begin_drain()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if not site.begun:
                asyncio.get_running_loop().call_soon(stop)
            await site(scope, receive, send)

        far = FarEnd(network, app, library=library)
        client = Http3Client(network, library)
        await client.connected()
        answers = [client.answer(client.begin(f"/{one}")) for one in range(COUNT)]
        for answer in answers:
            await answer.over.wait()
        assert [one.body for one in answers] == [b"hello /%d" % one for one in range(COUNT)]
        assert held == [True]
        await client.ended.wait()
        await far.emptied()
        await far.stopped()

    run(scenario())


# -- sending ---------------------------------------------------------------------------------------------------------


def test_an_application_that_sends_small_pieces() -> None:
    """Thousands of them fit into what the engine may be given at once; others have their turn between some of them."""
    seen: Counter[int] = Counter()
    turn = 0

    def count_turn() -> None:
        nonlocal turn
        turn += 1
        asyncio.get_running_loop().call_soon(count_turn)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(20 * MOST_PIECES):
            seen[turn] += 1
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send({"type": "http.response.body", "body": b"end"})

    async def scenario() -> None:
        count_turn()
        talk = Conversation(app)
        await talk.send(0, headers(GET), end=True)
        while not talk.answer(0).ended:
            await talk.settle()
        assert talk.answer(0).body == b"x" * 20 * MOST_PIECES + b"end"
        assert max(seen.values()) <= MOST_PIECES + 1

    converse(scenario)
