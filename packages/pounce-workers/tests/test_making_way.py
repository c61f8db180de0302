"""Who makes way for others while it sends goes on after them, and what came is read in order."""

from __future__ import annotations

import asyncio
import contextvars
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from fake_transport import FakeTransport
from http1_driver import Conversation, converse
from loops import turns

from pounce_workers.serving import http1_answers, http1_websocket
from pounce_workers.serving.http1_websocket import Http1WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable


class WebSocket:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[bytes | str] = []
        self.data_received: Callable[[bytes], None] = self.heard.append

    def eof_received(self) -> None:
        self.heard.append("end")

    def writable(self) -> None:
        self.heard.append("writable")


class Upgraded:
    """A WebSocket that is accepted on a connection of HTTP/1.1, of which some was read before."""

    def __init__(self, unread: bytes = b"", *, half_closed: bool = False) -> None:
        self.websocket = WebSocket()
        self.transport = FakeTransport()
        context = SimpleNamespace(default_fields=lambda: b"", header_memo={})
        connection: Any = SimpleNamespace(
            transport=self.transport,
            peer=None,
            wire=SimpleNamespace(context=context),
            give_way=lambda: (unread, half_closed),
            has_place=True,
            opened=0.0,
            requests=1,
            respond=lambda exchange: setattr(connection, "exchange", exchange),
        )
        host = SimpleNamespace(
            loop=asyncio.get_running_loop(),
            base_context=contextvars.copy_context(),
            admit=lambda *_: None,
        )
        makers = SimpleNamespace(connect=lambda *_: self.websocket)
        self.carrier = Http1WebSocket(cast("Any", host), cast("Any", connection), cast("Any", None), makers, None)
        self.carrier.accept([])

    def deliver(self, data: bytes) -> None:
        """As the poller does."""
        cast("Any", self.transport).deliver(data)


@pytest.mark.parametrize("half_closed", [False, True])
def test_what_was_put_off_comes_after_what_was_sent_before_it(half_closed: bool) -> None:
    async def scenario() -> None:
        it = Upgraded(b"first", half_closed=half_closed)
        it.deliver(b"second")
        assert it.websocket.heard == []
        await turns(3)
        assert it.websocket.heard == [b"firstsecond", "end"] if half_closed else [b"firstsecond"]
        it.deliver(b"third")
        assert it.websocket.heard[-1] == b"third"

    converse(scenario)


def test_nothing_was_sent_before() -> None:
    async def scenario() -> None:
        it = Upgraded()
        it.deliver(b"first")
        assert it.websocket.heard == [b"first"]

    converse(scenario)


def test_a_ping_does_not_stop_who_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody but the one who sent last knows that there is room."""
    monkeypatch.setattr(http1_websocket, "SENDING_TURN", 10_000)

    async def scenario() -> None:
        it = Upgraded()
        it.carrier.write(b"x" * 9000)
        assert it.carrier.congested
        it.carrier.write(b"ping")
        await turns(3)
        assert it.websocket.heard == ["writable"]
        assert not it.carrier.congested

    converse(scenario)


def test_who_makes_way_while_the_client_stops_reading_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_websocket, "SENDING_TURN", 10_000)

    async def scenario() -> None:
        it = Upgraded()
        it.transport.protocol = it.carrier
        it.carrier.write(b"x" * 9000)
        it.transport.room = 0
        it.carrier.write(b"x" * 100_000)
        await turns(3)
        assert it.websocket.heard == []
        it.transport.take()
        assert it.websocket.heard == ["writable"]

    converse(scenario)


def test_a_second_task_does_not_stop_who_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_answers, "SENDING_TURN", 100_000)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def pieces(count: int) -> None:
            for _ in range(count):
                await send({"type": "http.response.body", "body": b"xyz", "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.gather(pieces(50), pieces(1))
        await send({"type": "http.response.body", "body": b""})

    async def scenario() -> None:
        it = Conversation(app, "fast")
        await it.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await turns(100)
        (response,) = it.responses()
        assert response.body == b"xyz" * 51

    converse(scenario)
