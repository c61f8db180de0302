"""However many frames come at once, others have their turn between them."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from h2.settings import SettingCodes
from h2_doubles import GET, POST, Conversation, converse, read_body, turns
from hyperframe.frame import HeadersFrame

from pounce_asgi import ClientGone
from pounce_asgi.fairness import MOST_PIECES, PIECE_COST
from pounce_h2.connection import TURN_BYTES
from pounce_h2.connection_end import TOLD_AT_ONCE

COUNT = 50


@pytest.fixture(autouse=True)
def _short_turns(_turns_are_long: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pounce_h2.connection.TURN_SECONDS", 0.0)


class Noting:
    """An application that says how often others had their turn before each call."""

    def __init__(self) -> None:
        self.turns = 0
        self.seen: list[int] = []
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self.turns += 1
        asyncio.get_running_loop().call_soon(self._turn)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(self.turns)
        body = await read_body(receive) if scope["method"] == "POST" else b"ok"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def test_requests_at_once_leave_others_their_turn() -> None:
    async def scenario() -> None:
        app = Noting()
        talk = Conversation(app)
        streams = [talk.begin(GET) for _ in range(COUNT)]
        talk.connection.data_received(talk.client.data_to_send())
        assert talk.transport.paused
        assert not talk.connection.idle
        for _ in range(COUNT):
            await talk.talk()
        assert [talk.answer(stream).body for stream in streams] == [b"ok"] * COUNT
        assert len(set(app.seen)) >= COUNT - 1
        assert not talk.transport.paused
        assert talk.connection.idle

    converse(scenario)


def test_what_comes_meanwhile_is_kept_in_order() -> None:
    async def scenario() -> None:
        app = Noting()
        talk = Conversation(app)
        stream = talk.begin(POST, end=False)
        for number in range(COUNT):
            talk.client.send_data(stream, b"%d," % number)
        talk.connection.data_received(talk.client.data_to_send())
        for number in range(COUNT, 2 * COUNT):  # was on its way when reading was paused
            talk.client.send_data(stream, b"%d," % number)
            talk.connection.data_received(talk.client.data_to_send())
        talk.client.end_stream(stream)
        for _ in range(3 * COUNT):
            await talk.talk()
        assert talk.answer(stream).body == b"".join(b"%d," % number for number in range(2 * COUNT))

    converse(scenario)


@pytest.mark.parametrize("cut", [1, 5, 9, 12])
def test_an_unfinished_frame_behind_them(cut: int) -> None:
    """It is finished by what comes later, and has its time from then on only."""

    async def scenario() -> None:
        talk = Conversation(Noting())
        streams = [talk.begin(GET) for _ in range(COUNT)]
        data = talk.client.data_to_send()
        talk.connection.data_received(data[:-cut])
        for _ in range(20):
            await turns()
        await talk.send(data[-cut:])
        for _ in range(3):
            await talk.talk()
        assert [talk.answer(stream).body for stream in streams] == [b"ok"] * COUNT

    converse(scenario)


def test_a_stop_answers_what_has_come() -> None:
    async def scenario() -> None:
        talk = Conversation(Noting())
        for _ in range(COUNT):
            talk.begin(GET)
        talk.connection.data_received(talk.client.data_to_send())
        talk.connection.begin_drain()
        await turns(10 * COUNT)
        await talk.pass_time(6)  # the client says nothing to the ping behind the first GOAWAY
        answered = {one.stream_id for one in talk.frames() if isinstance(one, HeadersFrame)}
        assert answered == set(range(1, 2 * COUNT, 2))
        assert talk.transport.closing

    converse(scenario)


def test_a_stop_answers_what_was_read_and_waits_for_its_turn() -> None:
    async def scenario() -> None:
        talk = Conversation(Noting())
        await talk.talk()
        stream = talk.begin(GET)
        talk.transport.behind = True  # type: ignore[attr-defined]
        talk.connection.begin_drain()
        assert not talk.transport.closing
        talk.transport.behind = False  # type: ignore[attr-defined]
        talk.connection.data_received(talk.client.data_to_send())
        await turns()
        await talk.pass_time(6)  # the client says nothing to the ping behind the first GOAWAY
        assert stream in {one.stream_id for one in talk.frames() if isinstance(one, HeadersFrame)}
        assert talk.transport.closing

    converse(scenario)


def test_a_client_that_leaves_meanwhile() -> None:
    async def scenario() -> None:
        app = Noting()
        talk = Conversation(app)
        for _ in range(COUNT):
            talk.begin(GET)
        talk.connection.data_received(talk.client.data_to_send())
        talk.connection.connection_lost(ConnectionResetError())
        begun = len(app.seen)
        await turns(100)
        assert len(app.seen) <= begun + 1

    converse(scenario)


def test_an_error_behind_the_turn_ends_the_connection() -> None:
    async def scenario() -> None:
        talk = Conversation(Noting())
        for _ in range(COUNT):
            talk.begin(GET)
        talk.connection.data_received(talk.client.data_to_send() + b"\0\0\0\x09\0\0\0\0\x01")  # CONTINUATION of nothing
        for _ in range(COUNT):
            await talk.talk()
            if talk.transport.closing:
                break
        assert talk.goaways[-1][1] == 1  # PROTOCOL_ERROR
        assert talk.transport.closing

    converse(scenario)


def test_an_application_that_sends_small_pieces() -> None:
    """Thousands of them fit into what may be written at once; others have their turn between some of them."""

    async def scenario() -> None:
        turns_seen: list[int] = []
        noting = Noting()

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(20 * MOST_PIECES):
                turns_seen.append(noting.turns)
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await send({"type": "http.response.body", "body": b"end"})

        talk = Conversation(app)
        stream = talk.begin(GET)
        for _ in range(60):
            await talk.talk()
        assert talk.answer(stream).body == b"x" * 20 * MOST_PIECES + b"end"
        in_a_row = Counter(turns_seen)
        assert max(in_a_row.values()) <= MOST_PIECES + 1

    converse(scenario)


class Leaving:
    """An application that waits, and notes after how many turns of others each call heard that its client has left."""

    def __init__(self) -> None:
        self.noting = Noting()
        self.calls = 0
        self.seen: list[int] = []

    async def __call__(self, _scope: Any, receive: Any, _send: Any) -> None:
        self.calls += 1
        while (await receive())["type"] != "http.disconnect":
            pass
        self.seen.append(self.noting.turns)


async def waiting(app: Leaving) -> Conversation:
    talk = Conversation(app)
    for _ in range(COUNT):
        talk.begin(GET)
    await talk.talk()
    await turns(2 * COUNT)
    assert app.calls == COUNT
    assert not app.seen
    return talk


@pytest.mark.parametrize("broken", [False, True], ids=["lost", "broken, and lost before all have heard of it"])
def test_a_connection_that_ends_wakes_few_at_once(*, broken: bool) -> None:
    async def scenario() -> None:
        app = Leaving()
        talk = await waiting(app)
        if broken:
            talk.connection.data_received(b"\0\0\0\x09\0\0\0\0\x01")
            assert talk.transport.closing
        else:
            talk.connection.connection_lost(ConnectionResetError())
        assert len(talk.connection.streams) == COUNT - TOLD_AT_ONCE
        await turns(COUNT)
        assert talk.transport.lost is broken
        assert len(app.seen) == COUNT
        assert max(Counter(app.seen).values()) <= 2 * TOLD_AT_ONCE
        assert len(set(app.seen)) >= COUNT // TOLD_AT_ONCE // 2
        assert not talk.connection.streams
        assert len(talk.host.closed) == 1

    converse(scenario)


def test_a_connection_that_ends_at_a_stop_wakes_all() -> None:
    """There may be no later turn."""

    async def scenario() -> None:
        app = Leaving()
        talk = await waiting(app)
        talk.host.draining = True
        talk.connection.connection_lost(ConnectionResetError())
        assert not talk.connection.streams
        await turns(2)
        assert len(app.seen) == COUNT

    converse(scenario)


def test_who_has_not_heard_of_the_end_yet_may_send() -> None:
    async def scenario() -> None:
        ended: list[type[BaseException]] = []

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            try:
                while True:
                    await send({"type": "http.response.body", "body": b"x" * 100, "more_body": True})
                    await asyncio.sleep(0)
            except OSError as error:
                ended.append(type(error))

        talk = Conversation(app)
        for _ in range(COUNT):
            talk.begin(GET)
        talk.connection.data_received(talk.client.data_to_send())
        while len(talk.connection.streams) < COUNT:
            await turns(1)
        talk.connection.connection_lost(ConnectionResetError())
        await turns(COUNT)
        assert ended == [ClientGone] * COUNT
        assert not talk.connection.streams

    converse(scenario)


def test_windows_that_open_all_at_once_wake_few_at_once() -> None:
    async def scenario() -> None:
        noting = Noting()
        seen: list[int] = []

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first ", "more_body": True})
            seen.append(noting.turns)
            await send({"type": "http.response.body", "body": b"second"})

        talk = Conversation(app, client_settings={SettingCodes.INITIAL_WINDOW_SIZE: 0})
        streams = [talk.begin(GET) for _ in range(2 * COUNT)]
        await talk.talk()
        await turns(4 * COUNT)
        assert not seen
        talk.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 65_535})
        for _ in range(10):
            await talk.talk()
        assert [talk.answer(stream).body for stream in streams] == [b"first second"] * len(streams)
        assert max(Counter(seen).values()) <= TURN_BYTES // PIECE_COST

    converse(scenario)


def test_making_the_connection_belongs_to_its_first_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes with the preface waits for others then, and nothing later does for that."""
    now = 100.0
    monkeypatch.setattr("pounce_h2.connection.TURN_SECONDS", 1.0)
    monkeypatch.setattr("pounce_h2.connection.monotonic", lambda: now)

    async def scenario() -> None:
        nonlocal now
        talk = Conversation()
        now += 1.5
        for _ in range(3):
            talk.begin(GET)
        talk.connection.data_received(talk.client.data_to_send())
        assert talk.connection.requests == 0
        await turns(3)
        assert talk.connection.requests == 3
        assert talk.connection.idle
        talk.client.update_settings({SettingCodes.ENABLE_PUSH: 0})
        talk.begin(GET)
        talk.connection.data_received(talk.client.data_to_send())
        assert talk.connection.requests == 4

    converse(scenario)


def test_a_client_that_sends_no_more_wakes_few_at_once() -> None:
    async def scenario() -> None:
        app = Leaving()
        talk = await waiting(app)
        talk.connection.eof_received()
        await turns(COUNT)
        assert len(app.seen) == COUNT
        assert max(Counter(app.seen).values()) <= 2 * TOLD_AT_ONCE
        assert talk.transport.closing  # when all were answered

    converse(scenario)


def test_streams_whose_time_is_up_end_few_at_once() -> None:
    async def scenario() -> None:
        async def app(_scope: Any, receive: Any, send: Any) -> None:
            await read_body(receive)

        talk = Conversation(app, timeouts={"body_stall": 5.0})
        streams = [talk.begin(POST, end=False) for _ in range(COUNT)]
        await talk.talk()
        await turns(2 * COUNT)
        talk.host.soon += 6
        talk.connection.expire(talk.host.soon)
        assert len(talk.connection.streams) == COUNT - TOLD_AT_ONCE
        await turns(COUNT)
        assert not talk.connection.streams
        await talk.talk()
        assert [talk.answer(stream).status for stream in streams] == [408] * COUNT

    converse(scenario)
