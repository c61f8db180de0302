"""One response through the middleware: what is decided, when, and what reaches the server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import threading
from typing import TYPE_CHECKING, Any

import pytest
from body_decoders import Decoder
from compression_doubles import Answer, answering, ask, http_scope, text

from pounce_compression import CompressionMiddleware, available_codings, policy

if TYPE_CHECKING:
    from pathlib import Path

each_coding = pytest.mark.parametrize("coding", available_codings())
LONG = text(5000)
PLAIN = ("content-type", "text/plain")


def length(number: int) -> tuple[str, str]:
    return ("content-length", str(number))


@each_coding
def test_a_whole_body(coding: str) -> None:
    fields = [PLAIN, length(5000), ("ETag", '"x"'), ("accept-ranges", "bytes"), ("vary", "Origin")]
    answer = ask(CompressionMiddleware(answering(LONG, fields=fields)), http_scope(coding))
    assert answer.content() == LONG
    assert answer.fields == {
        "content-type": "text/plain",
        "content-encoding": coding,
        "content-length": str(len(answer.body)),
        "etag": 'W/"x"',
        "vary": "Origin, Accept-Encoding",
    }
    assert len(answer.messages) == 2


AS_IT_IS: list[tuple[str, Any, dict[str, Any], bool]] = [
    # what, application, request, whether caches are told that it could have been otherwise
    ("no field", answering(LONG), {"accept": None}, True),
    ("nothing that is known", answering(LONG), {"accept": "compress"}, True),
    ("another type", answering(LONG, fields=[("content-type", "image/png")]), {}, False),
    ("no type", answering(LONG, fields=[]), {}, False),
    ("declared small", answering(b"x" * 511, fields=[PLAIN, length(511)]), {}, False),
    ("small", answering(b"x" * 511), {}, True),
    ("empty", answering(b""), {}, True),
    ("does not shrink", answering(random.Random(3).randbytes(600)), {}, True),
    ("coded", answering(LONG, fields=[PLAIN, ("content-encoding", "br")]), {}, False),
    ("forbidden", answering(LONG, fields=[PLAIN, ("cache-control", "no-transform")]), {}, False),
    ("a range", answering(LONG, status=206, fields=[PLAIN, ("content-range", "bytes 0-4999/9999")]), {}, True),
    ("digest", answering(LONG, fields=[PLAIN, ("content-digest", "sha-256=:x:")]), {}, False),
    ("excluded", answering(LONG), {"path": "/secret/x"}, False),
    ("no content", answering(b"", status=204, fields=[PLAIN]), {}, False),
]


@pytest.mark.parametrize(
    ("application", "request_", "vary"), [case[1:] for case in AS_IT_IS], ids=[c[0] for c in AS_IT_IS]
)
def test_as_it_is(application: Any, request_: dict[str, Any], vary: bool) -> None:
    scope = http_scope(**request_)
    plain, answer = Answer(), ask(CompressionMiddleware(application, exclude=("/secret",)), scope)
    asyncio.run(application(scope, None, plain.send))
    assert answer.bodies == plain.bodies
    expected = plain.fields | ({"vary": "Accept-Encoding"} if vary else {})
    assert answer.fields == expected


def test_identity_that_is_refused_makes_size_and_type_unimportant() -> None:
    application = answering(b"tiny", fields=[("content-type", "image/png"), length(4)])
    answer = ask(CompressionMiddleware(application, codings=("gzip",)), http_scope("gzip, identity;q=0"))
    assert (answer.coding, answer.content()) == ("gzip", b"tiny")
    answer = ask(CompressionMiddleware(answering(b"")), http_scope("gzip, identity;q=0"))
    assert (answer.coding, answer.body) == ("identity", b"")


@each_coding
def test_every_piece_can_be_read_as_soon_as_it_was_sent(coding: str) -> None:
    events = [b"", b"data: 1\n\n", b"", b"data: 2\n\n", text(3000), b"data: 3\n\n", b""]
    answer = ask(CompressionMiddleware(answering(*events)), http_scope(coding))
    assert answer.coding == coding
    assert "content-length" not in answer.fields
    decoder = Decoder(coding)
    for position, (event, body) in enumerate(zip(events, answer.bodies, strict=True)):
        assert decoder.feed(body) == event
        assert body or not event
        assert not (body and not event) or position == len(events) - 1, "nothing is made of nothing, but at the end"
    assert decoder.ended


@each_coding
@pytest.mark.parametrize("pieces", [[b"", b""], [b"", b"", b""], [LONG, b""]])
def test_a_stream_without_an_end_of_its_own_is_valid(coding: str, pieces: list[bytes]) -> None:
    answer = ask(CompressionMiddleware(answering(*pieces)), http_scope(coding))
    assert answer.coding == coding
    assert answer.content() == b"".join(pieces)


@each_coding
def test_an_event_stream_has_its_head_before_its_first_event(coding: str) -> None:
    answer = Answer()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        fields = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        assert answer.coding == coding
        decoder = Decoder(coding)
        for number in range(5):
            event = b"data: %d\n\n" % number
            await send({"type": "http.response.body", "body": event, "more_body": True})
            assert decoder.feed(answer.bodies[-1]) == event
        await send({"type": "http.response.body"})
        decoder.feed(answer.bodies[-1])
        assert decoder.ended

    middleware = CompressionMiddleware(application)
    asyncio.run(middleware(http_scope(coding), None, answer.send))  # type: ignore[arg-type]
    assert len(answer.messages) == 7


def test_pieces_of_a_body_of_known_length() -> None:
    answer = ask(CompressionMiddleware(answering(LONG, LONG, fields=[PLAIN, length(10_000)])))
    assert "content-length" not in answer.fields
    assert answer.content() == LONG * 2


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_kinds_of_bytes(kind: Any) -> None:
    for pieces in ([kind(LONG)], [kind(LONG), kind(b"x")]):
        assert ask(CompressionMiddleware(answering(*pieces))).content() == b"".join(bytes(piece) for piece in pieces)


def test_what_is_no_body_is_the_servers_to_refuse() -> None:
    answer = ask(CompressionMiddleware(answering("text")))  # type: ignore[arg-type]
    assert answer.messages[1]["body"] == "text"
    with pytest.raises(TypeError, match="body is 5, not bytes"):
        ask(CompressionMiddleware(answering(b"x", 5)))  # type: ignore[arg-type]


def test_trailers_and_hints_pass_in_order() -> None:
    hint = {"type": "http.response.early_hint", "links": [b"</a>"]}
    trailers = {"type": "http.response.trailers", "headers": [(b"x", b"y")]}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(hint)
        await answering(LONG, trailers=True)(scope, receive, send)
        await send(trailers)

    answer = ask(CompressionMiddleware(application))
    assert [message["type"][14:] for message in answer.messages] == ["early_hint", "start", "body", "trailers"]
    assert answer.messages[0] == hint
    assert answer.messages[3] == trailers
    assert answer.messages[1]["trailers"]
    assert b"content-length" not in dict(answer.messages[1]["headers"])


def test_a_message_that_nobody_expects_releases_the_head() -> None:
    odd = {"type": "http.response.odd"}
    answer = ask(CompressionMiddleware(answering(odd, LONG)))
    assert [message["type"] for message in answer.messages][1] == "http.response.odd"
    assert (answer.coding, answer.content()) == ("identity", LONG)


def test_an_application_that_only_begins() -> None:
    assert len(ask(CompressionMiddleware(answering())).messages) == 1


def test_an_application_that_fails_before_its_body_has_sent_nothing() -> None:
    """So that a server can still answer 500."""
    answer = Answer()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        raise KeyError("name")

    with pytest.raises(KeyError):
        asyncio.run(CompressionMiddleware(application)(http_scope(), None, answer.send))  # type: ignore[arg-type]
    assert answer.messages == []


@pytest.mark.parametrize("start", [{"status": "200"}, {}, {"status": 200, "headers": 5}])
def test_a_head_that_is_none_is_the_servers_to_refuse(start: dict[str, Any]) -> None:
    answer = Answer()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", **start})

    asyncio.run(CompressionMiddleware(application)(http_scope(), None, answer.send))  # type: ignore[arg-type]
    assert answer.messages == [{"type": "http.response.start", **start}]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "page.txt"
    path.write_bytes(LONG)
    return path


@pytest.mark.parametrize("declared", [[], [length(5000)]])
def test_a_small_file_by_its_path(file: Path, declared: list[tuple[str, str]]) -> None:
    message = {"type": "http.response.pathsend", "path": str(file)}
    answer = ask(CompressionMiddleware(answering(message, fields=[PLAIN, *declared])))
    assert (answer.coding, answer.content()) == ("gzip", LONG)
    assert answer.fields["content-length"] == str(len(answer.body))


@pytest.mark.parametrize(
    ("options", "fields"),
    [({"file_size": 4999}, [PLAIN]), ({}, [PLAIN, length(4999)]), ({"file_size": 4999}, [PLAIN, length(5000)])],
)
def test_other_files_by_their_path_are_the_servers(file: Path, options: Any, fields: list[tuple[str, str]]) -> None:
    message = {"type": "http.response.pathsend", "path": str(file)}
    answer = ask(CompressionMiddleware(answering(message, fields=fields), **options))
    assert answer.coding == "identity"
    assert answer.messages[1] is message
    expected = dict(fields).get("content-length")
    assert answer.fields.get("content-length") == expected


def test_an_open_file_is_the_servers(file: Path) -> None:
    with file.open("rb") as opened:
        message = {"type": "http.response.zerocopysend", "file": opened}
        answer = ask(CompressionMiddleware(answering(message)))
        assert answer.coding == "identity"
        assert answer.messages[1] is message


@pytest.mark.parametrize(
    ("more", "length", "packed"),
    [
        ({"offset": 0}, len(LONG), True),
        ({"offset": 0, "count": len(LONG)}, len(LONG), True),
        ({"offset": 10, "count": 3000}, 3000, True),
        ({"offset": 0}, None, False),
        ({}, len(LONG), False),
        ({"offset": 0, "count": 10}, len(LONG), False),
        ({"offset": 10, "count": len(LONG)}, len(LONG), False),  # it has less than it should
        ({"offset": 0}, 2_000_000, False),
    ],
)
def test_an_open_file_that_does_not_move(file: Path, more: dict[str, Any], length: int | None, packed: bool) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        message = {"type": "http.response.zerocopysend", "file": descriptor, **more}
        fields = [("content-type", "text/plain")]
        fields += [] if length is None else [("content-length", str(length))]
        answer = ask(CompressionMiddleware(answering(message, fields=fields)))
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    finally:
        os.close(descriptor)
    begin = more.get("offset", 0)
    if packed:
        assert (answer.coding, answer.content()) == ("gzip", LONG[begin : begin + (length or 0)])
    else:
        assert answer.messages[1] is message


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, LONG),
        ({"offset": 4000}, LONG[4000:]),
        ({"offset": 10, "count": 20}, LONG[10:30]),
        ({"count": 0}, b""),
        ({"count": 9000}, LONG),
    ],
)
def test_an_open_file_amid_pieces_is_read(file: Path, more: dict[str, Any], wanted: bytes) -> None:
    with file.open("rb") as opened:
        message = {"type": "http.response.zerocopysend", "file": opened, **more}
        for tail, end in ([{**message, "more_body": True}, b"end"], b"end"), ([message], b""):
            opened.seek(0)
            answer = ask(CompressionMiddleware(answering(b"begin", *tail)))
            assert (answer.coding, answer.content()) == ("gzip", b"begin" + wanted + end)


class SlowCodec:
    """gzip that stops in its thread until it is told to go on."""

    coding = "gzip"

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.threads: set[int] = set()

    def compress(self, data: bytes) -> bytes:
        self.threads.add(threading.get_ident())
        self.begun.set()
        assert self.go_on.wait(30)
        return b"packed"

    def stream(self) -> SlowCodec:
        return self

    def flush(self) -> bytes:
        return b"-"

    def finish(self) -> bytes:
        return b"."


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowCodec:
    codec = SlowCodec()
    monkeypatch.setattr(policy, "codec_for", lambda coding, level: codec)
    return codec


def test_the_loop_goes_on_while_a_thread_compresses(slow: SlowCodec) -> None:
    async def run() -> Answer:
        answer = Answer()
        middleware = CompressionMiddleware(answering(LONG), codings=("gzip",), thread_size=5000)
        task = asyncio.ensure_future(middleware(http_scope(), None, answer.send))  # type: ignore[arg-type]
        await asyncio.to_thread(slow.begun.wait, 30)
        assert answer.messages == []
        slow.go_on.set()
        await task
        return answer

    answer = asyncio.run(run())
    assert answer.body == b"packed"
    assert threading.get_ident() not in slow.threads


def test_small_bodies_stay_in_their_thread(slow: SlowCodec) -> None:
    slow.go_on.set()
    ask(CompressionMiddleware(answering(LONG), codings=("gzip",), thread_size=5001))
    assert slow.threads == {threading.get_ident()}


@pytest.mark.parametrize("pieces", [[LONG], [LONG, b"x"]], ids=["whole", "pieces"])
def test_who_is_cancelled_meanwhile_sends_nothing_more(slow: SlowCodec, pieces: list[bytes]) -> None:
    async def run() -> Answer:
        answer = Answer()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await answering(*pieces)(scope, receive, send)
            with pytest.raises(RuntimeError, match="interrupted while a thread compressed"):
                await send({"type": "http.response.body", "body": b"more"})

        middleware = CompressionMiddleware(application, codings=("gzip",), thread_size=5000)
        task = asyncio.ensure_future(middleware(http_scope(), None, answer.send))  # type: ignore[arg-type]
        await asyncio.to_thread(slow.begun.wait, 30)
        task.cancel()
        await task
        slow.go_on.set()
        return answer

    assert asyncio.run(run()).bodies == []


def test_a_client_that_left_meanwhile_is_told_by_the_server(slow: SlowCodec) -> None:
    async def run() -> None:
        async def gone(message: Any) -> None:
            raise OSError("the client has disconnected")

        middleware = CompressionMiddleware(answering(LONG), codings=("gzip",), thread_size=0)
        task = asyncio.ensure_future(middleware(http_scope(), None, gone))  # type: ignore[arg-type]
        await asyncio.to_thread(slow.begun.wait, 30)
        slow.go_on.set()
        with pytest.raises(OSError, match="has disconnected"):
            await task

    asyncio.run(run())


def test_messages_that_nobody_waits_for_keep_their_order() -> None:
    pieces = [text(size) for size in (20_000, 10, 30_000, 1, 5000)]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        messages = [{"type": "http.response.body", "body": piece, "more_body": True} for piece in pieces]
        await asyncio.gather(*(send(message) for message in [*messages, {"type": "http.response.body"}]))

    for thread_size in (0, 5000, 10**9):
        answer = ask(CompressionMiddleware(application, thread_size=thread_size))
        assert answer.content() == b"".join(pieces)
