"""WSGI: every paragraph of PEP 3333 that speaks of servers, and the standard library's own judge."""

from __future__ import annotations

import sys
import warnings
from typing import Any
from wsgiref.validate import validator

import pytest
from exchange_doubles import CHUNKED, GET, HEAD, POST, Head
from sync_doubles import BlockingSink, make_sync_exchange, served_wsgi

from pounce_asgi import BodyFraming, InvalidResponseHeader, UnexpectedMessage, WsgiHandler

TEXT = [("Content-Type", "text/plain")]


class Closeable:
    """An iterable that counts its closing."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Any:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        self.closed += 1


def answering(result: Any, status: str = "200 OK", headers: Any = TEXT) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        start_response(status, headers)
        return result

    return app


# ------------------------------------------------------------------------------------------------------------- bodies


BODIES = {
    "one piece": ([b"hello"], [b"5"], BodyFraming.LENGTH, b"hello"),
    "a tuple": ((b"hello",), [b"5"], BodyFraming.LENGTH, b"hello"),
    "none": ([], [b"0"], BodyFraming.LENGTH, b""),
    "one empty piece": ([b""], [b"0"], BodyFraming.LENGTH, b""),
    "two pieces": ([b"he", b"llo"], [], BodyFraming.DELIMITED, b"hello"),
    "empty pieces first": ([b"", b"", b"hello"], [], BodyFraming.DELIMITED, b"hello"),
    "empty pieces between": ([b"he", b"", b"llo"], [], BodyFraming.DELIMITED, b"hello"),
    "without a length": (Closeable(b"hello"), [], BodyFraming.DELIMITED, b"hello"),
    "without a length, empty": (Closeable(), [b"0"], BodyFraming.LENGTH, b""),
}


@pytest.mark.parametrize(("result", "length", "framing", "expected"), BODIES.values(), ids=BODIES.keys())
def test_bodies(result: Any, length: list[bytes], framing: BodyFraming, expected: bytes) -> None:
    sink = served_wsgi(answering(result))
    assert sink.head is not None
    assert (sink.head.status, sink.head.framing, sink.body) == (200, framing, expected)
    assert (sink.ended, sink.values(b"content-length")) == (True, length)
    assert sink.values(b"content-type") == [b"text/plain"]


@pytest.mark.parametrize(
    ("result", "body", "status", "reset"),
    [
        (Closeable(b"hel", b"lo"), b"hello", 200, False),
        (Closeable(b"he", b"l"), b"hel", 200, True),
        (Closeable(b"hello", b"!"), b"hello", 200, True),
        ([b"hello"], b"hello", 200, False),
        ([b"hell"], None, 500, False),
        ([b"hello!"], None, 500, False),
    ],
)
def test_an_announced_length_is_held_to(result: Any, body: bytes | None, status: int, reset: bool) -> None:
    sink = served_wsgi(answering(result, headers=[("Content-Length", "5")]))
    assert sink.head is not None
    assert (sink.head.status, sink.was_reset) == (status, reset)
    if body is not None:
        assert (sink.body, sink.values(b"content-length")) == (body, [b"5"])


@pytest.mark.parametrize(
    ("result", "lengths"), [([b"hello"], [b"5"]), ([b"he", b"llo"], []), ([], []), (Closeable(b"hello"), [])]
)
def test_head_gets_no_body_and_no_length_that_is_not_known(result: Any, lengths: list[bytes]) -> None:
    sink = served_wsgi(answering(result), HEAD)
    assert (sink.body, sink.ended, sink.values(b"content-length")) == (b"", True, lengths)


@pytest.mark.parametrize(("head", "status"), [(HEAD, "200 OK"), (GET, "204 No Content"), (GET, "304 Not Modified")])
def test_a_body_nobody_will_see_is_not_asked_for(head: Head, status: str) -> None:
    result = Closeable(AssertionError("it was iterated"))
    sink = served_wsgi(answering(result, status), head)
    assert sink.head is not None
    assert (sink.head.status, sink.ended, result.closed) == (int(status[:3]), True, 1)


def test_head_of_a_generator_application_runs_it_up_to_its_first_piece() -> None:
    seen = []

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", TEXT)
        yield b"first"
        seen.append("went on")

    sink = served_wsgi(app, HEAD)
    assert (sink.ended, sink.body, seen) == (True, b"", [])


def test_pieces_are_sent_as_they_come_and_the_head_with_the_first() -> None:
    sink = BlockingSink()
    seen: list[Any] = []

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", TEXT)
        for piece in (b"", b"a", b"b"):
            seen.append((list(sink.calls), sink.body))
            yield piece

    served_wsgi(app, sink=sink)
    assert seen == [([], b""), ([], b""), (["head"], b"a")]


# -------------------------------------------------------------------------------------------- start_response and write


def test_write_sends_at_once() -> None:
    sink = BlockingSink()
    seen: list[Any] = []

    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", TEXT)
        write(b"")
        seen.append(list(sink.calls))
        write(b"one ")
        seen.append(sink.body)
        write(b"two ")
        return [b"three"]

    served_wsgi(app, sink=sink)
    assert seen == [[], b"one "]
    assert (sink.body, sink.ended) == (b"one two three", True)


def test_a_second_start_response_needs_exc_info(caplog: pytest.LogCaptureFixture) -> None:
    raised = []

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", TEXT)
        try:
            start_response("201 Created", TEXT)
        except UnexpectedMessage as error:
            raised.append(str(error))
        return [b"x"]

    sink = served_wsgi(app)
    assert sink.head is not None
    assert sink.head.status == 200
    assert "PEP 3333" in raised[0]


def test_exc_info_replaces_a_head_that_has_not_left() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("X-First", "1")])
        try:
            raise ValueError("oops")
        except ValueError:
            start_response("503 Later", [("X-Second", "2")], sys.exc_info())
        return [b"sorry"]

    sink = served_wsgi(app)
    assert sink.head is not None
    assert (sink.head.status, sink.body) == (503, b"sorry")
    assert (sink.values(b"x-first"), sink.values(b"x-second")) == ([], [b"2"])


def test_exc_info_raises_once_the_head_has_left(caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", TEXT)(b"so far")
        try:
            raise ValueError("the reason")
        except ValueError:
            start_response("500 Oops", TEXT, sys.exc_info())
        raise AssertionError

    sink = served_wsgi(app)
    assert (sink.body, sink.was_reset) == (b"so far", True)
    assert "ValueError: the reason" in caplog.text


@pytest.mark.parametrize(
    "name",
    ["Connection", "keep-alive", "Proxy-Authenticate", "TE", "Trailer", "Transfer-Encoding", "Upgrade"],
)
def test_hop_by_hop_fields_are_refused(name: str) -> None:
    raised = []

    def app(environ: Any, start_response: Any) -> Any:
        try:
            start_response("200 OK", [(name, "x")])
        except InvalidResponseHeader as error:
            raised.append(str(error))
            raise
        return []

    sink = served_wsgi(app)
    assert sink.head is not None
    assert sink.head.status == 500
    assert name in raised[0]


WRONG_CALLS = {
    "status is a number": (200, TEXT, "status"),
    "status is bytes": (b"200 OK", TEXT, "status"),
    "status without a space": ("200OK", TEXT, "status"),
    "status is a word": ("OK", TEXT, "status"),
    "interim status": ("100 Continue", TEXT, "status"),
    "headers of bytes": ("200 OK", [(b"a", b"b")], "pair of str"),
    "value is a number": ("200 OK", [("a", 1)], "pair of str"),
    "not pairs": ("200 OK", [("a", "b", "c")], "pairs of str"),
    "no headers": ("200 OK", None, "pairs of str"),
    "beyond latin-1": ("200 OK", [("a", "\u20ac")], "pairs of str"),
    "line break": ("200 OK", [("a", "b\r\nc")], "header"),
    "two lengths": ("200 OK", [("Content-Length", "1"), ("Content-Length", "2")], "content-length"),
}


@pytest.mark.parametrize(("status", "headers", "message"), WRONG_CALLS.values(), ids=WRONG_CALLS.keys())
def test_what_start_response_refuses(status: Any, headers: Any, message: str, caplog: pytest.LogCaptureFixture) -> None:
    sink = served_wsgi(answering([b"x"], status, headers))
    assert sink.head is not None
    assert (sink.head.status, sink.body.startswith(b"500 ")) == (500, True)
    assert message in caplog.text


WRONG_RESULTS = {
    "no start_response": (lambda environ, start_response: [b"x"], "without calling start_response"),
    "no start_response, empty": (lambda environ, start_response: [], "without calling start_response"),
    "none": (answering(None), "not an iterable"),
    "text": (answering(["text"]), "not bytes"),
    "a string": (answering("text"), "not bytes"),
}


@pytest.mark.parametrize(("app", "message"), WRONG_RESULTS.values(), ids=WRONG_RESULTS.keys())
def test_results_that_are_none(app: Any, message: str, caplog: pytest.LogCaptureFixture) -> None:
    sink = served_wsgi(app)
    assert sink.head is not None
    assert sink.head.status == 500
    assert message in caplog.text


def test_the_reason_of_a_status_is_not_needed() -> None:
    sink = served_wsgi(answering([b"x"], "299"))
    assert sink.head is not None
    assert sink.head.status == 299


# -------------------------------------------------------------------------------------------------- failing, closing


CLOSED = {
    "answered": ((b"a", b"b"), GET, 200, False),
    "empty": ((), GET, 200, False),
    "fails at once": ((ValueError("first"),), GET, 500, False),
    "fails later": ((b"a", ValueError("second")), GET, 200, True),
    "not bytes": (("text",), GET, 500, False),
    "head": ((b"a",), HEAD, 200, False),
}


@pytest.mark.parametrize(("pieces", "head", "status", "reset"), CLOSED.values(), ids=CLOSED.keys())
def test_close_is_called_exactly_once(pieces: Any, head: Head, status: int, reset: bool) -> None:
    result = Closeable(*pieces)
    sink = served_wsgi(answering(result), head)
    assert sink.head is not None
    assert (sink.head.status, sink.was_reset, result.closed) == (status, reset, 1)


def test_close_is_called_when_the_client_has_left(caplog: pytest.LogCaptureFixture) -> None:
    class Leaving(Closeable):
        def __iter__(self) -> Any:
            yield b"a"
            exchange.client_gone()
            yield b"b"

    result = Leaving()
    exchange = make_sync_exchange(WsgiHandler(answering(result)))
    exchange.start()
    assert result.closed == 1
    assert not caplog.records


def test_a_failing_close_is_logged_and_the_answer_stays(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Closeable):
        def close(self) -> None:
            raise RuntimeError("close failed")

    sink = served_wsgi(answering(Failing(b"x")))
    assert (sink.body, sink.ended, sink.was_reset) == (b"x", True, False)
    assert "close failed" in caplog.text


def test_an_application_that_raises_is_500(caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", TEXT)
        raise KeyError("oops")

    sink = served_wsgi(app)
    assert sink.head is not None
    assert sink.head.status == 500
    assert "KeyError" in caplog.text


# -------------------------------------------------------------------------------------------------------------- input


READS: dict[str, Any] = {
    "read": lambda source: source.read(),
    "read(size)": lambda source: source.read(2) + source.read(100),
    "readline": lambda source: source.readline() + source.readline() + source.readline(),
    "readlines": lambda source: b"".join(source.readlines()),
    "iteration": lambda source: b"".join(source),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.parametrize(
    "head", [CHUNKED, Head(method="POST", has_body=True, content_length=5)], ids=["chunked", "sized"]
)
def test_input_streams(head: Head, read: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        assert environ["wsgi.input_terminated"] is True
        data = read(environ["wsgi.input"])
        start_response("200 OK", TEXT)
        return [data]

    assert served_wsgi(app, head, "abcdeF").body == b"abcde"


def test_input_that_is_cut_off_raises_an_os_error() -> None:
    raised = []

    def app(environ: Any, start_response: Any) -> Any:
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            raised.append(error)
            raise
        raise AssertionError

    sink = served_wsgi(app, POST, "abX")
    assert sink.head is not None
    assert (sink.head.status, len(raised)) == (400, 1)


# --------------------------------------------------------------------------------------------------------------- files


def serving_file(make: Any, headers: Any = ()) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", list(headers))
        return environ["wsgi.file_wrapper"](make(), 4)

    return app


@pytest.mark.parametrize("head", [GET, HEAD], ids=["GET", "HEAD"])
@pytest.mark.parametrize(
    ("start", "length", "expected"), [(0, None, b"0123456789"), (4, None, b"456789"), (2, 3, b"234")]
)
def test_files_are_sent_from_where_they_stand_and_closed(
    head: Head, start: int, length: int | None, expected: bytes, tmp_path: Any
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    file = (tmp_path / "file").open("rb")
    file.seek(start)
    headers = [] if length is None else [("Content-Length", str(length))]
    sink = served_wsgi(serving_file(lambda: file, headers), head)
    assert (sink.body, file.closed) == (expected if head is GET else b"", True)
    assert sink.values(b"content-length") == [b"%d" % len(expected)]
    assert sink.calls == (["head", "file"] if head is GET else ["head"])


def test_a_file_shorter_than_announced_is_an_error(tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    sink = served_wsgi(serving_file(lambda: (tmp_path / "file").open("rb"), [("Content-Length", "11")]))
    assert sink.head is not None
    assert sink.head.status == 500


def test_a_file_after_written_bytes(tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "13")])(b"abc")
        return environ["wsgi.file_wrapper"]((tmp_path / "file").open("rb"))

    assert served_wsgi(app).body == b"abc0123456789"


def test_a_wrapped_file_behind_middleware_is_iterated(tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")

    def app(environ: Any, start_response: Any) -> Any:
        result = serving_file(lambda: (tmp_path / "file").open("rb"))(environ, start_response)
        pieces = [piece + b" " for piece in result]
        result.close()
        return Closeable(*pieces)

    sink = served_wsgi(app)
    assert (sink.body, "file" in sink.calls) == (b"0123 4567 89 ", False)


# ---------------------------------------------------------------------------------------------- the judge of wsgiref


def reading(environ: Any, start_response: Any) -> Any:
    data = environ["wsgi.input"].read(3) + environ["wsgi.input"].readline() + b"".join(environ["wsgi.input"])
    write = start_response("200 OK", TEXT)
    write(b"got ")
    return iter([data, b"."])


def failing(environ: Any, start_response: Any) -> Any:
    try:
        raise ValueError("oops")
    except ValueError:
        start_response("500 Oops", TEXT, sys.exc_info())
    environ["wsgi.errors"].write("oops\n")
    environ["wsgi.errors"].flush()
    return [b"failed"]


VALIDATED = {
    "list": (answering([b"hello"]), GET, "", b"hello"),
    "iterator": (answering(Closeable(b"hel", b"", b"lo")), GET, "", b"hello"),
    "reads and writes": (reading, CHUNKED, "abcdefF", b"got abcdef."),
    "error": (failing, GET, "", b"failed"),
    "head": (answering([]), HEAD, "", b""),
    "no content": (answering([], "204 No Content", []), GET, "", b""),
    "query and cookies": (
        answering([b"x"]),
        Head(query_string=b"a=1", headers=((b"cookie", b"a"), (b"cookie", b"b"), (b"x_y", b"1"))),
        "",
        b"x",
    ),
}


@pytest.mark.parametrize(("app", "head", "script", "expected"), VALIDATED.values(), ids=VALIDATED.keys())
@pytest.mark.parametrize("root_path", ["", "/mounted"])
def test_the_validator_of_the_standard_library_is_content(
    app: Any, head: Head, script: str, expected: bytes, root_path: str, capfd: Any
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sink = served_wsgi(validator(app), head, script, root_path=root_path)
    assert (sink.body, sink.ended) == (expected, True)
    assert sink.head is not None
    assert sink.head.status < 500 or app is failing
