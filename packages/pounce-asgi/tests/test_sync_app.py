"""SyncApp: what a response may hold and how it is sent."""

from __future__ import annotations

import io
from typing import Any

import pytest
from exchange_doubles import GET, HEAD, Head
from sync_doubles import BlockingSink, served_app

from pounce_asgi import BodyFraming, ResponseFile, SyncApp, SyncRequest, SyncResponse

TEXT = [(b"content-type", b"text/plain")]


def generate(*pieces: Any) -> Any:
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        yield piece


BODIES = {
    "bytes": (lambda: b"hello", BodyFraming.LENGTH, b"hello"),
    "nothing": (lambda: b"", BodyFraming.LENGTH, b""),
    "bytearray": (lambda: bytearray(b"hello"), BodyFraming.LENGTH, b"hello"),
    "memoryview": (lambda: memoryview(b"hello"), BodyFraming.LENGTH, b"hello"),
    "list": (lambda: [b"he", b"llo"], BodyFraming.LENGTH, b"hello"),
    "empty list": (list, BodyFraming.LENGTH, b""),
    "generator": (lambda: generate(b"he", b"", b"llo"), BodyFraming.DELIMITED, b"hello"),
    "empty generator": (lambda: generate(), BodyFraming.LENGTH, b""),
    "file in memory": (lambda: io.BytesIO(b"two\nlines\n"), BodyFraming.DELIMITED, b"two\nlines\n"),
}


@pytest.mark.parametrize(("make", "framing", "expected"), BODIES.values(), ids=BODIES.keys())
def test_bodies(make: Any, framing: BodyFraming, expected: bytes) -> None:
    sink = served_app(lambda request: SyncResponse(201, TEXT, make()))
    assert sink.head is not None
    assert (sink.head.status, sink.head.framing, sink.body, sink.ended) == (201, framing, expected, True)
    assert sink.values(b"content-type") == [b"text/plain"]


@pytest.mark.parametrize("make", [body[0] for body in BODIES.values()], ids=BODIES.keys())
def test_head_gets_no_body(make: Any) -> None:
    sink = served_app(lambda request: SyncResponse(200, TEXT, make()), HEAD)
    assert (sink.body, sink.ended) == (b"", True)


def test_a_length_that_is_known_is_told_to_head_and_one_that_is_not_is_not() -> None:
    assert served_app(lambda request: SyncResponse(body=b"hello"), HEAD).values(b"content-length") == [b"5"]
    assert served_app(lambda request: SyncResponse(body=generate(b"hello")), HEAD).values(b"content-length") == []


@pytest.mark.parametrize(("head", "status"), [(HEAD, 200), (GET, 204), (GET, 304)])
def test_an_iterable_nobody_will_see_is_closed_and_not_iterated(head: Head, status: int) -> None:
    class Endless:
        closed = 0

        def __iter__(self) -> Any:
            raise AssertionError

        def close(self) -> None:
            self.closed += 1

    endless = Endless()
    sink = served_app(lambda request: SyncResponse(status, (), endless), head)
    assert (sink.ended, endless.closed) == (True, 1)


def test_pieces_are_sent_as_they_come() -> None:
    seen = []

    def pieces() -> Any:
        yield b"a"
        seen.append(sink_holder[0].body)
        yield b"b"
        seen.append(sink_holder[0].body)

    sink_holder = [BlockingSink()]
    served_app(lambda request: SyncResponse(body=pieces()), sink=sink_holder[0])
    assert seen == [b"a", b"ab"]


@pytest.mark.parametrize(
    ("pieces", "status", "reset"),
    [((ValueError("first"),), 500, False), ((b"x", ValueError("second")), 200, True), (("text",), 500, False)],
    ids=["before the first piece", "after it", "text"],
)
def test_an_iterable_that_fails(pieces: Any, status: int, reset: bool) -> None:
    closed = []
    response = SyncResponse(body=generate(*pieces), close=lambda: closed.append(1))
    sink = served_app(lambda request: response)
    assert sink.head is not None
    assert (sink.head.status, sink.was_reset, closed) == (status, reset, [1])


@pytest.mark.parametrize("range_", [(None, None, b"3456789"), (2, None, b"23456789"), (2, 3, b"234"), (10, None, b"")])
def test_files(range_: Any, tmp_path: Any) -> None:
    offset, count, expected = range_
    (tmp_path / "file").write_bytes(b"0123456789")
    file = (tmp_path / "file").open("rb")
    file.seek(3)
    sink = served_app(lambda request: SyncResponse(body=ResponseFile(file, offset, count), close=file.close))
    assert (sink.body, sink.calls, file.closed) == (expected, ["head", "file"], True)
    assert sink.values(b"content-length") == [b"%d" % len(expected)]


@pytest.mark.parametrize(
    ("result", "message"),
    [(None, "None, not a SyncResponse"), (b"bytes", "not a SyncResponse"), ("coroutine", "must not be a coroutine")],
)
def test_what_is_no_response_is_told(result: Any, message: str, caplog: pytest.LogCaptureFixture) -> None:
    async def coroutine() -> None: ...

    sink = served_app(lambda request: coroutine() if result == "coroutine" else result)
    assert sink.head is not None
    assert sink.head.status == 500
    assert message in caplog.text


def test_a_failing_close_is_logged_and_the_answer_stays(caplog: pytest.LogCaptureFixture) -> None:
    def close() -> None:
        raise RuntimeError("close failed")

    sink = served_app(lambda request: SyncResponse(body=b"x", close=close))
    assert (sink.body, sink.ended, sink.was_reset) == (b"x", True, False)
    assert "close failed" in caplog.text


def test_requests_and_responses_can_be_made_by_hand() -> None:
    class Greeter:
        def handle(self, request: SyncRequest) -> SyncResponse:
            return SyncResponse(200, TEXT, request.method.encode() + request.body.read())

    app: SyncApp = Greeter()
    assert app.handle(SyncRequest("GET", "/")).body == b"GET"
    assert SyncRequest("GET", "/").header("host") is None


def test_records_are_frozen() -> None:
    for record in (SyncRequest("GET", "/"), SyncResponse(), ResponseFile(0)):
        with pytest.raises((AttributeError, TypeError)):
            record.method = "POST"  # type: ignore[union-attr, misc]
