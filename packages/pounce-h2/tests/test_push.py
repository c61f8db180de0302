"""``http.response.push`` for clients that take promised streams (RFC 9113, 8.4)."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from h2.settings import SettingCodes
from h2_doubles import Conversation, converse, hello, turns

extensions: list[Any] = []


async def pushing(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] != "/":
        await hello(scope, receive, send)
        return
    extensions.append(scope["extensions"])
    if "http.response.push" in scope["extensions"]:
        await send({"type": "http.response.push", "path": "/style.css?v=1", "headers": [(b"accept", b"text/css")]})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


def test_a_promise_is_kept() -> None:
    async def scenario() -> None:
        talk = Conversation(pushing)
        answer = await talk.ask()
        await talk.talk()
        assert answer.body == b"page"
        ((promised, fields),) = answer.promised
        assert fields == {
            b":method": b"GET",
            b":scheme": b"http",
            b":authority": b"example.org",
            b":path": b"/style.css?v=1",
            b"accept": b"text/css",
        }
        assert talk.answer(promised).body == b"hello /style.css"
        assert talk.answer(promised).ended
        assert talk.connection.idle

    converse(scenario)


@pytest.mark.parametrize("setting", [SettingCodes.ENABLE_PUSH, SettingCodes.MAX_CONCURRENT_STREAMS])
def test_a_client_that_takes_none(setting: SettingCodes) -> None:
    async def scenario() -> None:
        extensions.clear()
        talk = Conversation(pushing, client_settings={setting: 0})
        answer = await talk.ask()
        assert answer.body == b"page"
        assert not answer.promised
        assert ("http.response.push" in extensions[0]) is (setting is not SettingCodes.ENABLE_PUSH)

    converse(scenario)


def test_a_promise_that_is_declined() -> None:
    async def scenario() -> None:
        talk = Conversation(pushing)
        talk.begin(
            [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"example.org")],
        )
        talk.connection.data_received(talk.client.data_to_send())
        await turns(1)
        talk.connection.data_received(b"\0\0\4\3\0\0\0\0\2\0\0\0\x08")
        await talk.talk()
        assert talk.answer(1).body == b"page"
        assert talk.connection.idle

    converse(scenario)


@pytest.mark.parametrize("path", ["style.css", "/a b", "/\u00e4", None, 5])
def test_paths_that_are_none(path: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.push", "path": path, "headers": []})

    async def scenario() -> None:
        answer = await Conversation(app).ask()
        assert answer.status == 500
        assert not answer.promised

    converse(scenario)
