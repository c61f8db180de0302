"""Nobody keeps the loop: pieces of bodies and of answers over HTTP/1.1 leave others their turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from http1_driver import Conversation, answer, both_engines, converse
from loops import turns

from pounce_asgi.fairness import PIECE_COST, call_behind
from pounce_workers.serving import http1_answers, http1_bodies

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


# -- bodies ----------------------------------------------------------------------------------------------------------


def chunks(count: int) -> bytes:
    return b"1\r\nx\r\n" * count


class Counting:
    """Reads the whole body, and answers with its size."""

    def __init__(self) -> None:
        self.size = 0
        self.disconnected = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected = True
                return
            self.size += len(message["body"])
            if not message["more_body"]:
                break
        await answer(send, b"%d" % self.size)


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_bodies, "TURN_SECONDS", 0.0)


@pytest.mark.usefixtures("short_turns")
def test_pieces_of_a_body_leave_others_their_turn() -> None:
    async def scenario() -> None:
        app = Counting()
        it = Conversation(app, "fast")
        it.transport.send(HEAD + chunks(1000))
        assert it.transport.paused
        assert it.connection.reader.buffered > 1000  # most of it was not looked at
        assert it.transport.deadline == float("inf")  # that is not the client's fault
        await turns(5)
        assert 0 < app.size < 1000
        await turns(100)
        assert app.size == 1000
        assert not it.transport.paused
        await it.send(b"0\r\n\r\n")
        assert [response.body for response in it.responses()] == [b"1000"]
        assert it.connection.idle

    converse(scenario)


@both_engines
@pytest.mark.usefixtures("short_turns")
@pytest.mark.parametrize("more", [chunks(500), b"0\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_what_comes_meanwhile_is_kept_in_order(engine: str, more: bytes) -> None:
    async def scenario() -> None:
        app = Counting()
        it = Conversation(app, engine)
        it.transport.send(HEAD + chunks(1000))
        it.connection.data_received(more)  # what was on its way when reading was paused
        await turns(200)
        if more.startswith(b"0"):
            assert [response.body for response in it.responses()] == [b"1000", b"1000"]
        else:
            assert app.size == 1500
            assert not it.transport.paused

    converse(scenario)


@pytest.mark.usefixtures("short_turns")
def test_a_client_that_leaves_meanwhile() -> None:
    async def scenario() -> None:
        app = Counting()
        it = Conversation(app, "fast")
        it.transport.send(HEAD + chunks(1000))
        it.transport.leave()
        await turns(100)
        assert app.disconnected
        assert not it.wire.connections

    converse(scenario)


@pytest.mark.usefixtures("short_turns")
def test_the_rest_of_an_unwanted_body_leaves_others_their_turn() -> None:
    async def scenario() -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answer(send)

        it = Conversation(app, "fast")
        it.transport.send(HEAD + chunks(1000))
        await turns(200)
        await it.send(b"0\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        assert it.statuses() == [200, 200]

    converse(scenario)


@pytest.mark.usefixtures("short_turns")
def test_an_error_behind_the_turn_is_heard() -> None:
    async def scenario() -> None:
        it = Conversation(Counting(), "fast")
        it.transport.send(HEAD + chunks(1000) + b"xyz\r\n")
        await turns(200)
        assert it.statuses() == [400]
        assert it.ended == "lingering"

    converse(scenario)


# -- answers ---------------------------------------------------------------------------------------------------------


def count_turns(others: list[int]) -> Callable[[], None]:
    """Others, who have something to do in each turn."""

    def once() -> None:
        others[0] += 1
        asyncio.get_running_loop().call_soon(once)

    return once


@pytest.mark.parametrize("chunked", [True, False])
def test_an_application_that_only_sends_leaves_others_their_turn(
    chunked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the client takes all that is written."""
    monkeypatch.setattr(http1_answers, "SENDING_TURN", 0)
    monkeypatch.setattr(http1_answers, "FIRST_TURN", 0)
    others = [0]
    seen: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        fields = [] if chunked else [(b"content-length", b"60")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        for _ in range(20):
            await send({"type": "http.response.body", "body": b"xyz", "more_body": True})
            seen.append(others[0])
        await send({"type": "http.response.body", "body": b""})

    async def scenario() -> None:
        it = Conversation(app, "fast")
        count_turns(others)()
        await it.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await turns(100)
        (response,) = it.responses()
        assert response.body == b"xyz" * 20
        assert len(set(seen)) >= 19  # the first piece goes with the head
        assert it.connection.idle
        await it.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await turns(100)
        assert it.statuses() == [200, 200]

    converse(scenario)


def test_who_waits_for_a_turn_hears_that_the_client_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_answers, "SENDING_TURN", 0)
    monkeypatch.setattr(http1_answers, "FIRST_TURN", 0)
    ended: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"xyz", "more_body": True})
        except OSError:
            ended.append("gone")

    async def scenario() -> None:
        it = Conversation(app, "fast")
        await it.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        it.transport.leave()
        await turns(20)
        assert ended == ["gone"]

    converse(scenario)


@pytest.mark.parametrize(
    ("others_from", "turns_taken"), [(0, [1, 4, 7, 10, 13]), (99, [4, 9, 14]), (5, [4, 9, 12, 15])]
)
def test_turns_are_short_while_others_wait(
    others_from: int, turns_taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turns of one, two and four pieces: each ends with the piece that is too much."""
    cost = PIECE_COST + 1
    monkeypatch.setattr(http1_answers, "FIRST_TURN", cost)
    monkeypatch.setattr(http1_answers, "CROWDED_TURN", 2 * cost)
    monkeypatch.setattr(http1_answers, "SENDING_TURN", 4 * cost)
    made_way: list[int] = []
    sent = [0]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(16):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            sent[0] += 1
        await send({"type": "http.response.body", "body": b""})

    async def scenario() -> None:
        it = Conversation(app, "fast")
        it.wire.others_wait = lambda: sent[0] >= others_from

        def note(*args: Any) -> None:
            made_way.append(sent[0])
            call_behind(*args)

        monkeypatch.setattr(http1_answers, "call_behind", note)
        await it.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await turns(50)
        assert it.statuses() == [200]

    converse(scenario)
    assert made_way == turns_taken
