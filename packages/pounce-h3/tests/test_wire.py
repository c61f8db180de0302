"""Requests over HTTP/3 from the first byte to the last."""

from __future__ import annotations

from typing import Any

from h3_doubles import GET, Conversation, converse, echo


def test_a_get() -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"hello"})

    async def scenario() -> None:
        talk = Conversation(app)
        sends = talk.quic.sends
        answer = await talk.ask([*GET, (b"x-a", b"b")])
        assert (answer.status, answer.body, answer.ended) == (200, b"hello", True)
        assert answer.fields[b"content-type"] == b"text/plain"
        assert answer.fields[b"content-length"] == b"5"
        assert talk.quic.sends == sends + 1, "head, body and end in one piece"
        (scope,) = scopes
        assert scope["http_version"] == "3"
        assert scope["headers"] == [(b"host", b"example.org"), (b"x-a", b"b")]
        assert scope["scheme"] == "https"
        assert scope["client"] == ("192.0.2.7", 51234)
        assert scope["extensions"]["tls"]["tls_version"] == 0x0304
        assert not talk.connection.streams
        assert talk.connection.idle

    converse(scenario)


def test_a_post() -> None:
    async def scenario() -> None:
        talk = Conversation(echo)
        answer = await talk.ask(body=b"x" * 50_000)
        assert (answer.status, len(answer.body), answer.ended) == (200, 50_000, True)
        assert talk.quic.credits[0] > 50_000, "the frames count as well as what is in them"

    converse(scenario)
