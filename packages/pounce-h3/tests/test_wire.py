"""Requests over HTTP/3 from the first byte to the last."""

from __future__ import annotations

from typing import Any

import pytest
from h3_doubles import GET, POST, Answer, Conversation, Fields, converse, data, echo, headers

from pounce_asgi.http_exchange import EAGER


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


async def answer_of(app: Any, fields: Fields | None = None, **options: Any) -> Answer:
    talk = Conversation(app, **options)
    answer = await talk.ask(fields)
    assert talk.connection.idle
    assert answer.ended
    return answer


def run(app: Any, fields: Fields | None = None, **options: Any) -> Answer:
    found: list[Answer] = []

    async def scenario() -> None:
        found.append(await answer_of(app, fields, **options))

    converse(scenario)
    return found[0]


def replying(*messages: dict[str, Any]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def start(status: int = 200, *headers: tuple[bytes, bytes], trailers: bool = False) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers), "trailers": trailers}


def part(body: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def test_early_hints_and_what_follows() -> None:
    hint = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]}
    answer = run(replying(hint, hint, start(), part(b"x")))
    assert answer.statuses == [103, 103, 200]
    assert dict(answer.heads[0])[b"link"] == b"</a.css>; rel=preload"
    assert answer.body == b"x"


def test_trailers() -> None:
    trailers = {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": False}
    answer = run(replying(start(trailers=True), part(b"x"), trailers), [*GET, (b"te", b"trailers")])
    assert answer.trailers == [(b"x-sum", b"1")]
    assert [kind for kind, _ in answer.frames] == [1, 0, 1]


@pytest.mark.parametrize(
    ("status", "method", "frames"), [(204, b"GET", [1]), (304, b"GET", [1]), (200, b"HEAD", [1]), (200, b"GET", [1, 0])]
)
def test_answers_without_a_body(status: int, method: bytes, frames: list[int]) -> None:
    answer = run(replying(start(status), part(b"" if status != 200 else b"body")), [(b":method", method), *GET[1:]])
    assert answer.status == status
    assert [kind for kind, _ in answer.frames] == frames


def test_an_empty_body_needs_no_frame() -> None:
    assert [kind for kind, _ in run(replying(start(), part())).frames] == [1]


def test_a_body_in_pieces() -> None:
    answer = run(replying(start(), part(b"a", more=True), part(b"", more=True), part(b"b", more=True), part()))
    assert answer.body == b"ab"
    assert b"content-length" not in answer.fields


def test_a_large_head() -> None:
    answer = run(replying(start(200, *[(b"x-%d" % number, b"y" * 1000) for number in range(50)]), part(b"x")))
    assert answer.fields[b"x-49"] == b"y" * 1000


def test_expect_100_continue() -> None:
    async def scenario() -> None:
        talk = Conversation(echo)
        answer = await talk.send(0, headers([*POST, (b"expect", b"100-continue")]))
        assert answer.statuses == [100]
        assert (await talk.send(0, data(b"x"), end=True)).statuses == [100, 200]

    converse(scenario)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([*GET[:2], (b":path", b"/" + b"x" * 9000), GET[3]], 414),
        ([*GET, (b"x", b"y" * 17_000)], 431),
        ([*GET, *[(b"x%d" % number, b"y") for number in range(101)]], 431),
        ([*GET, *[(b"x%d" % number, b"y" * 8000) for number in range(12)]], 431),
        ([*GET, *[(b"x%d" % number, b"y" * 8000) for number in range(100)]], 431),
        ([*GET, *[(b"x", b"")] * 2000], 431),
        ([*GET[:3], (b":authority", b"a b")], 400),
        ([*GET, (b"host", b"other.org")], 400),
        (GET[:3], 400),
        ([(b":method", b"CONNECT"), (b":authority", b"example.org:443")], 501),
        ([*GET, (b"expect", b"something")], 417),
        ([(b":method", b"G T"), *GET[1:]], 400),
    ],
)
def test_heads_that_are_answered(fields: Fields, status: int) -> None:
    """With the statuses of HTTP/1.1, whole and cut into pieces; and the connection goes on."""

    async def scenario() -> None:
        talk = Conversation()
        for _ in range(2):
            answer = await talk.ask(fields)
            assert (answer.status, answer.ended) == (status, True)
        stream_id = talk.begin()
        sent = headers(fields)
        assert (await talk.send(stream_id, sent[:20], sent[20:-1], sent[-1:])).status == status
        assert talk.quic.stops == {stream_id: 0x100}
        assert (await talk.ask()).status == 200
        assert len(talk.host.refused) == 3

    converse(scenario)


def test_large_trailers() -> None:
    async def scenario() -> None:
        for fields in ([(b"x", b"y" * 17_000)], [(b"x", b"y" * 200_000)], [(b"x", b"y")] * 101):
            talk = Conversation(echo)
            answer = await talk.send(0, headers(POST) + data(b"x") + headers(fields), end=True)
            assert (answer.status, answer.ended) == (431, True)
            assert talk.quic.closed is None

    converse(scenario)


def test_cookies_are_joined() -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await send(start())
        await send(part())

    run(app, [*GET, (b"cookie", b"a=1"), (b"x", b"y"), (b"cookie", b"b=2")])
    assert scopes[0]["headers"] == [(b"host", b"example.org"), (b"cookie", b"a=1; b=2"), (b"x", b"y")]


def test_too_many_connections() -> None:
    answer = run(replying(start(), part()), refusal="the server has too many connections")
    assert answer.status == 503


@pytest.mark.parametrize(
    ("method", "status"), [(b"GET", 200), (b"HEAD", 200), (b"OPTIONS", 200), (b"POST", 425), (b"DELETE", 425)]
)
def test_early_data(method: bytes, status: int) -> None:
    """What may be a repetition is answered only where that does no harm (RFC 8470)."""

    async def scenario() -> None:
        talk = Conversation(replying(start(), part()), handshake=False)
        answer = await talk.ask([(b":method", method), *GET[1:]])
        assert (answer.status, answer.ended) == (status, True)
        assert not talk.answer(3).frames, "our settings wait for the client to be known"
        talk.connection.handshake_done()
        answer = await talk.ask([(b":method", method), *GET[1:]])
        assert answer.status == 200

    converse(scenario)


def test_answers_to_many_at_once_take_one_flush() -> None:
    async def scenario() -> None:
        talk = Conversation(replying(start(), part(b"x")))
        flushes = talk.transport.flushes
        for _ in range(10):
            talk.connection.stream_received(talk.begin(), headers(GET), True)
        await talk.settle()
        assert all(talk.answer(stream_id).ended for stream_id in range(0, 40, 4))
        if EAGER:
            assert talk.transport.flushes == flushes, "the engine is flushed by whoever gave it what came"

    converse(scenario)
