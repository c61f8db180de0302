"""Whatever a client, an application or time does: what begins also ends, exactly once and in order.

The connections are the real ones; only their sockets are not.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce.events import (
    ConnectionClosed,
    ConnectionOpened,
    RequestStarted,
    ResponseCompleted,
    WebSocketClosed,
    WebSocketOpened,
)
from tests.events.traffic import PATHS, WEBSOCKETS, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pounce_asgi.lifecycle import LifecycleRecord

FRAMES = (
    b"\x81\x85\0\0\0\0hello",  # a text
    b"\x88\x82\0\0\0\0\x03\xe8",  # goodbye
    b"\x89\x80\0\0\0\0",  # a ping
    b"\xff\xff",  # none
)
codes = st.sampled_from((0, 7, 8, 0x100, 0x10C))
steps = st.one_of(
    st.tuples(
        st.just("request"),
        st.sampled_from(PATHS),
        st.fixed_dictionaries({"body": st.booleans(), "whole": st.booleans()}),
    ),
    st.tuples(st.just("websocket"), st.sampled_from(WEBSOCKETS), st.just({})),
    st.tuples(
        st.just("more"), st.sampled_from((*FRAMES, b"llo", b"")), st.fixed_dictionaries({"ended": st.booleans()})
    ),
    st.tuples(st.just("receive"), st.binary(min_size=1, max_size=40), st.just({})),
    st.tuples(st.just("reset"), codes, st.fixed_dictionaries({"stop": st.booleans()})),
    st.tuples(st.just("congest"), st.booleans(), st.just({})),
    st.sampled_from([("eof",), ("time_passes",), ("drain",), ("turn",), ("turn",)]),
    st.sampled_from([("leave", {"broken": True}), ("leave", {"broken": False})]),
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Applications fail thousands of times."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def pairs(records: Sequence[LifecycleRecord]) -> None:
    """Each ends once, after it has begun and before what holds it ends; nothing is left open."""
    connections: set[int] = set()
    requests: dict[tuple[int, str | None], str] = {}
    for record in records:
        if isinstance(record, ConnectionOpened):
            assert record.connection_id not in connections
            connections.add(record.connection_id)
        elif isinstance(record, ConnectionClosed):
            assert not [one for one in requests if one[0] == record.connection_id], "a request outlives its connection"
            connections.remove(record.connection_id)
        elif isinstance(record, RequestStarted | WebSocketOpened | WebSocketClosed | ResponseCompleted):
            key = (record.connection_id, record.request_id)
            assert record.connection_id in connections
            if isinstance(record, RequestStarted):
                assert key not in requests
                requests[key] = "request"
            elif isinstance(record, WebSocketOpened):
                assert requests[key] == "request"
                requests[key] = "websocket"
            elif isinstance(record, WebSocketClosed):
                assert requests[key] == "websocket"
                requests[key] = "over"
            else:
                assert requests.pop(key) in ("request", "over")
    assert not connections
    assert not requests


async def turns(count: int = 12) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def play(version: str, story: Sequence[tuple[Any, ...]]) -> Sequence[LifecycleRecord]:
    async def main() -> Sequence[LifecycleRecord]:
        traffic = Traffic(version)
        for name, *arguments in story:
            if name == "turn":
                await turns()
                continue
            options = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
            getattr(traffic, name)(*arguments, **options)
        await traffic.server.give_up()
        await turns()
        return traffic.records

    unforeseen: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: unforeseen.append(context))
        records = runner.run(main())
    assert not unforeseen, unforeseen
    return records


@pytest.mark.parametrize("version", ["http/1.1", "h2", "h3"])
@settings(max_examples=60, deadline=None)
@given(story=st.lists(steps, max_size=12))
def test_what_begins_ends(version: str, story: list[tuple[Any, ...]]) -> None:
    pairs(play(version, story))


@pytest.mark.parametrize("version", ["http/1.1", "h2", "h3"])
def test_the_stories_reach_what_they_are_about(version: str) -> None:
    """Or the property would hold for want of traffic."""
    story = [("request", "ok", {"body": True, "whole": True}), ("turn",), ("websocket", "echo"), ("turn",)]
    records = play(version, [*story, ("more", FRAMES[0], {"ended": False}), ("turn",), ("leave", {"broken": True})])
    names = [type(record).__name__ for record in records]
    of_request = ["RequestStarted", "ResponseStarted", "ResponseCompleted"]
    of_websocket = ["RequestStarted", "ResponseStarted", "WebSocketOpened"]
    assert names[:7] == ["ConnectionOpened", *of_request, *of_websocket]
    assert [name for name in names[7:] if "Reset" not in name] == [
        *(["ClientDisconnected"] if "ClientDisconnected" in names else []),
        "WebSocketClosed",
        "ResponseCompleted",
        "ConnectionClosed",
    ]
    (closed,) = [record for record in records if isinstance(record, WebSocketClosed)]
    assert (closed.code, closed.messages_received, closed.messages_sent) == (1006, 1, 1)
    assert (closed.bytes_received, closed.bytes_sent, closed.protocol) == (5, 4, version)
