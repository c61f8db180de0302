"""Slow clients and slow applications: what waits is bounded, and goes in the right order."""

from __future__ import annotations

import asyncio
import tempfile
from typing import Any

import pytest
from h3_doubles import CONTROL, GET, POST, Conversation, converse, data, frame, headers, read_body, turns
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_h3.ahead import CONNECTION_BYTES, LEAST_BYTES, STREAM_BYTES, STUCK, Ahead
from pounce_h3.varint import encode_varint

FRAMING = 64
"""Of heads and frames, beside a body."""
START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def path(name: str, *more: tuple[bytes, bytes]) -> bytes:
    return headers([*GET[:2], (b":path", name.encode()), GET[3], *more])


def test_send_waits_for_the_client() -> None:
    sent: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for number in range(100):
            await send(part(bytes(10_000)))
            sent.append(number)
        await send(part(b"", more=False))

    async def scenario() -> None:
        talk = Conversation(app)
        talk.quic.room[0] = 0
        await talk.send(0, headers(GET), end=True)
        assert len(sent) < 6
        assert len(talk.quic.sent[0]) <= STREAM_BYTES
        for room in range(50_000, 1_100_000, 50_000):
            talk.quic.room[0] = room
            await talk.settle()
            assert len(talk.quic.sent[0]) <= room + STREAM_BYTES
            assert 10_000 * len(sent) <= room + STREAM_BYTES + 20_000
        answer = talk.answer(0)
        assert (len(answer.body), answer.ended) == (1_000_000, True)

    converse(scenario)


def test_a_stream_that_stands_still_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(bytes(300_000), more=False))

    async def scenario() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
        talk = Conversation(app)
        talk.quic.room[0] = 0
        await talk.send(0, headers(GET), end=True)
        assert len((await talk.send(4, headers(GET), end=True)).body) == 300_000
        # So many that nothing would be left for another, and more urgent than it.
        for stream_id in range(8, 48, 4):
            talk.quic.room[stream_id] = 0
            await talk.send(stream_id, path("/", (b"priority", b"u=0")), end=True)
        await talk.send(48, headers(GET), end=True)
        for _ in range(30):
            clock[0] += 0.1
            await talk.settle()
        assert len(talk.answer(48).body) == 300_000

    converse(scenario)


@pytest.mark.parametrize("high", [b"u=1", b"u=1, i"])
def test_the_urgent_go_first(high: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(bytes(400_000), more=False))

    async def scenario() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 0.0)
        talk = Conversation(app)
        talk.quic.budget = 0
        await talk.send(0, path("/low", (b"priority", b"u=6")), end=True)
        await talk.send(4, path("/high", (b"priority", high)), end=True)
        assert len(talk.quic.sent[0]) <= STREAM_BYTES + FRAMING
        for _ in range(30):
            talk.quic.budget = 10_000
            await talk.settle()
        assert len(talk.quic.sent[0]) <= STREAM_BYTES + FRAMING
        assert len(talk.quic.sent[4]) > 270_000
        # The client changes its mind (RFC 9218, 7).
        sent = len(talk.quic.sent[4])
        await talk.send(CONTROL, frame(0xF0700, encode_varint(0) + b"u=0") + frame(0xF0700, encode_varint(4) + b"u=7"))
        for _ in range(20):
            talk.quic.budget = 10_000
            await talk.settle()
        assert len(talk.quic.sent[0]) > 150_000
        assert len(talk.quic.sent[4]) <= sent + STREAM_BYTES
        talk.quic.budget = float("inf")
        await talk.settle()
        assert (len(talk.answer(0).body), len(talk.answer(4).body)) == (400_000, 400_000)

    converse(scenario)


def test_those_that_do_not_take_turns_go_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(bytes(200_000), more=False))

    async def scenario() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 0.0)
        talk = Conversation(app)
        talk.quic.budget = 0
        for stream_id in (0, 4, 8):
            await talk.send(stream_id, path("/", (b"priority", b"u=3" if stream_id < 8 else b"u=3, i")), end=True)
        for _ in range(20):
            talk.quic.budget = 10_000
            await talk.settle()
        first, second, shared = (len(talk.quic.sent[stream_id]) for stream_id in (0, 4, 8))
        assert second <= STREAM_BYTES + FRAMING
        assert min(first, shared) > 80_000
        talk.quic.budget = float("inf")
        await talk.settle()
        assert [len(talk.answer(stream_id).body) for stream_id in (0, 4, 8)] == [200_000] * 3

    converse(scenario)


def test_who_waits_is_served_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """An urgent stream whose client takes little at a time does not hold up the others for ever."""
    clock = [0.0]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(bytes(100_000), more=False))

    async def scenario() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
        talk = Conversation(app)
        talk.quic.room[0] = 1000
        await talk.send(0, path("/", (b"priority", b"u=0")), end=True)
        await talk.send(4, path("/", (b"priority", b"u=5")), end=True)
        assert not talk.answer(4).body
        for step in range(1, 40):
            clock[0] += 0.1
            talk.quic.room[0] = 1000 + 10 * step
            await talk.settle()
        assert len(talk.answer(4).body) == 100_000
        assert len(talk.quic.sent[0]) < 1400 + STREAM_BYTES + FRAMING

    converse(scenario)


def test_a_priority_that_comes_before_its_request() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(bytes(200_000), more=False))

    async def scenario() -> None:
        talk = Conversation(app)
        talk.quic.default_room = 0
        await talk.send(CONTROL, frame(0xF0700, encode_varint(8) + b"u=0"))
        await talk.send(8, headers(GET), end=True)
        assert talk.connection.streams[8].priority == (0, False)

    converse(scenario)


def test_the_client_may_send_as_much_as_is_taken() -> None:
    """What the application has not taken is not credited, and what is around the body is, at once."""
    go = asyncio.Event

    async def scenario() -> None:
        taken: list[int] = []
        gate = go()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await gate.wait()
            message = await receive()
            taken.append(len(message["body"]))
            await read_body(receive)
            await send(START)
            await send(part(b"", more=False))

        talk = Conversation(app)
        head = headers(POST)
        await talk.send(0, head + data(bytes(50_000)))
        assert talk.quic.credits[0] == len(head) + 5
        gate.set()
        await talk.settle()
        assert taken == [50_000]
        assert talk.quic.credits[0] == len(head) + 5 + 50_000
        await talk.send(0, data(bytes(10)), end=True)
        assert talk.answer(0).status == 200
        assert talk.quic.credits[0] == len(head) + 5 + 50_000 + 12

    converse(scenario)


def test_a_body_that_nobody_takes_is_given_back_at_the_end() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await send(START)
        await send(part(b"", more=False))

    async def scenario() -> None:
        talk = Conversation(app)
        sent = headers(POST) + data(bytes(50_000))
        await talk.send(0, sent)
        assert talk.quic.stops == {0: 0x100}
        assert talk.quic.credits[0] == len(sent)

    converse(scenario)


def test_a_head_may_be_larger_than_the_window() -> None:
    """Its beginning is given back before it is whole."""

    async def scenario() -> None:
        talk = Conversation()
        sent = headers([*GET, *[(b"x-%d" % number, b"y" * 8000) for number in range(8)]])
        for start in range(0, len(sent) - 1, 1000):
            end = min(start + 1000, len(sent) - 1)
            await talk.send(0, sent[start:end])
            assert talk.quic.credits[0] == end
        await talk.send(0, sent[-1:], end=True)
        assert talk.quic.credits[0] == len(sent)
        assert talk.answer(0).status == 200

    converse(scenario)


@pytest.mark.parametrize("size", [0, 10, 1_000_000])
def test_files(size: int) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(bytes(range(256)) * (size // 256 + 1))
        file.flush()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(START)
            await send(
                {
                    "type": "http.response.zerocopysend",
                    "file": file.fileno(),
                    "offset": 0,
                    "count": size,
                    "more_body": False,
                }
            )

        async def scenario() -> None:
            talk = Conversation(app)
            talk.quic.room[0] = 0
            await talk.send(0, headers(GET), end=True)
            assert len(talk.quic.sent.get(0, b"")) <= STREAM_BYTES + FRAMING, "files are read as the client takes them"
            talk.quic.room.clear()
            await talk.settle()
            answer = talk.answer(0)
            assert (len(answer.body), answer.ended) == (size, True)
            assert answer.body == (bytes(range(256)) * (size // 256 + 1))[:size]

        converse(scenario)


# -- what the engine is given ahead ----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 20_000), st.booleans()), max_size=200))
@settings(max_examples=100, deadline=None)
def test_never_more_than_the_bounds(steps: list[tuple[int, int, bool]]) -> None:
    """Whoever asks before it gives, never gives more than the bounds; and there is room once all has left."""
    held = dict.fromkeys(range(10), 0)
    ahead = Ahead()
    ahead.backlog = held.__getitem__
    for stream_id, size, leaves in steps:
        if leaves:
            held[stream_id] = max(0, held[stream_id] - size)
            ahead.fell(stream_id, 0.0)
        room = min(ahead.connection_room(0.0), ahead.stream_room(stream_id))
        given_now = min(size, room)
        if given_now:
            held[stream_id] += given_now
            ahead.add(stream_id, given_now, 0.0)
        assert held[stream_id] <= STREAM_BYTES
        assert sum(held.values()) <= CONNECTION_BYTES
    for stream_id in held:
        held[stream_id] = 0
    assert ahead.empty(0.0)
    assert ahead.connection_room(0.0) >= LEAST_BYTES
    assert len(ahead) == 0


def test_stuck_streams_are_not_counted() -> None:
    held = {0: STREAM_BYTES, 4: STREAM_BYTES, 8: STREAM_BYTES, 12: STREAM_BYTES}
    ahead = Ahead()
    ahead.backlog = lambda stream_id: held.get(stream_id, 0)
    for stream_id in held:
        ahead.add(stream_id, STREAM_BYTES, 0.0)
    assert ahead.connection_room(0.0) == 0
    assert ahead.connection_room(STUCK) == CONNECTION_BYTES
    ahead.fell(0, STUCK)
    assert ahead.stream_room(0) == 0
    assert ahead.stalled(0.0, STUCK) == [4, 8, 12]
    ahead.forget(4)
    assert ahead.stalled(0.0, STUCK) == [8, 12]


def test_turns_are_shared() -> None:
    """A long answer takes several turns of the loop, in which others come to be served."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(bytes(2_000_000), more=False))

    async def scenario() -> None:
        talk = Conversation(app)
        await talk.send(0, headers(GET), end=True)
        assert len(talk.answer(0).body) == 2_000_000
        await turns()

    converse(scenario)
