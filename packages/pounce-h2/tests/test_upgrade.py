"""``Upgrade: h2c``: stream 1 came over HTTP/1.1 (RFC 7540, 3.2)."""

from __future__ import annotations

import base64
from typing import Any

from h2_doubles import GET, Conversation, converse, hello, turns

from pounce_h2 import RequestHead

FIELDS = (
    (b"host", b"example.org"),
    (b"connection", b"Upgrade, HTTP2-Settings"),
    (b"upgrade", b"h2c"),
    (b"http2-settings", b"AAMAAABkAAQAAP__"),
    (b"accept", b"*/*"),
)
scopes: list[Any] = []


async def keep_scope(scope: Any, receive: Any, send: Any) -> None:
    scopes.append(scope)
    await hello(scope, receive, send)


async def long(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(200_000)})


def upgraded(payload: bytes, app: Any = keep_scope) -> Conversation:
    talk = Conversation(app, raw=True)
    talk.transport.written.clear()
    talk.host.watched.clear()
    head = RequestHead("GET", b"/first?x=y", FIELDS, version="2")
    talk.connection = talk.wire.upgrade(talk.transport, talk.peer, head, payload)
    talk.transport.protocol = talk.connection
    return talk


def test_the_first_request_is_answered_on_stream_1() -> None:
    async def scenario() -> None:
        scopes.clear()
        probe = Conversation(raw=True)
        settings = probe.client.initiate_upgrade_connection()
        talk = upgraded(base64.urlsafe_b64decode(settings or b""))
        talk.client = probe.client
        await talk.talk()
        assert talk.answer(1).body == b"hello /first"
        assert talk.answer(1).ended
        (scope,) = scopes
        assert scope["http_version"] == "2"
        assert (scope["raw_path"], scope["query_string"]) == (b"/first", b"x=y")
        assert scope["headers"] == [(b"host", b"example.org"), (b"accept", b"*/*")]
        assert (await talk.ask(GET)).body == b"hello /"
        assert talk.connection.requests == 2

    converse(scenario)


def test_settings_are_taken_and_unknown_ones_are_not_kept() -> None:
    async def scenario() -> None:
        unknown = b"".join(number.to_bytes(2, "big") + bytes(4) for number in range(1000, 3000))
        talk = upgraded(unknown + b"\0\4\0\0\0\5" + b"\0\2\0\0\0\0")
        await turns()
        assert len(talk.connection.engine._h2.remote_settings) < 20  # type: ignore[attr-defined]
        assert not talk.connection.engine.push_allowed
        bodies = [one.data for one in talk.frames() if one.type == 0]  # type: ignore[attr-defined]
        assert bodies == [b"hello"]

    converse(scenario)


def test_a_long_answer_waits_for_the_preface() -> None:
    """Whoever reads the 101 may have little room for what is behind it."""

    async def scenario() -> None:
        probe = Conversation(raw=True)
        settings = probe.client.initiate_upgrade_connection()
        talk = upgraded(base64.urlsafe_b64decode(settings or b""), long)
        talk.client = probe.client
        await turns()
        content = [len(getattr(one, "data", b"")) for one in talk.frames() if one.type == 0]
        assert 0 < sum(content) <= 16_384
        talk.credit = False
        await talk.talk()
        assert len(talk.answer(1).body) == 65_535
        talk.credit = True
        talk.client.acknowledge_received_data(65_535, 1)
        await talk.talk()
        assert len(talk.answer(1).body) == 200_000
        assert talk.answer(1).ended
        assert len((await talk.ask(GET)).body) == 200_000

    converse(scenario)


def test_settings_that_are_none() -> None:
    async def scenario() -> None:
        for payload in (b"12345", b"\0\4\xff\xff\xff\xff"):
            talk = upgraded(payload)
            assert talk.transport.closing
            assert len(talk.host.refused) == 1
            assert [one.type for one in talk.frames()] == [7]

    converse(scenario)
