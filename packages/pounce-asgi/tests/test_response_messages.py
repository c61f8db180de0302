"""Response messages in, calls of the sink out: heads, framing, lengths, trailers and hints."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from exchange_doubles import (
    GET,
    HEAD,
    TE_TRAILERS,
    FakeSink,
    Head,
    Message,
    Sender,
    answered,
    body,
    hint,
    start,
    trailers,
)

from pounce_asgi import (
    BodyFraming,
    ContentLengthMismatch,
    InvalidMessage,
    InvalidResponseHeader,
)

Run = Any
NONE, LENGTH, DELIMITED = BodyFraming.NONE, BodyFraming.LENGTH, BodyFraming.DELIMITED
CL5 = (b"content-length", b"5")

# What: request, messages -> calls of the sink, framing, content-length, body.
FRAMING: dict[str, tuple[Head, list[Message], list[str], BodyFraming, list[bytes], bytes]] = {
    "known body in one message": (GET, [start(), body(b"hello")], ["head"], LENGTH, [b"5"], b"hello"),
    "empty body": (GET, [start(), body()], ["head"], LENGTH, [b"0"], b""),
    "body key left out": (GET, [start(), {"type": "http.response.body"}], ["head"], LENGTH, [b"0"], b""),
    "bytearray": (GET, [start(), body(bytearray(b"hello"))], ["head"], LENGTH, [b"5"], b"hello"),
    "memoryview": (GET, [start(), body(memoryview(b"hello"))], ["head"], LENGTH, [b"5"], b"hello"),
    "announced": (GET, [start(200, CL5), body(b"hello")], ["head"], LENGTH, [b"5"], b"hello"),
    "announced in capitals": (
        GET,
        [start(200, (b"Content-Length", b"5")), body(b"hello")],
        ["head"],
        LENGTH,
        [b"5"],
        b"hello",
    ),
    "announced twice alike": (GET, [start(200, CL5, CL5), body(b"hello")], ["head"], LENGTH, [b"5"], b"hello"),
    "announced in pieces": (
        GET,
        [start(200, CL5), body(b"he", True), body(b"llo")],
        ["head", "body"],
        LENGTH,
        [b"5"],
        b"hello",
    ),
    "announced, empty last piece": (
        GET,
        [start(200, CL5), body(b"hello", True), body()],
        ["head", "body"],
        LENGTH,
        [b"5"],
        b"hello",
    ),
    "unknown length": (
        GET,
        [start(), body(b"he", True), body(b"llo")],
        ["head", "body"],
        DELIMITED,
        [],
        b"hello",
    ),
    "unknown, empty first piece": (GET, [start(), body(b"", True), body(b"x")], ["head", "body"], DELIMITED, [], b"x"),
    "unknown, empty pieces between are not sent": (
        GET,
        [start(), body(b"a", True), body(b"", True), body(b"b", True), body()],
        ["head", "body", "body"],
        DELIMITED,
        [],
        b"ab",
    ),
    "transfer-encoding is ignored": (
        GET,
        [start(200, (b"Transfer-Encoding", b"chunked")), body(b"hello")],
        ["head"],
        LENGTH,
        [b"5"],
        b"hello",
    ),
    "headers as lists": (
        GET,
        [start(200, [b"content-length", b"5"]), body(b"hello")],
        ["head"],
        LENGTH,
        [b"5"],
        b"hello",
    ),
    "HEAD is told what GET would get": (HEAD, [start(), body(b"hello")], ["head"], NONE, [b"5"], b""),
    "HEAD, announced": (HEAD, [start(200, CL5), body(b"")], ["head"], NONE, [b"5"], b""),
    "HEAD, announced, other body": (HEAD, [start(200, CL5), body(b"hello world")], ["head"], NONE, [b"5"], b""),
    "HEAD in pieces": (HEAD, [start(), body(b"he", True), body(b"llo")], ["head", "body"], NONE, [], b""),
    "HEAD with announced pieces": (
        HEAD,
        [start(200, CL5), body(b"he", True), body(b"", True), body(b"llo")],
        ["head", "body"],
        NONE,
        [b"5"],
        b"",
    ),
    "204": (GET, [start(204), body()], ["head"], NONE, [], b""),
    "204 with a body": (GET, [start(204), body(b"hello")], ["head"], NONE, [], b""),
    "204 with content-length": (GET, [start(204, CL5), body(b"hello")], ["head"], NONE, [], b""),
    "204 with content-length 0": (GET, [start(204, (b"content-length", b"0")), body()], ["head"], NONE, [], b""),
    "304": (GET, [start(304), body()], ["head"], NONE, [], b""),
    "304 with content-length": (GET, [start(304, CL5), body()], ["head"], NONE, [b"5"], b""),
    "304 in pieces": (GET, [start(304), body(b"x", True), body(b"y")], ["head", "body"], NONE, [], b""),
    "304 to HEAD": (HEAD, [start(304), body(b"hello")], ["head"], NONE, [], b""),
    "a status without a name": (GET, [start(799), body(b"hello")], ["head"], LENGTH, [b"5"], b"hello"),
}


@pytest.mark.parametrize(("head", "messages", "calls", "framing", "length", "data"), FRAMING.values(), ids=FRAMING)
def test_framing(
    run: Run,
    head: Head,
    messages: list[Message],
    calls: list[str],
    framing: BodyFraming,
    length: list[bytes],
    data: bytes,
) -> None:
    app = Sender(*messages)
    sink: FakeSink = run(lambda: answered(app, head, early_head=False))
    assert not app.raised
    assert sink.calls == calls
    assert sink.head is not None
    assert sink.head.framing is framing
    assert sink.values(b"content-length") == length
    assert sink.values(b"transfer-encoding") == []
    assert (sink.body, sink.ended, sink.was_reset) == (data, True, False)


# What: messages, the number of the one that raises, whether bytes are on the wire by then.
MISMATCHES: dict[str, tuple[list[Message], int, bool]] = {
    "too long at once": ([start(200, CL5), body(b"hello!")], 1, False),
    "too short at once": ([start(200, CL5), body(b"hell")], 1, False),
    "too long at once, more to come": ([start(200, CL5), body(b"hello!", True)], 1, False),
    "nothing at once": ([start(200, CL5), body()], 1, False),
    "too long later": ([start(200, CL5), body(b"hel", True), body(b"lo!")], 2, True),
    "too long later, more to come": ([start(200, CL5), body(b"hel", True), body(b"lo!", True)], 2, True),
    "too short later": ([start(200, CL5), body(b"hel", True), body(b"l")], 2, True),
    "too short, empty last piece": ([start(200, CL5), body(b"hel", True), body()], 2, True),
    "more than nothing": ([start(200, (b"content-length", b"0")), body(b"x")], 1, False),
}


@pytest.mark.parametrize("catch", [False, True], ids=["passed on", "caught by the application"])
@pytest.mark.parametrize(("messages", "number", "on_wire"), MISMATCHES.values(), ids=MISMATCHES)
def test_an_application_is_held_to_its_content_length(
    run: Run, messages: list[Message], number: int, on_wire: bool, catch: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = Sender(*messages, catch=catch)
    sink: FakeSink = run(lambda: answered(app))
    assert list(app.raised) == [number]
    assert isinstance(app.raised[number], ContentLengthMismatch)
    assert "content-length" in str(app.raised[number])
    # The connection does not survive it, one way or the other.
    assert sink.head is not None
    if on_wire:
        assert sink.was_reset
        assert sink.head.status == 200
    else:
        assert (sink.head.status, sink.head.close, sink.ended) == (500, True, True)
    assert [record.name for record in caplog.records] == ["pounce.error"]


@pytest.mark.parametrize("early_head", [True, False])
def test_returning_before_the_announced_length_is_reached(run: Run, early_head: bool) -> None:
    sink: FakeSink = run(lambda: answered(Sender(start(200, CL5), body(b"hel", True)), early_head=early_head))
    assert (sink.was_reset, sink.ended, sink.body) == (True, False, b"hel")


INVALID: dict[str, tuple[list[Message], type[Exception], str]] = {
    "no status": ([{"type": "http.response.start"}], InvalidMessage, "status"),
    "status as text": ([start("200")], InvalidMessage, "status"),  # type: ignore[arg-type]
    "status too small": ([start(99)], InvalidMessage, "status"),
    "interim status": ([start(103)], InvalidMessage, "status"),
    "switching protocols": ([start(101)], InvalidMessage, "status"),
    "status too large": ([start(1000)], InvalidMessage, "status"),
    "body as text": ([start(), body("text")], InvalidMessage, "str, not bytes"),
    "body None": ([start(), body(None)], InvalidMessage, "NoneType, not bytes"),
    "later body as text": ([start(), body(b"x", True), body("text")], InvalidMessage, "str, not bytes"),
    "header as text": ([start(200, ("a", "b"))], InvalidResponseHeader, "'a', 'b'"),
    "header injection": ([start(200, (b"a", b"b\r\nc: d"))], InvalidResponseHeader, "response header"),
    "header with NUL": ([start(200, (b"a", b"\0"))], InvalidResponseHeader, "response header"),
    "header name with space": ([start(200, (b"a b", b"c"))], InvalidResponseHeader, "token"),
    "pseudo header": ([start(200, (b":status", b"200"))], InvalidResponseHeader, "token"),
    "header of three": ([start(200, (b"a", b"b", b"c"))], InvalidResponseHeader, "response header"),
    "content-length no number": ([start(200, (b"content-length", b"+5"))], InvalidResponseHeader, "content-length"),
    "two content-lengths": ([start(200, CL5, (b"content-length", b"6"))], InvalidResponseHeader, "twice"),
    "hint as text": ([start(), hint("</a>")], InvalidMessage, "not bytes"),
    "hint injection": ([start(), hint(b"</a>\r\nx: y")], InvalidResponseHeader, "response header"),
}


@pytest.mark.parametrize(("messages", "error", "words"), INVALID.values(), ids=INVALID)
def test_invalid_messages_raise_in_the_application(
    run: Run, messages: list[Message], error: type[Exception], words: str
) -> None:
    app = Sender(*messages)
    sink: FakeSink = run(lambda: answered(app))
    (raised,) = app.raised.values()
    assert type(raised) is error
    assert words in str(raised)
    assert sink.head is not None
    if len(messages) < 3:
        assert (sink.head.status, sink.ended, sink.was_reset) == (500, True, False)
    else:
        assert (sink.head.status, sink.ended, sink.was_reset) == (200, False, True)


def test_an_application_can_recover_from_an_invalid_start(run: Run) -> None:
    app = Sender(start(200, (b"a b", b"c")), start(200), body("text"), body(b"text"), catch=True)
    sink: FakeSink = run(lambda: answered(app))
    assert list(app.raised) == [0, 2]
    assert (sink.head and sink.head.status, sink.body, sink.ended) == (200, b"text", True)


def names(sink: FakeSink) -> list[bytes]:
    assert sink.head is not None
    return sorted(name for name, _ in sink.head.headers if name.lower() in (b"date", b"server"))


MINE = [(b"Date", b"then"), (b"Server", b"mine")]


@pytest.mark.parametrize(
    ("settings", "own", "expected"),
    [
        ({}, [], [b"date", b"server"]),
        ({}, MINE, [b"Date", b"Server"]),
        ({}, MINE[:1], [b"Date", b"server"]),
        ({}, MINE[1:], [b"Server", b"date"]),
        ({"date_header": False}, [], [b"server"]),
        ({"server_header": False}, [], [b"date"]),
        ({"date_header": False, "server_header": False}, [], []),
        ({"date_header": False, "server_header": False}, MINE, [b"Date", b"Server"]),
        ({"header": (("Server", "x"), ("Date", "y"))}, [], [b"date", b"server"]),
        ({"header": (("Server", "x"), ("Date", "y"))}, MINE, [b"Date", b"Server"]),
        ({"header": (("Server", "x"),), "server_header": False}, [], [b"date", b"server"]),
    ],
)
def test_date_and_server_are_there_once(run: Run, settings: Any, own: Any, expected: list[bytes]) -> None:
    sink: FakeSink = run(lambda: answered(Sender(start(200, *own), body()), **settings))
    assert names(sink) == expected


def test_configured_fields_are_on_every_response(run: Run) -> None:
    settings: Any = {"header": (("X-Frame", "deny"), ("x-a", "1"))}
    for app in (Sender(start(), body()), Sender(start(200, (b"date", b"x")), body()), Sender()):
        sink: FakeSink = run(lambda app=app: answered(app, **settings))
        assert (sink.values(b"x-frame"), sink.values(b"x-a")) == ([b"deny"], [b"1"])


def test_the_order_of_the_applications_fields_is_kept(run: Run) -> None:
    own = [(b"set-cookie", b"a"), (b"x", b"1"), (b"set-cookie", b"b"), (b"X", b"2")]
    sink: FakeSink = run(lambda: answered(Sender(start(200, *own), body(b""))))
    assert sink.head is not None
    assert [pair for pair in sink.head.headers if pair in own] == own


def test_the_applications_list_is_left_alone(run: Run) -> None:
    own = [(b"x", b"1")]
    for _ in range(2):
        run(lambda: answered(Sender({"type": "http.response.start", "status": 200, "headers": own}, body(b"hello"))))
    assert own == [(b"x", b"1")]


def test_headers_may_be_any_iterable(run: Run) -> None:
    message = {"type": "http.response.start", "status": 200, "headers": (pair for pair in [(b"x", b"1")])}
    sink: FakeSink = run(lambda: answered(Sender(message, body(b"hello"))))
    assert sink.values(b"x") == [b"1"]


@pytest.mark.parametrize(
    ("value", "close"), [(b"close", True), (b"Keep-Alive, Close", True), (b"keep-alive", False), (b"x", False)]
)
def test_connection_close_is_handed_to_the_wire(run: Run, value: bytes, close: bool) -> None:
    sink: FakeSink = run(lambda: answered(Sender(start(200, (b"connection", value)), body())))
    assert sink.head is not None
    assert sink.head.close is close
    assert sink.values(b"connection") == []


CHECKSUM = (b"x-checksum", b"1")

TRAILERS: dict[str, tuple[Head, list[Message], list[str], list[Any] | None]] = {
    "sent": (TE_TRAILERS, [start(trailers=True), body(b"x"), trailers(CHECKSUM)], ["head", "trailers"], [CHECKSUM]),
    "with content-length": (
        TE_TRAILERS,
        [start(200, CL5, trailers=True), body(b"hello"), trailers(CHECKSUM)],
        ["head", "trailers"],
        [CHECKSUM],
    ),
    "several": (
        TE_TRAILERS,
        [start(trailers=True), body(b"x", True), body(b"y"), trailers(CHECKSUM, more=True), trailers((b"x-b", b"2"))],
        ["head", "body", "trailers"],
        [CHECKSUM, (b"x-b", b"2")],
    ),
    # An empty piece that does not end the response must not reach a wire, where an empty chunk would end the body.
    "after an empty last piece": (
        TE_TRAILERS,
        [start(trailers=True), body(b"x", True), body(b""), trailers(CHECKSUM)],
        ["head", "trailers"],
        [CHECKSUM],
    ),
    "none": (TE_TRAILERS, [start(trailers=True), body(b"x"), trailers()], ["head", "trailers"], []),
    "not asked for": (GET, [start(trailers=True), body(b"x"), trailers(CHECKSUM)], ["head"], None),
    "not asked for, several": (
        GET,
        [start(trailers=True), body(b"x"), trailers(CHECKSUM, more=True), trailers(CHECKSUM)],
        ["head"],
        None,
    ),
    "HEAD": (
        Head(method="HEAD", accepts_trailers=True),
        [start(trailers=True), body(b"x"), trailers(CHECKSUM)],
        ["head"],
        None,
    ),
    "204": (TE_TRAILERS, [start(204, trailers=True), body(), trailers(CHECKSUM)], ["head"], None),
    "not announced": (TE_TRAILERS, [start(), body(b"x"), trailers(CHECKSUM)], ["head"], None),
}


@pytest.mark.parametrize(("head", "messages", "calls", "sent"), TRAILERS.values(), ids=TRAILERS)
def test_trailers(run: Run, head: Head, messages: list[Message], calls: list[str], sent: list[Any] | None) -> None:
    app = Sender(*messages)
    sink: FakeSink = run(lambda: answered(app, head))
    assert not app.raised
    assert (sink.calls, sink.trailers, sink.ended) == (calls, sent, True)


@pytest.mark.parametrize("name", [b"content-length", b"transfer-encoding", b"connection", b"date"])
def test_fields_that_may_not_be_trailers(run: Run, name: bytes) -> None:
    app = Sender(start(trailers=True), body(b"x"), trailers((name, b"1")))
    sink: FakeSink = run(lambda: answered(app, TE_TRAILERS))
    assert isinstance(app.raised[2], InvalidResponseHeader)
    assert sink.was_reset


def test_returning_without_the_announced_trailers(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    sink: FakeSink = run(lambda: answered(Sender(start(trailers=True), body(b"x")), TE_TRAILERS))
    assert sink.was_reset
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


LINK = b"</a.css>; rel=preload"

HINTS: dict[str, tuple[list[Message], list[str]]] = {
    "after the start": ([start(), hint(LINK), body(b"x")], ["informational", "head"]),
    "several": ([start(), hint(LINK), hint(LINK, LINK), body(b"x")], ["informational", "informational", "head"]),
    "before the start": ([hint(LINK), start(), body(b"x")], ["informational", "head"]),
    "without links": ([start(), hint(), body(b"x")], ["head"]),
    "after the first piece": ([start(), body(b"x", True), hint(LINK), body(b"y")], ["head", "body"]),
    "after the end": ([start(), body(b"x"), hint(LINK)], ["head"]),
}


@pytest.mark.parametrize("turn", [False, True], ids=["at once", "with turns of the loop between"])
@pytest.mark.parametrize(("messages", "calls"), HINTS.values(), ids=HINTS)
def test_early_hints(run: Run, messages: list[Message], calls: list[str], turn: bool) -> None:
    app = Sender(*messages, turn=turn)
    sink: FakeSink = run(lambda: answered(app, early_head=not turn))
    assert not app.raised
    assert (sink.calls, sink.ended) == (calls, True)
    assert all(status == 103 for status, _ in sink.informational)
    if sink.informational:
        assert sink.informational[0][1] == [(b"link", LINK)]
