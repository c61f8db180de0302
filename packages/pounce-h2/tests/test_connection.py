"""Requests and responses on one connection: an h2 client on the other side of a fake transport."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from typing import Any

import pytest
from frame_cases import SETTINGS, WINDOW, frame
from h2_doubles import GET, POST, PREFACE, Conversation, converse, echo, hello, read_body
from hpack import Encoder

HOLDERS = ("*pounce*", "*hpack*")
"""Files whose lines make what a connection may keep."""


def test_a_request_is_answered() -> None:
    async def scenario() -> None:
        talk = Conversation()
        answer = await talk.ask()
        assert answer.status == 200
        assert answer.body == b"hello /"
        assert dict(answer.fields)[b"content-length"] == b"7"
        assert answer.ended
        assert answer.reset is None

    converse(scenario)


def test_bodies_of_any_size_come_back() -> None:
    async def scenario() -> None:
        talk = Conversation(echo)
        for size in (0, 1, 16_384, 65_535, 3_000_000):
            answer = await talk.ask(body=b"x" * size)
            assert (answer.status, len(answer.body), answer.ended) == (200, size, True)

    converse(scenario)


def test_a_hundred_streams_in_parallel() -> None:
    async def scenario() -> None:
        talk = Conversation()
        await talk.talk()
        ids = [talk.begin([*GET[:2], (b":path", b"/%d" % number), GET[3]]) for number in range(100)]
        await talk.talk()
        for number, stream_id in enumerate(ids):
            assert talk.answer(stream_id).body == b"hello /%d" % number

    converse(scenario)


def test_expectations() -> None:
    async def scenario() -> None:
        talk = Conversation(echo)
        stream = talk.begin([*POST, (b"expect", b"100-continue")], end=False)
        await talk.talk()
        assert talk.answer(stream).informational == [{b":status": b"100"}]
        await talk.upload(stream, b"body")
        await talk.talk()
        assert talk.answer(stream).body == b"body"

    converse(scenario)


def test_trailers_in_both_directions() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = await read_body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
        await send({"type": "http.response.body", "body": body})
        await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]})

    async def scenario() -> None:
        talk = Conversation(app)
        for size in (1, 200_000):
            stream = talk.begin([*POST, (b"te", b"trailers")], end=False)
            await talk.upload(stream, bytes(size), end=False)
            talk.client.send_headers(stream, [(b"x-check", b"2")], end_stream=True)
            await talk.talk()
            answer = talk.answer(stream)
            assert (len(answer.body), answer.trailers, answer.ended) == (size, [(b"x-sum", b"1")], True)

    converse(scenario)


def test_early_hints() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.early_hint", "links": [b"</a>; rel=preload"]})
        await hello(scope, receive, send)

    async def scenario() -> None:
        answer = await Conversation(app).ask()
        assert answer.informational == [{b":status": b"103", b"link": b"</a>; rel=preload"}]
        assert answer.status == 200

    converse(scenario)


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
def test_answers_without_a_body(method: bytes, status: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"" if status != 200 else b"hello"})

    async def scenario() -> None:
        answer = await Conversation(app).ask([(b":method", method), *GET[1:]])
        assert (answer.status, answer.body, answer.ended) == (status, b"", True)
        assert dict(answer.fields).get(b"content-length") == (b"5" if method == b"HEAD" else None)

    converse(scenario)


def test_the_scope() -> None:
    scopes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await hello(scope, receive, send)

    async def scenario() -> None:
        fields = [*GET[:2], (b":path", b"/a%20b?c=d"), GET[3], (b"cookie", b"a=1"), (b"x", b"y"), (b"cookie", b"b=2")]
        await Conversation(app).ask(fields)
        (scope,) = scopes
        assert scope["http_version"] == "2"
        assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b", b"/a%20b", b"c=d")
        assert scope["headers"] == [(b"host", b"example.org"), (b"cookie", b"a=1; b=2"), (b"x", b"y")]

    converse(scenario)


def test_what_belongs_to_connections_of_http1_is_not_sent() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"Connection", b"close"), (b"Transfer-Encoding", b"chunked"), (b"Upgrade", b"h2"), (b"X-Y", b" z ")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x"})

    async def scenario() -> None:
        answer = await Conversation(app).ask()
        assert answer.fields == [(b":status", b"200"), (b"x-y", b"z"), (b"content-length", b"1")]

    converse(scenario)


def test_heads_that_never_repeat_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of requests nor of responses: once what is remembered was full, the memory grows no more."""
    full = 64
    for module in (
        "pounce_asgi.multiplexed.head_memo",
        "pounce_asgi.multiplexed.response_fields",
        "pounce_asgi.response_head",
    ):
        monkeypatch.setattr(f"{module}.MEMO_HEADS", full)
    monkeypatch.setattr("pounce_asgi.response_rules.MEMO_ENTRIES", full)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope["raw_path"]
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"etag", path), (b"x" + path[1:], path)]}
        )
        await send({"type": "http.response.body", "body": path})

    async def scenario() -> None:
        talk = Conversation(app, raw=True)
        encoder = Encoder()
        decoded: list[int] = []
        engine: Any = talk.connection.engine
        memo, decode = engine._blocks, engine._blocks._decode

        def count(block: bytes) -> Any:
            decoded.append(len(block))
            return decode(block)

        memo._decode = count
        await talk.send(PREFACE + frame(SETTINGS, 0, 0) + frame(WINDOW, 0, 0, b"\x40\0\0\0"))

        async def ask(first: int, last: int) -> None:
            for number in range(first, last):
                word = b"%0100d" % number
                # First in fields that are put into the table, then by their indexes, and then by the same again.
                fields = [*GET[:2], (b":path", b"/" + word), GET[3], (b"referer", word)]
                ids = range(6 * number + 1, 6 * number + 7, 2)
                await talk.send(b"".join([frame(1, 5, one, encoder.encode(fields)) for one in ids]))
                assert talk.transport.written.count(b"/" + word) == 9
                talk.transport.written.clear()

        def held() -> int:
            gc.collect()
            # Not all that is traced: the threads of other tests, and of what runs them, remember something, too.
            mine = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, one) for one in HOLDERS])
            return sum(trace.size for trace in mine.traces)

        await ask(0, 8 * full + 1)
        tracemalloc.start()
        try:
            sizes = [held()]
            for first in range(8 * full + 1, 12 * full + 1, full):
                await ask(first, first + full)
                sizes.append(held())
        finally:
            tracemalloc.stop()
        # What a free-threaded Python frees late comes and goes; what is kept is there each time.
        assert min(after - before for before, after in itertools.pairwise(sizes)) < 40_000, "150,000 if they were kept"
        assert len(decoded) == 2 * (12 * full + 1)
        assert len(memo._blocks) <= 16
        assert talk.connection.idle

    converse(scenario)
