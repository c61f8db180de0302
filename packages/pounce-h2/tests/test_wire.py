"""How connections begin: also those whose client is gone by then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from h2_doubles import Conversation, FakeTransport, converse, turns

from pounce_h2 import Http2Connection, RequestHead

HEAD = RequestHead("GET", b"/first", ((b"host", b"example.org"),), version="2")
BAD_FRAME_SIZE = b"\0\5\0\0\0\1"


class Reset(FakeTransport):
    """Its client is gone, which the first write finds out. The loss is told when the test says so."""

    def write(self, data: bytes) -> None:
        assert data
        self.writes += not self.closing
        self.closing = True


class Watcher:
    """An application that answers only after it was told that its client is gone."""

    def __init__(self) -> None:
        self.raised: list[OSError] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        except OSError as error:
            self.raised.append(error)


def begin(talk: Conversation, transport: FakeTransport, how: str) -> Http2Connection:
    talk.host.watched.clear()
    if how == "connect":
        connection = talk.wire.connect(transport, talk.peer)
    else:
        payload = BAD_FRAME_SIZE if how == "upgrade-bad" else b""
        connection = talk.wire.upgrade(transport, talk.peer, HEAD, payload)
    transport.protocol = connection
    return connection


@pytest.mark.parametrize("closing", [True, False], ids=["closing-before", "first-write-fails"])
@pytest.mark.parametrize("when", ["at-once", "next-turn", "later"])
@pytest.mark.parametrize("how", ["connect", "upgrade", "upgrade-bad"])
def test_a_client_that_is_gone_when_its_connection_begins(how: str, when: str, closing: bool) -> None:
    async def scenario() -> None:
        app = Watcher()
        talk = Conversation(app, raw=True)
        transport = Reset()
        transport.closing = closing
        connection = begin(talk, transport, how)
        error = ConnectionResetError("reset")
        if when == "at-once":
            transport.lose(error)
        elif when == "next-turn":
            asyncio.get_running_loop().call_soon(transport.lose, error)
        await turns()
        if when == "later":
            transport.lose(error)
            await turns()
        assert talk.host.closed == [(connection, error)]
        assert not talk.host.watched
        assert not connection.streams
        assert connection.ended
        assert transport.writes == (0 if closing else 1), "nothing is sent to who is gone"
        assert len(app.raised) == (how == "upgrade"), "its application has ended too"
        assert len(talk.host.refused) == (how == "upgrade-bad")

    converse(scenario)


@pytest.mark.parametrize("how", ["connect", "upgrade", "upgrade-bad"])
def test_whatever_it_is_told_after_its_end_means_nothing(how: str) -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        transport = Reset()
        connection = begin(talk, transport, how)
        transport.lose(None)
        connection.data_received(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        connection.writable()
        connection.eof_received()
        connection.last_request()
        connection.begin_drain()
        connection.expire(talk.host.soon + 1000)
        await turns()
        assert len(talk.host.closed) == 1
        assert transport.writes == 1
        assert not connection.streams

    converse(scenario)


def test_settings_of_an_upgrade_that_are_wrong_end_the_connection_once() -> None:
    """``HTTP2-Settings: AAUAAAAB``: the connection closes within its constructor, before anybody holds it."""

    async def scenario() -> None:
        talk = Conversation(raw=True)
        transport = FakeTransport()
        connection = begin(talk, transport, "upgrade-bad")
        assert transport.closing
        assert connection.ended
        assert not connection.requests
        connection.data_received(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        connection.last_request()
        await turns()
        assert talk.host.closed == [(connection, None)]
        assert not talk.host.watched
        assert transport.writes == 1

    converse(scenario)
