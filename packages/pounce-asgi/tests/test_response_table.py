"""Every message in every state: accepted, ignored, refused, or too late because the client is gone."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_doubles import (
    CHUNKED,
    TE_TRAILERS,
    FakeSink,
    Head,
    Message,
    body,
    hint,
    make_exchange,
    start,
    trailers,
    zero_copy,
)
from exchange_doubles import path as path_message
from virtual_time import turns

from pounce_asgi import ApplicationError, ClientGone, InvalidMessage, RequestTooLarge, UnexpectedMessage
from pounce_asgi.response_states import (
    AWAITING_START,
    AWAITING_TRAILERS,
    COMPLETE,
    FAILED,
    GONE,
    HEAD_HELD,
    STREAMING,
    ResponseState,
)
from pounce_asgi.response_table import HANDLERS

Run = Any

CL1 = (b"content-length", b"1")

# How to come to a state; GONE is what happens around the application.
WAYS: dict[str, tuple[ResponseState, list[Message]]] = {
    "awaiting start": (AWAITING_START, []),
    "awaiting start, hinted": (AWAITING_START, [hint(b"</a>")]),
    "head held": (HEAD_HELD, [start(trailers=True)]),
    "streaming": (STREAMING, [start(trailers=True), body(b"", True)]),
    "awaiting trailers": (AWAITING_TRAILERS, [start(trailers=True), body(b"x")]),
    "awaiting more trailers": (AWAITING_TRAILERS, [start(trailers=True), body(b"x"), trailers(more=True)]),
    "complete": (COMPLETE, [start(), body(b"x")]),
    "complete with trailers": (COMPLETE, [start(trailers=True), body(b"x"), trailers()]),
    "failed before the head": (FAILED, [start(200, CL1), body(b"xy")]),
    "failed after the head": (FAILED, [start(200, CL1), body(b"x", True), body(b"y")]),
    "gone at once": (GONE, []),
    "gone, head held": (GONE, [start()]),
    "gone while streaming": (GONE, [start(), body(b"x", True)]),
}

KINDS = ("start", "body", "path", "zero copy", "hint", "trailers", "unknown", "request", "debug")
BODIES = ("body", "path", "zero copy")
# State -> the messages it takes, and those it ignores. The rest is refused.
TAKES: dict[ResponseState, tuple[str, ...]] = {
    AWAITING_START: ("start", "hint"),
    HEAD_HELD: (*BODIES, "hint"),
    STREAMING: BODIES,
    AWAITING_TRAILERS: ("trailers",),
    COMPLETE: (),
    FAILED: (),
    GONE: (),
}
IGNORES: dict[ResponseState, tuple[str, ...]] = {
    STREAMING: ("hint",),
    COMPLETE: (*BODIES, "hint", "trailers"),
}


def message(kind: str, file: Any) -> Message:
    return {
        "start": start(),
        "body": body(b"x"),
        "path": path_message(file.name),
        "zero copy": zero_copy(file),
        "hint": hint(b"</b>"),
        "trailers": trailers((b"x-a", b"b")),
        "unknown": {"type": "http.response.boddy"},
        "request": {"type": "http.request", "body": b""},
        "debug": {"type": "http.response.debug", "info": {}},
    }[kind]


def test_the_table_names_every_state() -> None:
    assert set(HANDLERS) == set(TAKES) == {state for state, _ in WAYS.values()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_every_message_in_every_state(run: Run, way: str, kind: str, tmp_path: Any) -> None:
    state, prefix = WAYS[way]
    raised: list[Exception] = []
    before: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for one in prefix:
            try:
                await send(one)
            except ApplicationError:
                assert state is FAILED
        if state is GONE:
            exchange.client_gone()
        assert exchange.state is state
        before.append(len(exchange.sink.calls))
        (tmp_path / "file").write_bytes(b"x")
        with (tmp_path / "file").open("rb") as file:
            try:
                await send(message(kind, file))
            except Exception as error:  # noqa: BLE001 - whatever it is, the table judges it
                raised.append(error)
        after.append(len(exchange.sink.calls))

    after: list[int] = []
    exchange: Any = None

    async def main() -> None:
        nonlocal exchange
        exchange = make_exchange(app, TE_TRAILERS)
        exchange.start()
        await turns()

    run(main)
    assert len(after) == 1  # the application came to its end
    if kind in TAKES[state]:
        assert not raised
        assert after > before or kind == "start"
    elif kind in IGNORES.get(state, ()):
        assert not raised
        assert after == before
    else:
        gone = state is GONE and kind in ("start", *BODIES, "hint", "trailers")
        assert [type(error) for error in raised] == [ClientGone if gone else UnexpectedMessage]
        assert after == before


@pytest.mark.parametrize(
    "wrong", [None, "text", {}, {"type": None}, {"type": b"http.response.start"}, {"type": []}], ids=repr
)
@pytest.mark.parametrize("way", ["awaiting start", "complete", "gone at once"])
def test_what_is_not_a_message(run: Run, way: str, wrong: Any) -> None:
    state, prefix = WAYS[way]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for one in prefix:
            await send(one)
        if state is GONE:
            exchange.client_gone()
        with pytest.raises(InvalidMessage, match="message with a type"):
            await send(wrong)
        passed.append(True)

    passed: list[bool] = []
    exchange: Any = None

    async def main() -> None:
        nonlocal exchange
        exchange = make_exchange(app)
        exchange.start()
        await turns()

    run(main)
    assert passed


def test_additional_keys_do_no_harm(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start() | {"future": 1})
        await send(body(b"x") | {"future": 1})

    async def main() -> FakeSink:
        exchange = make_exchange(app)
        exchange.start()
        await turns()
        return exchange.sink  # type: ignore[return-value]

    assert run(main).ended


def test_the_refusal_says_what_is_expected(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(UnexpectedMessage, match=r"http\.response\.body came where .*http\.response\.start"):
            await send(body(b"x"))
        await send(start())
        await send(body(b"x"))
        with pytest.raises(UnexpectedMessage, match=r"http\.response\.start came after the response was complete"):
            await send(start())
        passed.append(True)

    passed: list[bool] = []

    async def main() -> None:
        make_exchange(app).start()
        await turns()

    run(main)
    assert passed


@pytest.mark.parametrize(
    "head", [CHUNKED, Head(method="POST", has_body=True, content_length=6)], ids=["chunked", "length"]
)
def test_after_a_refused_request_sending_raises_client_gone(run: Run, head: Head) -> None:
    raised: list[Exception] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await receive()
        try:
            await send(body(b"x"))
        except ClientGone as error:
            raised.append(error)

    async def main() -> None:
        exchange = make_exchange(app, head, early_head=False)
        exchange.start()
        await turns()
        exchange.fail_request(RequestTooLarge("too large"))
        await turns()

    run(main)
    assert len(raised) == 1
