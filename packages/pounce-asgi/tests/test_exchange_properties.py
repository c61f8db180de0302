"""Whatever an application sends and whatever happens around it, no wire ever gets what it could not send.

The fake sink holds the invariant: no call after the end or the reset, one head, exactly as many body bytes as LENGTH
announced, none where none may be, trailers after DELIMITED only.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from typing import Any

import pytest
from exchange_doubles import (
    FakeSink,
    Head,
    Message,
    body,
    follow,
    hint,
    make_exchange,
    sink_of,
    start,
    trailers,
    zero_copy,
)
from exchange_doubles import path as path_message
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import run_virtually, turns

from pounce_asgi import ApplicationError, BodyFraming, ClientGone

FILE = tempfile.NamedTemporaryFile()  # noqa: SIM115 - lives as long as the module
FILE.write(b"0123")
FILE.flush()

STATUS = st.sampled_from([200, 200, 200, 204, 304, 404, 103, 1000])
FIELDS = st.lists(
    st.sampled_from(
        [
            (b"content-length", b"4"),
            (b"content-length", b"0"),
            (b"content-length", b"8"),
            (b"transfer-encoding", b"chunked"),
            (b"connection", b"close"),
            (b"date", b"x"),
            [b"x-list", b"y"],
            (b"bad name", b"y"),
            ("text", "y"),
        ]
    ),
    max_size=2,
)
DATA = st.sampled_from([b"", b"0123", b"4567", b"01234567", bytearray(b"0123"), "text"])
MORE = st.booleans()

MESSAGES = st.one_of(
    st.builds(lambda status, fields, announced: start(status, *fields, trailers=announced), STATUS, FIELDS, MORE),
    st.builds(body, DATA, MORE),
    st.builds(body, DATA, MORE),
    st.builds(lambda more: trailers((b"x-a", b"b"), more=more), MORE),
    st.just(hint(b"</a>")),
    st.just(path_message(FILE.name)),
    st.builds(lambda more, keys: zero_copy(FILE, more, offset=0, **keys), MORE, st.sampled_from([{}, {"count": 2}])),
    st.just({"type": "http.response.nonsense"}),
)
# What the application does: sends, receives, lets the loop turn, raises.
ACTIONS = st.lists(st.one_of(MESSAGES, MESSAGES, MESSAGES, st.sampled_from(["receive", "turn", "raise"])), max_size=8)
# What happens around it, one step a turn; as in ``follow``, and: c congested, r reads again, A abandoned, C cancelled.
AROUND = st.text("..abFEGXcrAC", max_size=6)
HEADS = st.builds(
    lambda method, has_body, accepts, expects: Head(
        method=method, has_body=has_body, accepts_trailers=accepts, expect_continue=expects
    ),
    st.sampled_from(["GET", "HEAD", "POST"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


class Actor:
    """Acts, and goes on after an error if it is stubborn. What it sent successfully can be compared with the wire."""

    def __init__(self, actions: list[Any], *, stubborn: bool) -> None:
        self.actions = actions
        self.stubborn = stubborn
        self.accepted: list[Message] = []
        self.foreign: list[Exception] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for action in self.actions:
            try:
                await self.act(action, receive, send)
            except (ApplicationError, ClientGone):
                if not self.stubborn:
                    raise
            except Exception as error:
                self.foreign.append(error)
                raise

    async def act(self, action: Any, receive: Any, send: Any) -> None:
        if action == "receive":
            async with asyncio.timeout(1):
                await receive()
        elif action == "turn":
            await turns(2)
        elif action == "raise":
            raise ZeroDivisionError
        else:
            await send(action)
            self.accepted.append(action)


def happen(exchange: Any, step: str) -> None:
    match step:
        case ".":
            pass
        case "c":
            exchange.sink.congested = True
        case "r":
            exchange.sink.congested = False
            exchange.resume_sending()
        case "A":
            exchange.abandon()
        case "C":
            for task in exchange.context.running:
                task.cancel()
        case _:
            follow(exchange, step)


async def live(app: Actor, head: Head, around: str, early_head: bool) -> FakeSink:
    exchange = make_exchange(app, head, early_head=early_head)
    exchange.start()
    for step in around:
        await turns(1)
        # Bytes after the end of the body, or after the client is gone, come from no wire.
        if not (step in "abF" and (exchange.body is None or exchange.body.complete or exchange.gone)):
            happen(exchange, step)
    happen(exchange, "r")
    await asyncio.sleep(20)
    assert not exchange.context.running
    sink = sink_of(exchange)
    # One way or the other it is over: whole, cut off, or nobody is there to hear it.
    assert sink.ended or sink.was_reset or exchange.gone
    return sink


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Any:
    """Thousands of tracebacks are expected here."""
    logging.getLogger("pounce.error").setLevel(logging.CRITICAL + 1)
    yield
    logging.getLogger("pounce.error").setLevel(logging.NOTSET)


@settings(max_examples=400, deadline=None)
@given(actions=ACTIONS, head=HEADS, around=AROUND, early_head=st.booleans(), stubborn=st.booleans())
def test_the_sink_never_gets_what_no_wire_could_send(
    actions: list[Any], head: Head, around: str, early_head: bool, stubborn: bool
) -> None:
    app = Actor(actions, stubborn=stubborn)
    sink = run_virtually(lambda: live(app, head, around, early_head))
    assert not [call for call in sink.calls if call.startswith("ILLEGAL")]
    assert all(isinstance(error, (ZeroDivisionError, TimeoutError)) for error in app.foreign)


BODIES = st.lists(st.binary(max_size=5), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(pieces=BODIES, announced=st.booleans(), turning=st.lists(st.booleans()), head=HEADS, early_head=st.booleans())
def test_a_right_response_arrives_whole(
    pieces: list[bytes], announced: bool, turning: list[bool], head: Head, early_head: bool
) -> None:
    whole = b"".join(pieces)
    fields = [(b"content-length", b"%d" % len(whole))] if announced else []
    messages: list[Any] = [start(200, *fields)]
    messages += [body(piece, number < len(pieces) - 1) for number, piece in enumerate(pieces)]
    for place, turn in enumerate(turning):
        if turn:
            messages.insert(place % len(messages), "turn")
    sink = run_virtually(lambda: live(Actor(messages, stubborn=False), head, "", early_head))
    assert sink.ended
    assert not sink.was_reset
    assert sink.head is not None
    assert sink.head.status == 200
    assert sink.body == (b"" if head.method == "HEAD" else whole)
    if announced:
        assert sink.values(b"content-length") == [b"%d" % len(whole)]
    elif head.method != "HEAD" and len(pieces) > 1:
        assert sink.head.framing is BodyFraming.DELIMITED


@settings(max_examples=200, deadline=None)
@given(around=st.text("ab", max_size=8), cut=st.sampled_from(["F", "E", "G", "X"]), reads=st.lists(st.booleans()))
def test_a_body_looks_whole_only_if_it_is(around: str, cut: str, reads: list[bool]) -> None:
    received: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            received.append(await receive())
            if received[-1]["type"] == "http.disconnect" or not received[-1]["more_body"]:
                return
            for _ in range(reads.pop() if reads else 0):
                await turns(2)

    async def main() -> None:
        exchange = make_exchange(app, Head(method="POST", has_body=True))
        exchange.start()
        for step in around + cut:
            if reads and reads.pop():
                await turns(1)
            follow(exchange, step)
        await turns(20)

    run_virtually(main)
    data = b"".join(message.get("body", b"") for message in received)
    assert around.encode().startswith(data)
    if cut == "F":
        assert (data, received[-1]["type"]) == (around.encode(), "http.request")
    else:
        assert received[-1]["type"] == "http.disconnect"
